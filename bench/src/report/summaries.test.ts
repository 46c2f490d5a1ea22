import { describe, expect, test } from 'vitest';
import { runResult } from './reports.test-support.ts';
import { runTable } from './run-table.ts';
import { mainCpuUsOf, medianOf, otherCpuUsOf, summarize, writeAmplificationOf } from './summaries.ts';

describe('summaries', () => {
  test('are medians by case and engine, in the order in which they occur', () => {
    const runs = [
      runResult({ engine: 'a', settledMs: 1000 }),
      runResult({ engine: 'b', settledMs: 500 }),
      runResult({ engine: 'a', settledMs: 500 }),
      runResult({ engine: 'a', settledMs: 250 }),
      runResult({ engine: 'a', workload: 'readseq', mode: { kind: 'only' }, elapsedMs: 100, settledMs: 100 }),
    ];
    const [fill, read] = summarize(runs);
    expect(fill!.name).toBe('fillrandom, batches of 1,000');
    expect(fill!.writes).toBe(true);
    expect(fill!.engines.map(({ engine, rate }) => [engine, rate])).toEqual([
      ['a', { median: 2000, min: 1000, max: 4000 }],
      ['b', { median: 2000, min: 2000, max: 2000 }],
    ]);
    expect(read).toMatchObject({ name: 'readseq', writes: false });
  });

  test('have CPU per record and bytes written per byte', () => {
    const run = runResult({ mainCpuMs: 5, processCpuMs: 8, writtenBytes: 232_000, bytes: 116_000 });
    expect(mainCpuUsOf(run)).toBe(5);
    expect(otherCpuUsOf(run)).toBe(3);
    expect(writeAmplificationOf(run)).toBe(2);
    expect(writeAmplificationOf(runResult({ elapsedMs: 100, settledMs: 100 }))).toBeUndefined();
    expect(writeAmplificationOf(runResult({ writtenBytes: undefined }))).toBeUndefined();
  });

  test('have no median of what nobody knows', () => {
    expect(medianOf([1, 2], () => undefined)).toBeUndefined();
    expect(medianOf([1, 2, 9], (value) => (value === 9 ? undefined : value))).toBe(1.5);
  });
});

describe('the table of workloads', () => {
  test('has how much was written beside reads, of each engine', () => {
    const read = { workload: 'readwhilewriting', mode: { kind: 'sync' }, elapsedMs: 500 } as const;
    const text = runTable([
      runResult({ ...read, engine: 'a', besideRecords: 10_000 }),
      runResult({ ...read, engine: 'b', besideRecords: 100 }),
    ]);
    expect(text).toContain('records/s written beside: a 20,000, b 200');
    expect(runTable([runResult()])).not.toContain('beside');
  });

  test('has a heading per case and a row per engine', () => {
    const text = runTable([
      runResult({ engine: 'a', settledMs: 1000 }),
      runResult({ engine: 'b', settledMs: 500 }),
    ]);
    expect(text).toContain('fillrandom, batches of 1,000: 1,000 records, until settled');
    expect(text).toMatch(/\n {2}a +1,000 +1 /);
    expect(text).toMatch(/\n {2}b +2,000 +2\.00 /);
  });
});
