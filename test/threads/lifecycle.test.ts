import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { ErrorCode, open } from 'arena-level/engine';
import { describe, expect, onTestFinished, test } from 'vitest';
import { bundleForNode } from '../support/bundle.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { bytes, text } from '../support/text-bytes.ts';
import { ReaderThread } from './reader-thread.ts';
import { nextEvent, openStore, overwrite, put, whenever } from './sharing-store.ts';

test('an owner that closes ends the loops of threads that read, and they hear why', async () => {
  const store = await openStore();
  const threads = await Promise.all([1, 2, 3].map(() => ReaderThread.start(store)));
  await overwrite(store, 3);
  await threads[0]!.call('snapshot', 'one');
  await threads[1]!.call('openIterator', {});
  const ended = Promise.allSettled(threads.map((thread) => thread.call('waitFor', 'never', 'written')));
  await overwrite(store, 3);
  await store.close();
  for (const outcome of await ended) {
    expect(outcome).toMatchObject({ status: 'rejected', reason: { code: ErrorCode.DatabaseNotOpen } });
  }
  for (const call of ['get', 'getSync'] as const) {
    await expect(threads[0]!.call(call, 'key', 'one')).rejects.toMatchObject({
      code: ErrorCode.DatabaseNotOpen,
    });
    await expect(threads[2]!.call(call, 'key')).rejects.toMatchObject({ code: ErrorCode.DatabaseNotOpen });
  }
  await expect(threads[1]!.call('next', 1)).rejects.toMatchObject({ code: ErrorCode.IteratorNotOpen });
  await threads[0]!.call('close');
});

test('an owner closes although a thread is blocked, and opens again', async () => {
  const store = await openStore();
  const thread = await ReaderThread.start(store);
  await overwrite(store, 3);
  await thread.call('snapshot', 'one');
  await thread.call('openIterator', {});
  thread.block();
  await overwrite(store, 3);
  await store.close();
  const again = await open(store.location);
  onTestFinished(() => again.close());
  expect(text(again.getSync(bytes('k000001'))!)).toBe('round 3');
  await again.compactRange();
  thread.raise();
  await expect(thread.call('getSync', 'k000001')).rejects.toMatchObject({ code: ErrorCode.DatabaseNotOpen });
});

describe.each([
  { how: 'is terminated', end: (thread: ReaderThread) => void thread.worker.terminate() },
  { how: 'exits', end: (thread: ReaderThread) => void thread.call('exit', 3).catch(() => {}) },
  { how: 'throws', end: (thread: ReaderThread) => void thread.call('fail') },
  { how: 'has nothing left to do', end: (thread: ReaderThread) => void thread.call('leave').catch(() => {}) },
])('a thread that $how', ({ end }) => {
  test('is noticed, and lets go of all it held', async () => {
    const store = await openStore();
    const thread = await ReaderThread.start(store, { name: 'short-lived' });
    await overwrite(store, 1);
    await thread.call('snapshot', 'one');
    await thread.call('openIterator', {});
    await overwrite(store, 4);
    expect(store.stats()).toMatchObject({ snapshots: 1, threads: { attached: 1 } });
    expect(store.stats().threads.heldViews).toBeGreaterThan(0);
    const left = nextEvent(store, 'thread-left');
    end(thread);
    expect(await left).toMatchObject({ name: 'short-lived', wasClosed: false });
    await thread.exited;
    expect(store.stats()).toMatchObject({
      snapshots: 0,
      threads: { handles: 0, attached: 0, heldViews: 0, revoked: 0 },
    });
    await overwrite(store, 2);
    const next = await ReaderThread.start(store);
    expect(await next.call('getSync', 'k000001')).toBe('round 2');
  });
});

test.each([
  { how: 'is terminated', areKept: false, end: (thread: ReaderThread) => thread.worker.terminate() },
  { how: 'has closed its store', areKept: true, end: (thread: ReaderThread) => thread.call('close') },
])('arenas that a thread was reading when it $how are used again: $areKept', async ({ areKept, end }) => {
  const store = await openStore({ flush: 'inline', maxIdleArenas: 8 });
  const thread = await ReaderThread.start(store);
  await overwrite(store, 1);
  put(store, 'key', 'in a MemDB');
  await thread.call('openIterator', {});
  await overwrite(store, 1);
  await store.flush();
  const before = store.stats().arenas;
  expect(before.inUse).toBe(2);
  await end(thread);
  await whenever(() => store.stats().threads.handles === 0);
  const { inUse, idle, preparing } = store.stats().arenas;
  expect(inUse).toBe(1);
  expect(idle + preparing).toBe(before.idle + before.preparing + (areKept ? 1 : 0));
});

test('threads that are terminated in the middle of reads leave the store whole', async () => {
  const store = await openStore();
  for (let round = 0; round < 8; round++) {
    const threads = await Promise.all([1, 2].map(() => ReaderThread.start(store)));
    for (const thread of threads) void thread.call('waitFor', 'never', 'written').catch(() => {});
    await overwrite(store, 1 + round);
    await Promise.all(threads.map((thread) => thread.worker.terminate()));
    await whenever(() => store.stats().threads.handles === 0);
  }
  put(store, 'key', 'value');
  await store.compactRange();
  expect((await store.verify()).differing).toEqual([]);
  expect(text(store.getSync(bytes('k000001'))!)).toBe('round 8');
});

test('a thread that closes its attached store can take another handle', async () => {
  const store = await openStore();
  const thread = await ReaderThread.start(store);
  put(store, 'key', 'value');
  expect(await thread.call('getSync', 'key')).toBe('value');
  const left = nextEvent(store, 'thread-left');
  await thread.call('close');
  await thread.call('close');
  expect(await left).toMatchObject({ wasClosed: true });
  await expect(thread.call('getSync', 'key')).rejects.toMatchObject({ code: ErrorCode.DatabaseNotOpen });
  expect(store.stats().threads.handles).toBe(0);
});

test.each(['by itself', 'by process.exit', 'with a blocked thread', 'after a close'])(
  'a process with attached threads ends %s',
  async (how) => {
    const program = await bundleForNode(new URL('leaving.program.ts', import.meta.url));
    const reader = await bundleForNode(new URL('leaving-reader.program.ts', import.meta.url));
    const child: ChildProcess = fork(program, [temporaryDirectory(), how, reader], { stdio: 'pipe' });
    let output = '';
    child.stdout!.on('data', (chunk) => {
      output += chunk;
    });
    child.stderr!.on('data', (chunk) => {
      output += chunk;
    });
    const [code] = await once(child, 'exit');
    expect({ code, output }).toEqual({ code: 0, output: 'read value\n' });
  },
);
