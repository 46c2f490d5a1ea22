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
  bytesFromAbove: 0,
  writeAmplification: 1,
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
    workers: { kind: 'worker', running: 0, waiting: 0, completed: 0, crashed: 0 },
    blockCache: { bytes: 0, hits: 0, misses: 0, hitRate: 0 },
    sharedCache: { bytes: 0, blocks: 0, hits: 0, misses: 0, hitRate: 0 },
    tableCache: { hits: 0, misses: 0, hitRate: 0 },
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
    workers: { running: 1, completed: 0 },
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
  // Both keys lie in one block of the one table.
  expect(store.stats().blockCache).toMatchObject({ misses: 1, hits: 1, hitRate: 1 / 2 });
  expect(store.stats().tableCache.misses).toBe(1);
  expect(store.stats().workers).toMatchObject({ running: 0, completed: 1 });
  await store.close();
});

test('levels tell what went into them and what that cost', async () => {
  const { store, executor } = await openHeld({ writeBufferSize: 64 * 1024, compression: 'none' });
  executor.release();
  const fill = async (): Promise<number> => {
    for (let i = 0; i < 100; i++) store.putSync(key(i), VALUE);
    await store.flush();
    return store.stats().levels[0]!.bytes;
  };
  const first = await fill();
  await store.compactRange();
  const once = store.stats().levels[1]!;
  expect(once).toMatchObject({ tables: 1, compactions: 1, bytesRead: first, bytesFromAbove: first });
  expect(once.writeAmplification).toBe(once.bytesWritten / first);
  const second = await fill();
  await store.compactRange();
  const twice = store.stats().levels[1]!;
  expect(twice).toMatchObject({
    compactions: 2,
    bytesRead: first + second + once.bytes,
    bytesFromAbove: first + second,
    entries: 300,
    dropped: 100,
  });
  expect(twice.bytesWritten).toBe(once.bytes + twice.bytes);
  expect(store.stats().writeAmplification).toBe(1 + twice.bytesWritten / (first + second));
  await store.close();
});

test('the table cache counts who had to open a table, and who had not', async () => {
  const { store, executor } = await openHeld();
  executor.release();
  for (let i = 0; i < 3; i++) store.putSync(key(i), VALUE);
  await store.flush();
  for (let i = 0; i < 3; i++) store.getSync(key(i));
  const { tableCache, openTables } = store.stats();
  expect(openTables).toBe(1);
  expect(tableCache.misses).toBe(1);
  expect(tableCache.hits).toBeGreaterThanOrEqual(2);
  expect(tableCache.hitRate).toBe(tableCache.hits / (tableCache.hits + 1));
  await store.close();
});

test('the time that writers wait is kept by reason', async () => {
  const { store, executor, clock } = await openHeld({ maxFrozenMemtables: 1 });
  const writes = Array.from({ length: 200 }, (_, i) => store.put(key(i), VALUE));
  await settle();
  clock.advance(7);
  executor.release();
  await Promise.all(writes);
  const { 'frozen-memtables': frozen, ...others } = store.stats().stalls;
  expect(frozen.count).toBeGreaterThan(0);
  expect(frozen).toMatchObject({ totalMs: 7, maxMs: 7 });
  expect(Object.keys(others).sort()).toEqual([
    'bulk-commit',
    'healing',
    'level0-pause',
    'level0-slowdown',
    'slow-journal',
  ]);
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
