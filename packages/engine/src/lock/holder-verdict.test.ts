import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';
import type { Writable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fileIdentity } from './file-identity.ts';
import type { Holder } from './holder.ts';
import { judgeHolder } from './holder-verdict.ts';
import { processState, thisProcess } from './this-process.ts';

const here = thisProcess();
let descriptor: number;
let living: Holder;
beforeAll(() => {
  descriptor = openSync('/dev/null', 'r');
  living = {
    ...here,
    nonce: 'aa',
    threadId: 0,
    descriptor,
    holderFile: fileIdentity(fstatSync(descriptor, { bigint: true })),
    lockFile: undefined,
    since: '',
  };
});
afterAll(() => closeSync(descriptor));

const stateOf = (change: Partial<Holder>, lockFile?: string): string =>
  judgeHolder({ ...living, ...change }, here, lockFile).state;

describe('a holder', () => {
  test('lives while its process has its file open', () => {
    expect(stateOf({})).toBe('alive');
  });

  test('is dead when its process has ended', () => {
    const { pid } = spawnSync('true');
    expect(stateOf({ pid })).toBe('dead');
  });

  test('is dead when its process has ended and waits for its parent', async () => {
    // The shell turns into a program that waits for nobody; only then its child ends.
    const script = 'read line <&3 & echo $!; exec sleep 60';
    const parent = spawn('sh', ['-c', script], { stdio: ['ignore', 'pipe', 'ignore', 'pipe'] });
    try {
      const [output] = (await once(parent.stdout!, 'data')) as [Buffer];
      const pid = Number(output.toString());
      while (readFileSync(`/proc/${parent.pid}/comm`, 'utf8') !== 'sleep\n') await setImmediate();
      const { startTime } = processState(pid)!;
      expect(stateOf({ pid, startTime, descriptor: 1_000_000 })).toBe('dead');
      expect(processState(pid)!.ended).toBe(false);
      (parent.stdio[3] as Writable).end('\n');
      while (!processState(pid)!.ended) await setImmediate();
      expect(judgeHolder({ ...living, pid, startTime }, here, undefined).because).toBe(
        'its process has ended',
      );
    } finally {
      parent.kill('SIGKILL');
    }
  });

  test('is dead when another process has its number', () => {
    expect(stateOf({ startTime: '1' })).toBe('dead');
  });

  test('is dead when its descriptor is closed or leads to another file', () => {
    expect(stateOf({ descriptor: 1_000_000 })).toBe('dead');
    expect(stateOf({ holderFile: '1:1' })).toBe('dead');
  });

  test('lives where only its process can be seen', () => {
    expect(stateOf({ startTime: undefined, descriptor: 1_000_000 })).toBe('alive');
  });

  test('is dead when its machine was started anew, known by id and name', () => {
    expect(stateOf({ boot: 'before' })).toBe('dead');
    expect(stateOf({ boot: 'before', host: 'copy' })).toBe('alive');
    expect(stateOf({ boot: 'before', machine: 'other' })).toBe('alive');
  });

  test('is judged by its process alone where boots cannot be told apart', () => {
    const facts = { ...here, boot: undefined, startTime: undefined };
    const state = (change: Partial<Holder>): string =>
      judgeHolder({ ...living, boot: undefined, startTime: undefined, ...change }, facts, undefined).state;
    expect(state({})).toBe('alive');
    expect(state({ pid: spawnSync('true').pid })).toBe('dead');
    expect(state({ pid: spawnSync('true').pid, machine: 'other' })).toBe('alive');
  });

  test('in another container is judged by the lock it had', () => {
    const elsewhere = { pidNamespace: 'pid:[1]', startTime: '1' };
    expect(stateOf(elsewhere)).toBe('alive');
    expect(stateOf({ ...elsewhere, lockFile: '1:2' })).toBe('unseen');
    expect(stateOf({ ...elsewhere, lockFile: '1:2' }, '1:3')).toBe('alive');
    expect(stateOf({ ...elsewhere, lockFile: '1:2' }, '1:2')).toBe('dead');
    expect(stateOf({ ...elsewhere, boot: 'before', machine: 'other', lockFile: '1:2' }, '1:2')).toBe('alive');
  });
});
