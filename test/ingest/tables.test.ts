/** An ingest into a range that is empty: tables that its threads build, put in by one commit. */
import { MemoryStorage } from '@arena-level/common/storage/memory-storage';
import { ErrorCode, open, type Snapshot } from 'arena-level/engine';
import { describe, expect, test } from 'vitest';
import { nextTurn, settle, stateOf } from '../support/eventually.ts';
import { reopen } from '../support/held-store.ts';
import { bytes, text } from '../support/text-bytes.ts';
import { contentsOf, expected, filesOf, lines, openForIngest, SMALL, source, TINY } from './ingest-store.ts';
import { sameThreadPool } from './same-thread-pool.ts';

describe('an ingest into an empty range', () => {
  test.each([
    { what: 'in no order', given: lines(400) },
    { what: 'with duplicates', given: lines(500, 90) },
    { what: 'in order', given: lines(300).sort() },
    { what: 'of one key', given: lines(200, 1) },
  ])('stores what the source has, the last of duplicates: $what', async ({ given }) => {
    const { store, memory } = await openForIngest();
    const report = await store.ingest(source(given), SMALL);
    expect(report).toMatchObject({ path: 'tables', entries: given.length, level: 6 });
    expect(contentsOf(store)).toEqual(expected(given));
    expect(filesOf(memory, '.dbtmp')).toEqual([]);
    expect(filesOf(memory, '.ldb')).toHaveLength(report.tables);
    expect((await store.verify()).differing).toEqual([]);
    const { root } = await store.masterRoot();
    await store.close();
    const again = await reopen(memory, TINY);
    expect(contentsOf(again)).toEqual(expected(given));
    expect((await again.masterRoot()).root).toEqual(root);
    await again.close();
  });

  test('merges more runs than are merged at a time', async () => {
    const { store } = await openForIngest();
    const given = lines(3000, 1000);
    const report = await store.ingest(source(given), { ...SMALL, pieceBytes: 600 });
    expect(report.path).toBe('tables');
    expect(contentsOf(store)).toEqual(expected(given));
    await store.close();
  });

  test('uses the tables of an ordered source as they were built', async () => {
    const tasks: string[] = [];
    const { store } = await openForIngest(TINY, (request) => {
      tasks.push(
        request.task === 'build-run' ? `${request.task}, scratch: ${request.isScratch}` : request.task,
      );
    });
    await store.ingest(source(lines(300).sort()), SMALL);
    expect(new Set(tasks)).toEqual(new Set(['build-run, scratch: false']));
    tasks.length = 0;
    await store.ingest(source(lines(300, 300, 'n')), SMALL);
    // What is found to overlap is merged into tables that are not scratch.
    expect(new Set(tasks)).toEqual(
      new Set(['build-run, scratch: false', 'build-run, scratch: true', 'compact']),
    );
    await store.close();
  });

  test('is not seen by snapshots and iterators that were opened before its end, whatever is written meanwhile', async () => {
    const snapshots: Snapshot[] = [];
    let written = 0;
    const { store } = await openForIngest(TINY, ({ task }) => {
      if (task !== 'build-run') return;
      store.putSync(bytes(`a${written++}`), bytes('beside'));
      snapshots.push(store.snapshot());
    });
    const before = store.snapshot();
    const iterator = store.iterator();
    const given = lines(200);
    expect((await store.ingest(source(given), SMALL)).path).toBe('tables');
    expect(snapshots.length).toBeGreaterThan(3);
    expect([...iterator]).toEqual([]);
    expect([...store.iterator({ snapshot: before })]).toEqual([]);
    for (const [at, snapshot] of snapshots.entries()) {
      expect([...store.iterator({ snapshot, values: false })].map(([key]) => text(key!))).toEqual(
        Array.from({ length: at + 1 }, (_, n) => `a${n}`).sort(),
      );
      expect(store.getSync(bytes('m000007'), { snapshot })).toBeUndefined();
    }
    await store.compactRange();
    expect([...store.iterator({ snapshot: snapshots.at(-1)!, gte: bytes('m') })]).toEqual([]);
    expect(store.getSync(bytes('m000007'))).toBeDefined();
    for (const snapshot of [before, ...snapshots]) snapshot.close();
    await store.close();
  });

  test('goes below tables that lie across the range, and what is written to it later is newer', async () => {
    const { store, memory } = await openForIngest();
    await store.batch(['a', 'z'].map((name) => ({ type: 'put', key: bytes(name), value: bytes('old') })));
    await store.compactRange();
    await store.batch(['b', 'y'].map((name) => ({ type: 'put', key: bytes(name), value: bytes('old') })));
    const given = lines(200);
    expect(await store.ingest(source(given), SMALL)).toMatchObject({ path: 'tables', level: 6 });
    await store.put(bytes('m000003'), bytes('newer'));
    await store.del(bytes('m000004'));
    const wanted = expected(given);
    wanted.set('m000003', 'newer').delete('m000004');
    for (const name of ['a', 'b', 'y', 'z']) wanted.set(name, 'old');
    const sorted = new Map([...wanted].sort(([left], [right]) => (left < right ? -1 : 1)));
    expect(contentsOf(store)).toEqual(sorted);
    await store.compactRange();
    expect(contentsOf(store)).toEqual(sorted);
    await store.close();
    const again = await reopen(memory, TINY);
    expect(contentsOf(again)).toEqual(sorted);
    await again.close();
  });

  test('can be repeated for other ranges, with writes between or without', async () => {
    const { store, memory } = await openForIngest();
    const all: string[] = [];
    for (let round = 0; round < 40; round++) {
      const given = lines(40, 40, `r${String(round).padStart(2, '0')}`);
      all.push(...given);
      if (round % 3 === 0 && round < 12) await store.put(bytes('k'), bytes(String(round)));
      expect(await store.ingest(source(given), SMALL)).toMatchObject({ path: 'tables' });
    }
    await store.put(bytes('k'), bytes('last'));
    const wanted = new Map([['k', 'last'], ...expected(all)]);
    expect(contentsOf(store)).toEqual(wanted);
    await store.close();
    const again = await reopen(memory, TINY);
    expect(contentsOf(again)).toEqual(wanted);
    await again.close();
  });

  test('has writes wait while the tables are put in', async () => {
    const { store, memory } = await openForIngest();
    const sync = memory.syncDirectory.bind(memory);
    let state: string | undefined;
    let written: Promise<void> | undefined;
    memory.syncDirectory = async () => {
      if (filesOf(memory, '.ldb').length > 0 && written === undefined) {
        written = store.put(bytes('m000001'), bytes('behind'));
        state = await stateOf(written);
      }
      await sync();
    };
    const given = lines(100);
    expect((await store.ingest(source(given), SMALL)).path).toBe('tables');
    expect(state).toBe('pending');
    await written;
    const wanted = expected(given);
    expect(contentsOf(store)).toEqual(wanted.set('m000001', 'behind'));
    expect(store.stats().stalls['bulk-commit'].count).toBe(1);
    await store.close();
  });

  test('is finished by a blocking write that comes in between', async () => {
    const { store, memory } = await openForIngest();
    const sync = memory.syncDirectory.bind(memory);
    let seen: number | undefined;
    memory.syncDirectory = async () => {
      if (filesOf(memory, '.ldb').length > 0 && seen === undefined) {
        await nextTurn();
        expect(contentsOf(store).size).toBe(0);
        store.putSync(bytes('m000002'), bytes('behind'));
        seen = contentsOf(store).size;
      }
      await sync();
    };
    const given = lines(100);
    expect((await store.ingest(source(given), SMALL)).path).toBe('tables');
    expect(seen).toBe(100);
    expect(contentsOf(store)).toEqual(expected(given).set('m000002', 'behind'));
    await store.close();
  });

  test('tells of itself: events, statistics, progress', async () => {
    const { store } = await openForIngest();
    const told: [string, unknown][] = [];
    for (const name of ['ingest-started', 'table-ingested', 'ingest-finished'] as const)
      store.on(name, (details) => told.push([name, details]));
    const phases: string[] = [];
    const given = lines(100);
    const report = await store.ingest(source(given), {
      ...SMALL,
      onProgress: ({ phase }) => phases.push(phase),
    });
    await settle();
    expect(told[0]).toEqual(['ingest-started', { call: 1, threads: 2 }]);
    expect(told.filter(([name]) => name === 'table-ingested')).toHaveLength(report.tables);
    expect(told.at(-1)).toMatchObject([
      'ingest-finished',
      { path: 'tables', entries: 100, tables: report.tables },
    ]);
    expect(store.stats().ingests).toMatchObject({ count: 1, failed: 0, entries: 100, tables: report.tables });
    expect(new Set(phases)).toEqual(new Set(['parsing', 'merging']));
    expect(report.sourceBytes).toBe(source(given).join('').length);
    await store.close();
  });
});

describe('where the range is not empty', () => {
  const given = lines(300, 150);

  test.each(
    ['memtable', 'table', 'tombstone'].flatMap((where) =>
      ['m000000', 'm000100', 'm000149'].map((name) => ({ where, name })),
    ),
  )('batches are written: $name in a $where', async ({ where, name }) => {
    const { store } = await openForIngest();
    await store.put(bytes(name), bytes('before'));
    if (where !== 'memtable') await store.flush();
    if (where === 'tombstone') {
      await store.compactRange();
      await store.del(bytes(name));
      await store.flush();
    }
    expect(await store.ingest(source(given), SMALL)).toMatchObject({
      path: 'batches',
      tables: 0,
      level: undefined,
      entries: 300,
    });
    expect(contentsOf(store)).toEqual(expected(given));
    await store.close();
  });

  test('found in the middle: what was built is written first, and the rest behind it', async () => {
    const tasks: string[] = [];
    const { store, memory } = await openForIngest(TINY, async ({ task }) => {
      if (tasks.push(task) === 5) await store.put(bytes('m000100'), bytes('before'));
    });
    expect((await store.ingest(source(given), SMALL)).path).toBe('batches');
    expect(contentsOf(store)).toEqual(expected(given));
    expect(tasks).toEqual(expect.arrayContaining(['build-run', 'unload', 'parse']));
    // Batches make flushes, with temporary files of their own while they run.
    await store.flush();
    expect(filesOf(memory, '.dbtmp')).toEqual([]);
    await store.close();
  });

  test('found at the commit: the tables are written as batches, over what came in between', async () => {
    const { store, memory } = await openForIngest();
    let written: Promise<void> | undefined;
    const report = await store.ingest(source(given), {
      ...SMALL,
      onProgress: ({ phase }) => {
        if (phase === 'merging') written = store.put(bytes('m000100'), bytes('in between'));
      },
    });
    await written;
    expect(report).toMatchObject({ path: 'batches', entries: 300 });
    expect(contentsOf(store)).toEqual(expected(given));
    // Batches make flushes, with temporary files of their own while they run.
    await store.flush();
    expect(filesOf(memory, '.dbtmp')).toEqual([]);
    await store.close();
  });

  test('or the files cannot be reached by threads, or tables are not wanted, or there is one piece', async () => {
    const memory = new MemoryStorage();
    const modules = { storage: memory, pool: sameThreadPool(memory) };
    const unreachable = await open(memory.location, TINY, modules);
    expect((await unreachable.ingest(source(given), SMALL)).path).toBe('batches');
    expect(contentsOf(unreachable)).toEqual(expected(given));
    await unreachable.close();
    const { store } = await openForIngest();
    expect((await store.ingest(source(given), { ...SMALL, tables: false })).path).toBe('batches');
    expect((await store.ingest(source(lines(9, 9, 'z')), { ...SMALL, pieceBytes: 9999 })).path).toBe(
      'batches',
    );
    expect(contentsOf(store)).toEqual(expected([...given, ...lines(9, 9, 'z')]));
    await store.close();
  });
});

test('a store that is open for reading only refuses an ingest', async () => {
  const { store, memory } = await openForIngest();
  await store.close();
  const reader = await open(memory.location, { ...TINY, readOnly: true }, { storage: memory });
  await expect(reader.ingest([], SMALL)).rejects.toMatchObject({ code: ErrorCode.ReadOnly });
  await reader.close();
});
