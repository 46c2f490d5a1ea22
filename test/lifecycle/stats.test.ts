import { deleteRecordBytes, putRecordBytes } from '@arena-level/common/key/batch-record';
import { expect, test } from 'vitest';
import { settle } from '../support/eventually.ts';
import { openHeld } from '../support/held-store.ts';
import { bytes, key } from '../support/text-bytes.ts';

const VALUE = bytes('v'.repeat(100));
const HEADER_BYTES = 12;

const NO_COMPACTIONS = {
  compactions: 0,
  moves: 0,
  bytesRead: 0,
  bytesWritten: 0,
  entries: 0,
  dropped: 0,
  blocksCopied: 0,
  busyMs: 0,
  pausedMs: 0,
};

test('statistics follow a known workload', async () => {
  const { store, executor, memory } = await openHeld({ writeBufferSize: 64 * 1024, maxIdleArenas: 1 });
  const empty = store.stats();
  expect(empty).toMatchObject({
    writes: { entries: 0, bytes: 0, groups: 0, journalBytes: 0, journalSyncs: 0, pendingBytes: 0 },
    rotations: { count: 0 },
    flushes: { count: 0, failed: 0, entries: 0 },
    memtables: { active: 1, frozen: 0, entries: 0, bytes: 0 },
    arenas: { inUse: 1, idle: 0, preparing: 0 },
    levels: Array(7).fill({ ...NO_COMPACTIONS, tables: 0, bytes: 0 }),
    lastSequence: 0,
    snapshots: 0,
    iterators: 0,
    openTables: 0,
  });

  // One group of 11 entries, then 5 groups of one, then one that is synced.
  const put = putRecordBytes(7, 100);
  const issued = Promise.all([
    ...Array.from({ length: 8 }, (_, i) => store.put(key(i), VALUE)),
    store.batch([
      { type: 'del', key: key(0) },
      { type: 'put', key: key(1), value: VALUE },
      { type: 'put', key: key(9), value: VALUE },
    ]),
  ]);
  const groupBytes = 10 * put + deleteRecordBytes(7);
  expect(store.stats().writes).toMatchObject({ pendingBytes: groupBytes, entries: 0 });
  await issued;
  for (let i = 0; i < 5; i++) store.putSync(key(10 + i), VALUE);
  await store.put(key(20), VALUE, { sync: true });
  const bytesWritten = groupBytes + 6 * put;
  expect(store.stats().writes).toEqual({
    entries: 17,
    bytes: bytesWritten,
    groups: 7,
    journalBytes: bytesWritten + 7 * HEADER_BYTES,
    journalSyncs: 1,
    pendingBytes: 0,
  });
  expect(store.stats()).toMatchObject({
    lastSequence: 17,
    memtables: { active: 1, frozen: 0, entries: 17, bytes: bytesWritten },
  });

  const iterator = store.iterator();
  const snapshots = [store.snapshot(), store.snapshot()];
  expect(store.stats()).toMatchObject({ iterators: 1, snapshots: 2 });
  iterator.close();
  for (const snapshot of snapshots) snapshot.close();
  expect(store.stats()).toMatchObject({ iterators: 0, snapshots: 0 });

  await store.rotateMemtable();
  expect(store.stats()).toMatchObject({
    rotations: { count: 1 },
    memtables: { active: 1, frozen: 1, entries: 17, bytes: bytesWritten },
    arenas: { inUse: 2 },
  });
  executor.release();
  await store.flush();
  await settle();
  const table = memory.fileNames().find((name) => name.endsWith('.ldb'));
  const tableBytes = memory.snapshot().get(table!)!.length;
  const stats = store.stats();
  // Older versions of keys 0 and 1 are dropped; the tombstone stays.
  expect(stats.flushes).toMatchObject({ count: 1, failed: 0, entries: 15, dropped: 2, bytes: tableBytes });
  expect(stats.memtables).toMatchObject({ frozen: 0, entries: 0, bytes: 0 });
  expect(stats.levels[0]).toEqual({ ...NO_COMPACTIONS, tables: 1, bytes: tableBytes });
  expect(stats.arenas).toMatchObject({ inUse: 1, idle: 1, preparing: 0, bytes: 2 * empty.arenas.bytes });

  expect(await store.get(key(5))).toBeDefined();
  expect(await store.get(key(0))).toBeUndefined();
  expect(store.stats()).toMatchObject({ openTables: 1, lastSequence: 17 });
  expect(store.stats().blockCache.misses).toBeGreaterThan(0);
  await store.close();
});

test('a copy of statistics does not change with the store', async () => {
  const { store } = await openHeld();
  const before = store.stats();
  const copy = structuredClone(before);
  for (let i = 0; i < 10; i++) store.putSync(key(i), VALUE);
  expect(before).toEqual(copy);
  await store.close();
});
