import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ErrorCode } from '@arena-level/common/base/errors';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { DirectoryLock } from '../../packages/engine/src/lock/directory-lock.ts';
import type { Holder } from '../../packages/engine/src/lock/holder.ts';
import { lockHere, Opener } from './opener.ts';

const root = mkdtempSync(join(tmpdir(), 'arena-lock-'));
afterAll(() => rmSync(root, { recursive: true }));

let directory: string;
let openers: Opener[] = [];
let locks: DirectoryLock[] = [];
beforeEach(() => {
  directory = mkdtempSync(join(root, 'store-'));
});
afterEach(async () => {
  for (const lock of locks) lock.release();
  await Promise.all(openers.map((opener) => opener.kill()));
  locks = [];
  openers = [];
});

async function start(kind: 'process' | 'worker', native: boolean): Promise<Opener> {
  const opener = await Opener.start(kind, native);
  openers.push(opener);
  return opener;
}

function lock(native: boolean, force = false): DirectoryLock {
  const taken = lockHere(directory, native, force);
  locks.push(taken);
  return taken;
}

const holderPath = (): string => join(directory, 'arena.holder');
const readHolder = (): Holder => JSON.parse(readFileSync(holderPath(), 'utf8'));
const files = (): string[] => readdirSync(directory).filter((name) => name !== 'LOCK');
const locked = (message: RegExp): unknown =>
  expect.objectContaining({ code: ErrorCode.Locked, message: expect.stringMatching(message) });

/** Leaves the holder file of somebody who is not what it says. */
function leaveHolder(change: (holder: Holder) => Partial<Holder>, native: boolean): void {
  const taken = lockHere(directory, native);
  const holder = readHolder();
  taken.release();
  writeFileSync(holderPath(), JSON.stringify({ ...holder, ...change(holder) }));
}

function descriptorsOf(path: string): number {
  return readdirSync('/proc/self/fd').filter((number) => {
    try {
      return readlinkSync(`/proc/self/fd/${number}`).startsWith(path);
    } catch {
      return false;
    }
  }).length;
}

describe.each([
  ['with the native package', true],
  ['without the native package', false],
])('the lock of a directory, %s', (_, native) => {
  test('refuses a second opener in the same thread, and names the first', () => {
    lock(native);
    expect(() => lock(native)).toThrow(
      locked(/this process, thread 0, on \S+, since 20\d\d-.*its process is running/),
    );
    expect(() => lock(!native)).toThrow(locked(/this process/));
  });

  test.each(['worker', 'process'] as const)('refuses a second opener in another %s', async (kind) => {
    const first = await start(kind, native);
    const { outcome, pid, threadId } = await first.ask('lock', directory);
    expect(outcome).toBe('done');
    const who = kind === 'process' ? `process ${pid}, thread 0` : `this process, thread ${threadId}`;
    for (const other of [native, !native]) expect(() => lock(other)).toThrow(locked(new RegExp(who)));
    const second = await start(kind, native);
    expect((await second.ask('lock', directory)).outcome).toBe(ErrorCode.Locked);
    await first.ask('release');
    expect((await second.ask('lock', directory)).outcome).toBe('done');
  });

  test('leaves nothing but an empty LOCK when it is released, twice as well', () => {
    const taken = lock(native);
    expect(files()).toEqual(['arena.holder']);
    taken.release();
    taken.release();
    expect(files()).toEqual([]);
    expect(descriptorsOf(directory)).toBe(0);
    lock(native).release();
  });

  test('leaves the holder alone and its files closed when it is refused', () => {
    lock(native);
    const before = readFileSync(holderPath(), 'utf8');
    const open = descriptorsOf(directory);
    expect(() => lock(native)).toThrow(locked(/./));
    expect(readFileSync(holderPath(), 'utf8')).toBe(before);
    expect(descriptorsOf(directory)).toBe(open);
    expect(files()).toEqual(['arena.holder']);
  });

  test.each(['worker', 'process'] as const)('is taken over from a killed %s', async (kind) => {
    const first = await start(kind, native);
    await first.ask('lock', directory);
    await first.kill();
    expect(files()).toEqual(['arena.holder']);
    lock(native).release();
    expect(files()).toEqual([]);
  });

  test('is taken over where the process number was given to another process', () => {
    leaveHolder(({ startTime }) => ({ startTime: String(Number(startTime) - 1) }), native);
    lock(native);
  });

  test('is taken over where the thread has closed its descriptor, or another file has the number', () => {
    leaveHolder(() => ({}), native);
    lock(native).release();
    leaveHolder(() => ({ descriptor: 0 }), native);
    lock(native);
  });

  test('is taken over after the machine was started anew, and not from another machine', () => {
    leaveHolder(() => ({ boot: 'another', pidNamespace: 'pid:[1]' }), native);
    lock(native).release();
    leaveHolder(() => ({ boot: 'another', machine: 'another' }), native);
    expect(() => lock(native)).toThrow(locked(/another machine/));
    leaveMachineOf('copy');
    expect(() => lock(native)).toThrow(locked(/on copy, .*another machine/));
  });

  function leaveMachineOf(host: string): void {
    writeFileSync(holderPath(), JSON.stringify({ ...readHolder(), ...machineHere(), boot: 'another', host }));
  }

  function machineHere(): Partial<Holder> {
    const other = mkdtempSync(join(root, 'other-'));
    const taken = lockHere(other, native);
    const { machine } = JSON.parse(readFileSync(join(other, 'arena.holder'), 'utf8')) as Holder;
    taken.release();
    return { machine };
  }

  test('is taken over from another container only by the lock that one had', () => {
    leaveHolder(() => ({ pidNamespace: 'pid:[1]', lockFile: undefined }), native);
    expect(() => lock(native)).toThrow(locked(/another container/));
    leaveForced(() => ({ pidNamespace: 'pid:[1]', lockFile: '1:1' }));
    expect(() => lock(native)).toThrow(locked(/another container/));
    leaveForced((holder) => ({ pidNamespace: 'pid:[1]', lockFile: holder.lockFile ?? '1:1' }));
    if (native) lock(native);
    else expect(() => lock(native)).toThrow(locked(/another container/));
  });

  /** As `leaveHolder`, over a holder that is not dead. */
  function leaveForced(change: (holder: Holder) => Partial<Holder>): void {
    rmSync(holderPath(), { force: true });
    leaveHolder(change, native);
  }

  test.each([
    ['is empty', ''],
    ['is no JSON', '{"pid": 1,'],
    ['is no object', '42'],
    ['lacks fields', '{"pid": 1}'],
    ['is huge', `{"pid": 1}${' '.repeat(100_000)}`],
  ])('refuses where the holder file %s, until forced', (_name, contents) => {
    writeFileSync(holderPath(), contents);
    expect(() => lock(native)).toThrow(locked(/damaged/));
    expect(descriptorsOf(directory)).toBe(0);
    lock(native, true).release();
    expect(files()).toEqual([]);
  });

  test('refuses a nonce that would lead out of the directory', () => {
    leaveHolder(() => ({ nonce: '../../outside', startTime: '0' }), native);
    expect(() => lock(native)).toThrow(locked(/damaged/));
  });

  test('is replaced by force, and the replaced holder releases nothing of its successor', () => {
    leaveHolder(() => ({ machine: 'another', boot: 'another' }), native);
    const forced = lock(native, true);
    const after = readHolder();
    expect(after.machine).not.toBe('another');
    expect(() => lock(native)).toThrow(locked(/this process/));
    forced.release();

    const replaced = lock(false);
    const successor = lock(false, true);
    const { nonce } = readHolder();
    replaced.release();
    expect(readHolder().nonce).toBe(nonce);
    successor.release();
    expect(files()).toEqual([]);
  });

  test('goes on where somebody died while taking over, and removes what that one left', () => {
    leaveHolder(() => ({ startTime: '0', nonce: 'aaaa' }), native);
    const dead = readFileSync(holderPath(), 'utf8');
    writeFileSync(`${holderPath()}.after-aaaa`, dead.replace('aaaa', 'bbbb'));
    writeFileSync(`${holderPath()}.after-bbbb`, dead.replace('aaaa', 'cccc'));
    writeFileSync(`${holderPath()}.dddd`, '');
    const taken = lock(native);
    expect(files()).toEqual(['arena.holder']);
    taken.release();
  });

  test('refuses where somebody who lives is taking over at this moment', () => {
    leaveHolder(() => ({ startTime: '0', nonce: 'aaaa' }), native);
    const other = mkdtempSync(join(root, 'other-'));
    const living = lockHere(other, native);
    writeFileSync(`${holderPath()}.after-aaaa`, readFileSync(join(other, 'arena.holder')));
    expect(() => lock(native)).toThrow(locked(/this process/));
    expect(files().sort()).toEqual(['arena.holder', 'arena.holder.after-aaaa']);
    rmSync(`${holderPath()}.after-aaaa`);
    lock(native);
    expect(files()).toEqual(['arena.holder']);
    living.release();
  });

  test('is given to exactly one of many who take it over at once', async () => {
    const takers = await Promise.all([1, 2, 3].map(() => start('process', native)));
    takers.push(await start('worker', native));
    for (let round = 0; round < 12; round++) {
      leaveHolder(() => ({ startTime: '0' }), native);
      const answers = await Promise.all(takers.map((taker) => taker.ask('lock', directory)));
      const outcomes = answers.map(({ outcome }) => outcome).sort();
      expect(outcomes, JSON.stringify(answers)).toEqual([...Array(3).fill(ErrorCode.Locked), 'done']);
      const winner = answers.findIndex(({ outcome }) => outcome === 'done');
      expect(readHolder().pid).toBe(answers[winner]!.pid);
      await takers[winner]!.ask('release');
      expect(files()).toEqual([]);
    }
  });
});

describe('the lock of a directory, with and without the package together', () => {
  test('does not break a lock that the kernel says is held, even by force', async () => {
    const first = await start('process', true);
    await first.ask('lock', directory);
    expect(() => lock(true, true)).toThrow(locked(/LOCK file locked/));
    expect(() => lock(false, true)).toThrow(locked(/LOCK file locked/));
    rmSync(holderPath());
    expect(() => lock(true)).toThrow(locked(/LOCK file locked/));
  });

  test('names a directory that is not there', () => {
    const missing = join(directory, 'missing');
    expect(() => lockHere(missing, true)).toThrow(expect.objectContaining({ code: ErrorCode.IoError }));
  });
});
