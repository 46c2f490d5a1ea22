/** Tables that are put in beside a compaction that cannot be put off and whose outputs would lie across them. */
import { MemoryStorage } from '@arena-level/common/storage/memory-storage';
import { expect, test } from 'vitest';
import { CompactingStore } from '../compaction/compacting-store.ts';
import { eventually, settle } from '../support/eventually.ts';
import { key, text } from '../support/text-bytes.ts';
import { PAIRS } from './ingest-store.ts';
import { sameThreadPool, setReachable } from './same-thread-pool.ts';

const nameOf = (number: number): string => `key-${String(number).padStart(6, '0')}`;

test('the compaction is given up, and made anew around them', async () => {
  const memory = new MemoryStorage();
  const compacting = await CompactingStore.open(
    { level0CompactionTrigger: 3, level0SlowdownTrigger: 3, level1Size: 4096 },
    { memory, pool: sameThreadPool(memory) },
  );
  const { store, held } = compacting;
  setReachable(memory, true);
  // The second piece lies inside of the first one: they are merged into one table.
  const ingest = (...numbers: [number, number, number]) => {
    const lines = numbers.map((number) => `${nameOf(number)}=ingested`);
    for (const number of numbers) compacting.expected.set(nameOf(number), 'ingested');
    return store.ingest(
      lines.map((line) => `${line}\n`),
      { parse: PAIRS, threads: 1, pieceBytes: 40 },
    );
  };
  // One level after the other has tables across what lies between their keys.
  for (const level of [6, 5, 4, 3, 2]) {
    const distance = 60 - 10 * (6 - level);
    expect(await ingest(500 - distance, 500 + distance, 501 - distance)).toMatchObject({
      path: 'tables',
      level,
    });
  }
  const addTable = async (): Promise<void> => {
    await compacting.put(490);
    await compacting.put(510);
  };
  await addTable();
  await store.flush();
  await addTable();
  held.executor.holds = true;
  const ingested = ingest(499, 501, 500);
  await eventually(() => held.executor.held.length === 1);
  // Written while the ingest waits for the flush before: it is the exclusive part that flushes this.
  await addTable();
  expect(compacting.compactions).toHaveLength(0);
  held.executor.held[0]!.finish();
  await eventually(() => held.executor.held.length === 1);
  held.executor.held[0]!.finish();
  const compaction = await compacting.compaction();
  expect(compaction.job.runs).toHaveLength(3);
  const report = await ingested;
  expect(report).toMatchObject({ path: 'tables', level: 1 });
  expect(compacting.count('compaction-superseded')).toBe(1);
  compaction.finish();
  held.executor.holds = false;
  held.executor.holdsCompactions = false;
  for (const waiting of compacting.compactions) waiting.finish();
  await settle();
  await store.settled();
  expect(compacting.count('compaction-failed')).toBe(0);
  expect(store.getSync(key(499))).toBeUndefined();
  expect(text(store.getSync(Buffer.from(nameOf(499))))).toBe('ingested');
  compacting.expectContents();
  setReachable(memory, false);
  await compacting.expectContentsAfterReopen();
});
