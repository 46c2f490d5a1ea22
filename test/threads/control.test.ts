/** Threads that have work done by the owner of the store. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { ArenaLevel } from 'arena-level';
import { attach, ErrorCode, open, type Store, type ThreadHandle } from 'arena-level/engine';
import { describe, expect, onTestFinished, test } from 'vitest';
import { bundleForNode } from '../support/bundle.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { bytes, text } from '../support/text-bytes.ts';
import type { Controlled, ControlMethod } from './reader-calls.ts';
import { ReaderThread } from './reader-thread.ts';
import { nextEvent, openStore, overwrite, put, tableFiles } from './sharing-store.ts';

async function control(
  thread: ReaderThread,
  method: ControlMethod,
  args: readonly unknown[] = [],
  hears = false,
): Promise<Controlled> {
  return (await thread.call('control', method, args, hears)) as Controlled;
}

/** What was rejected with, without its class. */
async function failureOf(call: Promise<unknown>): Promise<object> {
  const error = await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  const { code, message, file, offset } = error as Record<string, unknown>;
  return { code, message, file, offset };
}

/** A store with several tables. */
async function openWithTables(): Promise<Store> {
  const store = await openStore({ level0CompactionTrigger: 100 });
  await overwrite(store, 4);
  await store.flush();
  return store;
}

describe('a thread has the owner', () => {
  test('flush, what it has just issued included', async () => {
    const store = await openStore();
    const thread = await ReaderThread.start(store);
    await thread.call('putAndControl', 'key', 'value', 'flush');
    expect(store.stats()).toMatchObject({ memtables: { entries: 0, frozen: 0 }, flushes: { entries: 1 } });
  });

  test('tell its statistics', async () => {
    const store = await openWithTables();
    const thread = await ReaderThread.start(store);
    await thread.call('attach');
    const { writes, memtables, flushes, levels, lastSequence, threads } = store.stats();
    expect((await control(thread, 'stats')).result).toMatchObject({
      ...{ writes, memtables, flushes, levels, lastSequence },
      threads: { handles: 1, attached: threads.attached },
    });
  });

  test('compute its MasterRoot, and verify its tables', async () => {
    const store = await openWithTables();
    const thread = await ReaderThread.start(store);
    expect((await control(thread, 'masterRoot')).result).toEqual(await store.masterRoot());
    const own: unknown[] = [];
    const report = await store.verify({ onProgress: (heard) => own.push(heard) });
    const { result, progress, threads } = await control(thread, 'verify', [], true);
    expect(result).toEqual(report);
    expect(progress).toEqual(own);
    expect(new Set(threads)).toEqual(new Set([thread.worker.threadId]));
  });

  test('compact a range, and hears how far it is', async () => {
    const store = await openWithTables();
    const before = tableFiles(store).length;
    const thread = await ReaderThread.start(store);
    const { progress, threads } = await control(thread, 'compactRange', [undefined, undefined], true);
    expect(before).toBeGreaterThan(2);
    expect(tableFiles(store)).toHaveLength(1);
    const { bytesDone, bytesPlanned } = progress.at(-1) as { bytesDone: number; bytesPlanned: number };
    expect(bytesDone).toBe(bytesPlanned);
    expect(bytesDone).toBeGreaterThan(0);
    expect(new Set(threads)).toEqual(new Set([thread.worker.threadId]));
  });

  test('compact only what lies between two keys', async () => {
    const store = await openWithTables();
    const before = tableFiles(store);
    const thread = await ReaderThread.start(store);
    await control(thread, 'compactRange', [bytes('x'), bytes('z')]);
    expect(tableFiles(store)).toEqual(before);
  });

  test('make a checkpoint, what it has just issued included', async () => {
    const store = await openWithTables();
    const thread = await ReaderThread.start(store);
    const directory = join(temporaryDirectory(), 'copy');
    const { result } = (await thread.call('putAndControl', 'key', 'value', 'checkpoint', [
      directory,
      { link: false },
    ])) as Controlled;
    const { root, sequence, tables } = await store.masterRoot();
    expect(result).toMatchObject({ root, sequence, tables, linked: 0, copied: tables });
    const copy = await open(directory);
    expect(text(copy.getSync(bytes('key'))!)).toBe('value');
    expect(text(copy.getSync(bytes('k000001'))!)).toBe('round 4');
    await copy.close();
  });
});

describe('errors are those of the owner', () => {
  test('of a damaged table: code, file and offset', async () => {
    const store = await openWithTables();
    const [file] = tableFiles(store) as [string];
    const damaged = readFileSync(file);
    damaged[10]! ^= 0xff;
    writeFileSync(file, damaged);
    const own = await failureOf(store.compactRange());
    expect(own).toMatchObject({ code: ErrorCode.Corruption, file: expect.stringMatching(/\.ldb$/) });
    expect(own).toHaveProperty('offset', expect.any(Number));
    const thread = await ReaderThread.start(store);
    await store.resume();
    expect(await failureOf(control(thread, 'compactRange'))).toEqual(own);
  });

  test('of a checkpoint that is refused', async () => {
    const store = await openWithTables();
    const thread = await ReaderThread.start(store);
    const own = await failureOf(store.checkpoint(store.location));
    expect(own).toMatchObject({ code: ErrorCode.InvalidArgument });
    expect(await failureOf(control(thread, 'checkpoint', [store.location]))).toEqual(own);
  });
});

describe('a call that is waited for', () => {
  test.each(['flush', 'compactRange'] as const)('%s is rejected when the owner closes', async (method) => {
    const store = await openStore();
    const thread = await ReaderThread.start(store);
    await thread.call('put', 'key', 'value');
    const begun = nextEvent(store, 'flush-started');
    const call = failureOf(control(thread, method));
    await begun;
    await store.close();
    expect(await call).toMatchObject({ code: ErrorCode.DatabaseNotOpen });
    expect(await failureOf(control(thread, 'stats'))).toMatchObject({ code: ErrorCode.DatabaseNotOpen });
  });

  test.each([
    ['flush', 'flush-started'],
    ['compactRange', 'flush-started'],
    ['compactRange', 'compaction-started'],
  ] as const)(
    '%s of a thread that is terminated after %s leaves the owner at work',
    async (method, event) => {
      const store = await openWithTables();
      const thread = await ReaderThread.start(store);
      put(store, 'key', 'value');
      const begun = nextEvent(store, event);
      const call = failureOf(control(thread, method));
      await begun;
      const left = nextEvent(store, 'thread-left');
      await thread.worker.terminate();
      await left;
      expect(await call).toMatchObject({ code: 'exited' });
      await store.compactRange();
      expect((await store.verify()).differing).toEqual([]);
      expect(text(store.getSync(bytes('key'))!)).toBe('value');
    },
  );

  test('is rejected when the thread of the owner ends', async () => {
    const program = await bundleForNode(new URL('owner.program.ts', import.meta.url));
    const owner = new Worker(program, { workerData: temporaryDirectory() });
    onTestFinished(async () => void (await owner.terminate()));
    const [handle] = (await once(owner, 'message')) as [ThreadHandle];
    const store = attach(handle);
    const calls = [
      store.control.stats(),
      store.control.compactRange(),
      store.control.verify({ onProgress: () => {} }),
      store.control.close(),
    ].map(failureOf);
    await owner.terminate();
    for (const call of calls) expect(await call).toMatchObject({ code: ErrorCode.DatabaseNotOpen });
    await store.close();
  });

  test('is rejected when the thread detaches, after which there are no more', async () => {
    const store = await openWithTables();
    const thread = await ReaderThread.start(store);
    const left = nextEvent(store, 'thread-left');
    expect(await failureOf(thread.call('controlAndClose', 'verify'))).toMatchObject({
      code: ErrorCode.DatabaseNotOpen,
    });
    expect(await left).toMatchObject({ wasClosed: true });
    expect(await failureOf(control(thread, 'flush'))).toMatchObject({ code: ErrorCode.DatabaseNotOpen });
    expect((await store.verify()).differing).toEqual([]);
  });
});

describe('a thread closes the store', () => {
  test('for all, and hears when it is closed', async () => {
    const store = await openStore();
    const [one, other] = await Promise.all([1, 2].map(() => ReaderThread.start(store)));
    await other!.call('attach');
    await one!.call('putAndControl', 'key', 'value', 'close');
    const again = await open(store.location);
    onTestFinished(() => again.close());
    expect(text(again.getSync(bytes('key'))!)).toBe('value');
    expect(() => store.getSync(bytes('key'))).toThrow(
      expect.objectContaining({ code: ErrorCode.DatabaseNotOpen }),
    );
    for (const thread of [one!, other!]) {
      expect(await failureOf(control(thread, 'stats'))).toMatchObject({ code: ErrorCode.DatabaseNotOpen });
    }
  });

  test('and the database over it', async () => {
    const db = new ArenaLevel(temporaryDirectory());
    await db.open();
    const thread = await ReaderThread.start(db.share());
    await control(thread, 'close');
    expect(db.status).toBe('closed');
  });
});

test.each(['by itself', 'with a blocked thread', 'after a close'])(
  'a process whose thread has used the control plane ends %s',
  async (how) => {
    const program = await bundleForNode(new URL('leaving.program.ts', import.meta.url));
    const thread = await bundleForNode(new URL('leaving-control.program.ts', import.meta.url));
    const child = fork(program, [temporaryDirectory(), how, thread], { stdio: 'pipe' });
    let output = '';
    for (const stream of [child.stdout!, child.stderr!]) stream.on('data', (chunk) => (output += chunk));
    const [code] = await once(child, 'exit');
    expect({ code, output }).toEqual({ code: 0, output: '1 table, heard of its making: true\n' });
  },
);
