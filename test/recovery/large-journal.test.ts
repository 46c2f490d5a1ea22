import { systemClock } from '@arena-level/common/base/clock';
import { MIB } from '@arena-level/common/base/limits';
import { NodeStorage } from '@arena-level/common/storage/node-storage';
import { arenaBudget, ErrorCode, type OpenOptions, open } from 'arena-level/engine';
import { expect, test } from 'vitest';
import type { FlushExecutor } from '../../packages/engine/src/flush/flush-executor.ts';
import { InlineFlushExecutor } from '../../packages/engine/src/flush/inline-flush-executor.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { bytes, key } from '../support/text-bytes.ts';

const ENTRIES = 3_000;
const VALUE_BYTES = 1_500;

/** A store of some megabytes, all of it in one journal. */
async function abandonedDirectory(): Promise<string> {
  const directory = temporaryDirectory();
  const store = await open(directory, { flush: 'inline', writeBufferSize: 16 * MIB });
  for (let n = 0; n < ENTRIES; n++) await store.put(key(n), valueAt(n));
  await store.close();
  return directory;
}

const valueAt = (n: number): Uint8Array => bytes(`${n} `.padEnd(VALUE_BYTES, '.'));

test.each<readonly [string, OpenOptions]>([
  ['in a worker', { flush: 'worker', writeBufferSize: 2 * MIB }],
  ['on the calling thread', { flush: 'inline', writeBufferSize: 2 * MIB }],
  ['with arenas far smaller than the journal', { flush: 'inline', writeBufferSize: 64 * 1024 }],
])('a journal larger than the write buffer is recovered %s into several tables', async (_, options) => {
  const directory = await abandonedDirectory();
  const store = await open(directory, options);
  const { recovery } = store;
  expect(recovery).toMatchObject({ entries: ENTRIES, damage: [], lost: [] });
  expect(recovery.tablesWritten).toBeGreaterThan(2);
  expect(store.stats().levels[0]!.tables).toBe(recovery.tablesWritten);
  for (const n of [0, 1, 1234, ENTRIES - 1]) expect(store.getSync(key(n))).toEqual(Buffer.from(valueAt(n)));
  expect([...store.iterator({ values: false })]).toHaveLength(ENTRIES);
  expect((await store.verify()).differing).toEqual([]);
  await store.close();
});

test('a journal of one batch larger than the write buffer is recovered as it was written', async () => {
  const directory = temporaryDirectory();
  const store = await open(directory, { flush: 'inline', writeBufferSize: 16 * MIB });
  const batch = Array.from({ length: 500 }, (_, n) => ({
    type: 'put' as const,
    key: key(n),
    value: valueAt(n),
  }));
  await store.batch(batch, { sync: true });
  await store.close();
  const again = await open(directory, { flush: 'inline', writeBufferSize: 64 * 1024 });
  expect(again.recovery).toMatchObject({ groups: 1, entries: 500, tablesWritten: 1 });
  expect([...again.iterator()]).toHaveLength(500);
  await again.close();
});

test('a worker that crashes during recovery does not fail the open: the table is built on the calling thread', async () => {
  const directory = await abandonedDirectory();
  const storage = new NodeStorage(directory);
  const inline = new InlineFlushExecutor(storage, systemClock);
  let crashes = 0;
  const executor: FlushExecutor = {
    kind: 'worker',
    compactsApart: true,
    flush: async () => {
      crashes++;
      return { kind: 'failed', crashed: true, error: { code: ErrorCode.WorkerFailed, message: 'gone' } };
    },
    flushNow: (job) => inline.flushNow(job),
    verify: (job) => inline.verify(job),
    compact: (job) => inline.compact(job),
    compactNow: (job) => inline.compactNow(job),
    prepare: (arena) => inline.prepare(arena),
    touch: (arena) => inline.touch(arena),
    close: () => inline.close(),
    stats: () => inline.stats(),
  };
  const budgetBefore = arenaBudget().usedBytes;
  const store = await open(directory, { writeBufferSize: 2 * MIB }, { executor });
  expect(crashes).toBeGreaterThan(1);
  expect(store.recovery.entries).toBe(ENTRIES);
  expect([...store.iterator({ values: false })]).toHaveLength(ENTRIES);
  await store.close();
  // An arena that a crashed thread may still see is dropped, not reused; none is left counted.
  expect(arenaBudget().usedBytes).toBe(budgetBefore);
});
