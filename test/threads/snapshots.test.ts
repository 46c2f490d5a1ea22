import { ErrorCode } from 'arena-level/engine';
import { expect, test } from 'vitest';
import { key } from '../support/text-bytes.ts';
import { ReaderThread } from './reader-thread.ts';
import { areThere, nextEvent, openStore, overwrite, put, tableFiles, whenever } from './sharing-store.ts';

test('a snapshot in a thread sees its moment through rotation, flush and compaction', async () => {
  const store = await openStore();
  const thread = await ReaderThread.start(store);
  await overwrite(store, 1);
  put(store, 'gone', 'still here');
  await thread.call('snapshot', 'early');
  store.delSync(Buffer.from('gone'));
  await overwrite(store, 5);
  await thread.call('snapshot', 'late');
  expect(store.stats().snapshots).toBe(2);
  for (let round = 0; round < 3; round++) {
    await overwrite(store, 7);
    await store.compactRange();
    expect(await thread.call('getSync', 'k000003', 'early')).toBe('round 1');
    expect(await thread.call('get', 'gone', 'early')).toBe('still here');
    expect(await thread.call('get', 'k000003', 'late')).toBe('round 5');
    expect(await thread.call('getSync', 'gone', 'late')).toBeUndefined();
    expect(await thread.call('entries', { lt: 'k000002', snapshot: 'early' })).toEqual([
      'gone=still here',
      'k000000=round 1',
      'k000001=round 1',
    ]);
  }
  await thread.call('closeSnapshot', 'early');
  await store.compactRange();
  expect(await thread.call('getSync', 'k000003', 'late')).toBe('round 5');
  await expect(thread.call('getSync', 'k', 'early')).rejects.toMatchObject({
    code: ErrorCode.SnapshotNotOpen,
  });
  await thread.call('closeSnapshot', 'late');
  expect(store.stats().snapshots).toBe(0);
});

test('what only snapshots of threads could see is dropped when they are closed', async () => {
  const store = await openStore({ autoCompaction: false });
  const thread = await ReaderThread.start(store);
  const entries = async (): Promise<number> => {
    await store.flush();
    const finished = nextEvent(store, 'compaction-finished');
    await store.compactRange();
    const { entries: read, dropped } = await finished;
    return read - dropped;
  };
  put(store, 'key', 'old');
  await thread.call('snapshot', 'one');
  put(store, 'key', 'new');
  await store.flush();
  put(store, 'key', 'newest');
  expect(await entries()).toBe(3);
  await thread.call('closeSnapshot', 'one');
  put(store, 'key', 'last');
  expect(await entries()).toBe(1);
});

test('a snapshot in a thread sees what is cleared', async () => {
  const store = await openStore({ autoCompaction: false });
  const thread = await ReaderThread.start(store);
  await overwrite(store, 1);
  await store.flush();
  await thread.call('snapshot', 'before');
  const files = tableFiles(store);
  await store.clear();
  expect(store.stats().clears).toMatchObject({ tables: 0, tombstones: 20 });
  expect(await thread.call('getSync', 'k000003')).toBeUndefined();
  expect(await thread.call('getSync', 'k000003', 'before')).toBe('round 1');
  await thread.call('closeSnapshot', 'before');
  await overwrite(store, 1);
  await store.flush();
  await store.clear();
  expect(store.stats().clears.tables).toBeGreaterThan(0);
  await whenever(() => files.every((file) => !areThere([file])));
  expect(await thread.call('entries', {})).toEqual([]);
});

test('the snapshots of a thread that has gone hold nothing back', async () => {
  const store = await openStore();
  for (const how of ['close', 'exit'] as const) {
    const thread = await ReaderThread.start(store);
    store.putSync(key(1), key(2));
    await thread.call('snapshot', 'one');
    expect(store.stats().snapshots).toBe(1);
    const left = nextEvent(store, 'thread-left');
    if (how === 'close') await thread.call('close');
    else await thread.worker.terminate();
    expect(await left).toMatchObject({ wasClosed: how === 'close' });
    expect(store.stats().snapshots).toBe(0);
  }
});

test('a snapshot that is closed after its thread has left does not touch that of the next thread', async () => {
  const store = await openStore();
  const first = await ReaderThread.start(store);
  await first.call('snapshot', 'one');
  const left = nextEvent(store, 'thread-left');
  await first.call('close');
  await left;
  const second = await ReaderThread.start(store);
  put(store, 'key', 'old');
  await second.call('snapshot', 'one');
  await first.call('closeSnapshot', 'one');
  expect(store.stats().snapshots).toBe(1);
  put(store, 'key', 'new');
  await store.compactRange();
  expect(await second.call('getSync', 'key', 'one')).toBe('old');
});

test('snapshots of others are no snapshots of a thread', async () => {
  const store = await openStore();
  const thread = await ReaderThread.start(store);
  await thread.call('snapshot', 'one');
  await expect(thread.call('foreignSnapshot')).rejects.toMatchObject({ code: ErrorCode.InvalidArgument });
});
