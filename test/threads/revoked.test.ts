import { rmSync } from 'node:fs';
import { ErrorCode, type Store } from 'arena-level/engine';
import { expect, test } from 'vitest';
import { ReaderThread } from './reader-thread.ts';
import { areThere, nextEvent, openStore, overwrite, put, tableFiles, whenever } from './sharing-store.ts';

const STALL_MS = 200;

/** Blocks a thread that has read, until it is given up. */
async function standStill(store: Store, thread: ReaderThread): Promise<void> {
  await overwrite(store, 1);
  await thread.call('getSync', 'k000001');
  thread.block();
  const revoked = nextEvent(store, 'thread-revoked');
  await overwrite(store, 4);
  await revoked;
}

test('a stalled thread that holds something back is named and given up; its reads go on', async () => {
  const store = await openStore({ autoCompaction: false });
  const stalled = await ReaderThread.start(store, { name: 'report', stallMs: STALL_MS });
  const alive = await ReaderThread.start(store, { stallMs: STALL_MS });
  await overwrite(store, 1);
  await store.flush();
  for (const thread of [stalled, alive]) {
    await thread.call('snapshot', 'one');
    await thread.call('openIterator', {});
  }
  const files = tableFiles(store);
  stalled.block();
  const revoked = nextEvent(store, 'thread-revoked');
  await overwrite(store, 3);
  await store.flush();
  const { thread, ...details } = await revoked;
  expect(thread).toBe(stalled.worker.threadId);
  expect(details).toMatchObject({ name: 'report', snapshots: 1 });
  expect(details.silentMs).toBeGreaterThanOrEqual(STALL_MS);
  expect(store.stats()).toMatchObject({ snapshots: 1, threads: { attached: 1, revoked: 1 } });

  // The other one has held the same for as long, and takes part when it is asked to.
  expect(await alive.call('getSync', 'k000001', 'one')).toBe('round 1');
  expect(await alive.call('next', 1)).toEqual(['k000000=round 1']);
  await alive.call('closeIterator');
  await alive.call('closeSnapshot', 'one');
  await store.compactRange();
  await whenever(() => files.every((file) => !areThere([file])));

  stalled.raise();
  await expect(stalled.call('next', 1)).rejects.toMatchObject({ code: ErrorCode.ThreadRevoked });
  await expect(stalled.call('getSync', 'k000001', 'one')).rejects.toMatchObject({
    code: ErrorCode.ThreadRevoked,
  });
  await expect(stalled.call('entries', { snapshot: 'one' })).rejects.toMatchObject({
    code: ErrorCode.ThreadRevoked,
  });
  await stalled.call('closeSnapshot', 'one');
  await stalled.call('closeIterator');
  put(store, 'new', 'value');
  expect(await stalled.call('getSync', 'new')).toBe('value');
  expect(await stalled.call('getSync', 'k000001')).toBe('round 3');
  await stalled.call('snapshot', 'another');
  expect(store.stats()).toMatchObject({ snapshots: 1, threads: { attached: 2, revoked: 1 } });
  put(store, 'new', 'newer');
  expect(await stalled.call('getSync', 'new', 'another')).toBe('value');
});

test('a thread that was given up between reads finds what was acknowledged since', async () => {
  const store = await openStore();
  const thread = await ReaderThread.start(store, { stallMs: 100 });
  for (let round = 0; round < 3; round++) {
    await standStill(store, thread);
    put(store, 'k000001', `given up ${round}`);
    thread.raise();
    expect(await thread.call('getSync', 'k000001')).toBe(`given up ${round}`);
    thread.lower();
  }
  expect(store.stats().threads).toMatchObject({ attached: 1, revoked: 3 });
});

test('a table that is missing is said to be, also to a thread that was given up before', async () => {
  const store = await openStore({ autoCompaction: false });
  const thread = await ReaderThread.start(store, { stallMs: 100 });
  await standStill(store, thread);
  thread.raise();
  expect(await thread.call('getSync', 'k000001')).toBe('round 4');
  await overwrite(store, 1);
  await store.flush();
  for (const file of tableFiles(store)) rmSync(file);
  await expect(thread.call('getSync', 'k000001')).rejects.toMatchObject({
    code: ErrorCode.Corruption,
    message: expect.stringMatching(/^\d+\.ldb: the manifest names this table/),
  });
});

test('a thread that only ever reads takes part, although it does not yield', async () => {
  const store = await openStore();
  const reading = await ReaderThread.start(store, { name: 'reading', stallMs: 300 });
  const blocked = await ReaderThread.start(store, { name: 'blocked', stallMs: 900 });
  await overwrite(store, 1);
  for (const thread of [reading, blocked]) await thread.call('snapshot', 'one');
  const loop = reading.call('waitFor', 'never', 'written').catch((error: unknown) => error);
  blocked.block();
  const revoked = nextEvent(store, 'thread-revoked');
  await overwrite(store, 1);
  expect(await revoked).toMatchObject({ name: 'blocked' });
  reading.raise();
  expect(await loop).toBeUndefined();
  expect(await reading.call('getSync', 'k000001', 'one')).toBe('round 1');
});

test('a stalled thread that holds nothing back is left alone', async () => {
  const store = await openStore();
  const idle = await ReaderThread.start(store, { name: 'idle', stallMs: 100 });
  const holding = await ReaderThread.start(store, { name: 'holding', stallMs: 400 });
  await idle.call('attach');
  await holding.call('snapshot', 'one');
  idle.block();
  holding.block();
  const revoked = nextEvent(store, 'thread-revoked');
  await overwrite(store, 2);
  expect(await revoked).toMatchObject({ name: 'holding' });
  expect(store.stats().threads).toMatchObject({ attached: 1, revoked: 1 });
});
