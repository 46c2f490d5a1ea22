import { systemClock } from '@arena-level/common/base/clock';
import { MIB } from '@arena-level/common/base/limits';
import type { RunJob } from '@arena-level/common/protocol/ingest-protocol';
import { MemoryStorage } from '@arena-level/common/storage/memory-storage';
import { DEFAULT_TABLE_OPTIONS } from '@arena-level/common/table/table-options';
import { describe, expect, test } from 'vitest';
import { buildRun } from './build-run.ts';

/** A record `n` gives key n, and a value of so many bytes that ends with n. */
const PARSE = `data:text/javascript,${encodeURIComponent(
  "export const parse = (n, { options }) => [['k' + String(n % options.keys).padStart(6, '0'), 'x'.repeat(options.bytes) + n]];",
)}`;

function runJob(count: number, keys: number, bytes: number, isScratch = false): RunJob {
  return {
    module: PARSE,
    parseOptions: { keys, bytes },
    piece: { split: 'records', records: Array.from({ length: count }, (_, i) => i) },
    sequence: 100,
    isScratch,
    tempNumbers: { first: 7, count: 50 },
    maxTableBytes: 4 * MIB,
    options: DEFAULT_TABLE_OPTIONS,
  };
}

describe('a run', () => {
  test.each([
    ['a few', 50, 20, 10],
    ['more than the first arena has bytes for', 2000, 1500, 10_000],
    ['more than it has entries for', 400_000, 400_000, 1],
    ['a few again, in the arena of the one before', 70, 30, 10],
  ])('has each key once, with its last value: %s', async (_, count, keys, bytes) => {
    const answer = await buildRun(runJob(count, keys, bytes), new MemoryStorage(), systemClock);
    if (answer.kind !== 'run-built') throw new Error(JSON.stringify(answer));
    expect(answer.parsed.entries).toBe(count);
    expect(answer.tables.reduce((sum, { table }) => sum + table.entries, 0)).toBe(Math.min(keys, count));
    expect(answer.tables.every(({ table }) => table.smallestSequence === 100)).toBe(true);
  });

  test.each([false, true])('is synced unless it is scratch (scratch: %s)', async (isScratch) => {
    const storage = new MemoryStorage();
    const answer = await buildRun(runJob(1000, 1000, 10, isScratch), storage, systemClock);
    expect(answer.kind).toBe('run-built');
    const syncs = storage.trace.entries.filter(({ operation }) => operation === 'sync');
    expect(syncs).toHaveLength(isScratch ? 0 : 1);
  });
});
