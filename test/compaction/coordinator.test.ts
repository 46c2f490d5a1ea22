import { CompactionState } from '@arena-level/common/protocol/compaction-control';
import { describe, expect, test } from 'vitest';
import { eventually, settle, stateOf } from '../support/eventually.ts';
import { bytes } from '../support/text-bytes.ts';
import { CompactingStore } from './compacting-store.ts';

describe('a compaction', () => {
  test('begins at the trigger of level 0, and there is one at a time', async () => {
    const store = await CompactingStore.open();
    await store.fillLevel0(3);
    expect(store.compactions).toHaveLength(0);
    await store.addTable();
    const compaction = await store.compaction();
    expect(compaction.job.runs).toHaveLength(4);
    await store.addTable();
    await settle();
    expect(store.compactions).toHaveLength(1);
    expect(store.count('compaction-started')).toBe(1);
    compaction.finish();
    await eventually(() => store.count('compaction-finished') === 1);
    await settle();
    expect(store.tables[0]).toBe(1);
    expect(store.compactions).toHaveLength(0);
    store.expectContents();
    await store.expectContentsAfterReopen();
  });

  test('goes on with what was flushed meanwhile', async () => {
    const store = await CompactingStore.open();
    await store.fillLevel0();
    const first = await store.compaction();
    await store.fillLevel0();
    expect(store.tables[0]).toBe(8);
    first.finish();
    await eventually(() => store.count('compaction-started') === 2);
    store.held.executor.releaseCompactions();
    await eventually(() => store.tables[0] === 0);
    store.expectContents();
    await store.expectContentsAfterReopen();
  });

  test('removes its inputs as soon as the commit is in force, when nobody reads them', async () => {
    const store = await CompactingStore.open();
    await store.fillLevel0();
    const inputs = store.files();
    expect(inputs).toHaveLength(4);
    (await store.compaction()).finish();
    await eventually(() => store.count('table-removed') === 4);
    expect(store.files().filter((name) => inputs.includes(name))).toEqual([]);
    const { trace } = store.memory;
    const removed = trace.entries.findIndex((e) => e.operation === 'remove' && inputs.includes(e.file));
    const synced = trace.entries.findLastIndex(
      (e) => e.operation === 'sync' && e.file.startsWith('MANIFEST'),
    );
    expect(synced).toBeLessThan(removed);
    store.expectTidy();
    store.expectContents();
    await store.store.close();
  });

  test('leaves its inputs to an iterator until that is closed', async () => {
    const store = await CompactingStore.open();
    await store.fillLevel0();
    const inputs = store.files();
    const before = new Map(store.expected);
    const iterator = store.store.iterator();
    (await store.compaction()).finish();
    await eventually(() => store.count('compaction-finished') === 1);
    await store.fillLevel0();
    (await store.compaction()).finish();
    await eventually(() => store.count('compaction-finished') === 2);
    await settle();
    expect(store.files()).toEqual(expect.arrayContaining(inputs));
    // Nobody holds the tables in between: the four that came later, and the outputs of the first compaction.
    expect(store.files()).toHaveLength(inputs.length + store.tables.reduce((sum, n) => sum + n));
    let found = 0;
    for (const [key, value] of iterator) {
      expect(before.get(Buffer.from(key).toString())).toBe(Buffer.from(value).toString());
      found++;
    }
    expect(found).toBe(before.size);
    await iterator.close();
    await eventually(() => inputs.every((name) => !store.files().includes(name)));
    store.expectTidy();
    await store.expectContentsAfterReopen();
  });

  test('keeps what a snapshot sees, and everything newer', async () => {
    const store = await CompactingStore.open();
    await store.addTable();
    const snapshot = store.store.snapshot();
    const before = new Map(store.expected);
    for (let n = 0; n < 3; n++) await store.addTable();
    (await store.compaction()).finish();
    await eventually(() => store.count('compaction-finished') === 1);
    for (const [key, value] of before) {
      const found = await store.store.get(bytes(key), { snapshot });
      expect(Buffer.from(found!).toString()).toBe(value);
    }
    expect(store.store.stats().levels[1]).toMatchObject({ entries: 80, dropped: 0 });
    snapshot.close();
    store.expectContents();
    await store.expectContentsAfterReopen();
  });

  test('of a table that nothing overlaps moves it, and its file stays', async () => {
    const store = await CompactingStore.open({ level0CompactionTrigger: 1 });
    await store.addTable();
    await eventually(() => store.tables[1] === 1);
    expect(store.store.stats().levels[1]!.moves).toBe(1);
    expect(store.compactions).toHaveLength(0);
    expect(store.count('table-removed')).toBe(0);
    store.expectTidy();
    store.expectContents();
    await store.expectContentsAfterReopen();
  });

  test('shares its work among as many parts as there are threads', async () => {
    const store = await CompactingStore.open({
      compactionWorkers: 2,
      writeBufferSize: 4 * 2 ** 20,
      blockSize: 65_536,
      maxFileSize: 2 ** 20,
    });
    for (let n = 0; n < 4; n++) await store.addTable(n * 60, 80, 20_000);
    await eventually(() => store.compactions.length === 2);
    const [left, right] = store.compactions;
    expect(left!.job.end).toEqual(right!.job.begin);
    const numbers = [left!.job.tempNumbers, right!.job.tempNumbers];
    expect(numbers[1]!.first).toBeGreaterThanOrEqual(numbers[0]!.first + numbers[0]!.count);
    // In any order.
    right!.finish();
    await settle();
    expect(store.tables[0]).toBe(4);
    left!.finish();
    await eventually(() => store.tables[0] === 0);
    expect(store.held.trace.find(({ name }) => name === 'compaction-started')!.details).toMatchObject({
      parts: 2,
      tables: 4,
    });
    expect(store.store.stats().levels[1]).toMatchObject({ entries: 320, dropped: 60 });
    store.expectTidy();
    store.expectContents();
    await store.expectContentsAfterReopen();
  });

  test('of which one part fails stops the others, leaves nothing behind, and is repeated', async () => {
    const store = await CompactingStore.open({
      compactionWorkers: 2,
      writeBufferSize: 4 * 2 ** 20,
      blockSize: 65_536,
    });
    for (let n = 0; n < 4; n++) await store.addTable(n * 60, 80, 20_000);
    await eventually(() => store.compactions.length === 2);
    const [left, right] = store.compactions;
    right!.merge();
    left!.fail('ENOSPC');
    await settle();
    expect(right!.state).toBe(CompactionState.Cancelled);
    expect(store.count('compaction-failed')).toBe(0);
    right!.stop();
    await eventually(() => store.count('compaction-failed') === 1);
    store.expectTidy();
    store.held.executor.holdsCompactions = false;
    store.held.clock.advance(1000);
    await eventually(() => store.tables[0] === 0);
    store.expectContents();
    await store.expectContentsAfterReopen();
  });
});

describe('a compaction when the store is closed', () => {
  test('is cancelled and leaves nothing behind', async () => {
    const store = await CompactingStore.open();
    await store.fillLevel0();
    const compaction = await store.compaction();
    compaction.merge();
    expect(store.files().some((name) => name.endsWith('.dbtmp'))).toBe(true);
    const closed = store.store.close();
    await closed;
    expect(compaction.state).toBe(CompactionState.Cancelled);
    expect(store.files()).toHaveLength(4);
    await store.expectContentsAfterReopen();
  });

  test('that is answered only then changes nothing', async () => {
    const store = await CompactingStore.open();
    await store.fillLevel0();
    const compaction = await store.compaction();
    const answer = compaction.merge();
    const { executor } = store.held;
    executor.close = async () => {};
    const closed = store.store.close();
    // The thread is waited for: what it writes would be in the way of whoever opens the store next.
    expect(await stateOf(closed)).toBe('pending');
    compaction.finish(() => answer);
    await closed;
    expect(store.files()).toHaveLength(4);
    await store.expectContentsAfterReopen();
  });

  test('that waits to be repeated is not', async () => {
    const store = await CompactingStore.open();
    await store.fillLevel0();
    (await store.compaction()).fail('ENOSPC');
    await eventually(() => store.count('compaction-failed') === 1);
    await store.store.close();
    store.held.clock.advance(10_000);
    await settle();
    expect(store.compactions).toHaveLength(0);
    await store.expectContentsAfterReopen();
  });
});
