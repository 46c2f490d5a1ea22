import { describe, expect, test } from 'vitest';
import type { BenchReport } from './bench-report.ts';
import { compare, comparisonTable, differences, type Measured, measuredOf, type Verdict } from './compare.ts';
import { reportOf, runResult, threadReads, threadsReport } from './reports.test-support.ts';

const measured = (better: Measured['better'], ...values: number[]): Measured[] => [
  { name: 'x', better, values },
];

const middleOf = (values: number[]): number =>
  (values[(values.length - 1) >> 1]! + values[values.length >> 1]!) / 2;

describe('a comparison', () => {
  test.each<[string, Measured['better'], number[], number[], Verdict]>([
    ['more that is good', 'more', [100, 102, 104], [120, 122, 124], 'better'],
    ['less of what is good', 'more', [120, 122, 124], [100, 102, 104], 'worse'],
    ['more of what is bad', 'less', [100, 102, 104], [120, 122, 124], 'worse'],
    ['less that is bad', 'less', [120, 122, 124], [100, 102, 104], 'better'],
    ['ranges that touch', 'more', [100, 102, 130], [120, 125, 140], 'noise'],
    ['a tiny change that is steady', 'more', [100, 100.1, 100.2], [102, 102.1, 102.2], 'noise'],
    ['nothing at all', 'more', [100, 100, 100], [100, 100, 100], 'noise'],
    ['what was measured too seldom', 'more', [100, 101], [200, 201, 202], 'noise'],
  ])('calls %s by its name', (_, better, before, after, verdict) => {
    const [one] = compare(measured(better, ...before), measured(better, ...after));
    expect(one!.verdict).toBe(verdict);
    expect(one!.ratio).toBeCloseTo(middleOf(after) / middleOf(before));
  });

  test('has only what both have', () => {
    expect(compare(measured('more', 1), [{ name: 'y', better: 'more', values: [1] }])).toEqual([]);
  });

  test('is a table with what got worse first', () => {
    const figures = (fill: number, cpu: number): Measured[] => [
      { name: 'fill', better: 'more', values: [fill, fill, fill] },
      { name: 'cpu', better: 'less', values: [cpu, cpu, cpu] },
      { name: 'same', better: 'less', values: [1, 1, 1] },
    ];
    const lines = comparisonTable(compare(figures(100, 5), figures(200, 9))).split('\n');
    const at = (word: string): number => lines.findIndex((line) => line.trim().startsWith(word));
    expect(at('worse (1)')).toBeLessThan(at('cpu'));
    expect(at('cpu')).toBeLessThan(at('better (1)'));
    expect(at('better (1)')).toBeLessThan(at('fill'));
    expect(at('fill')).toBeLessThan(at('within noise (1)'));
    expect(lines[at('fill')]).toContain('x 2.00');
  });
});

describe('what two reports were not asked alike', () => {
  const report = reportOf([runResult()]);

  test('is nothing when they were', () => {
    expect(differences(report, { ...report, seed: 9, repeat: 9 })).toEqual([]);
  });

  test('is named: settings, versions of engines, rates', () => {
    const settings = { ...report.settings, valueBytes: 1000, durationMs: 2000 };
    const engines = report.engines.map((engine) => ({ ...engine, version: '99' }));
    expect(differences(report, { ...report, settings, engines })).toEqual([
      'durationMs none and 2,000',
      `valueBytes ${report.settings.valueBytes} and 1,000`,
      ...report.engines.map(({ name, version }) => `version of ${name} ${version} and 99`),
    ]);
    const { settings: usual, ...head } = report;
    const flush = (rate: number): BenchReport => ({
      ...head,
      settings: usual,
      command: 'flush',
      batchRecords: 100,
      streams: [],
      rate,
      arrivals: [],
      overlaps: [],
    });
    expect(differences(flush(1000), flush(2000))).toEqual(['arrivals per second 1,000 and 2,000']);
  });
});

describe('the figures of a report', () => {
  test('are rates by threads, and how long batches that are handed over keep theirs', () => {
    const cost = { entries: 10, inFlight: 16, batches: 5, cpuUs: 4, checked: 10 };
    const report = threadsReport({
      ingests: threadsReport()
        .ingests.filter(({ producers }) => producers === 1)
        .slice(0, 1),
      reads: [threadReads('arena', 2, { idle: 10, paced: 8, written: 7 })],
      handOvers: [1, 2].map((callUs) => ({
        engine: 'arena',
        costs: [{ ...cost, transport: 'ring', callUs }],
      })),
    });
    expect(measuredOf(report)).toEqual([
      { name: 'ingest, 1 thread, arena: records/s', better: 'more', values: [250_000] },
      { name: 'idle, 2 threads, arena: reads/s', better: 'more', values: [10] },
      { name: 'paced, 2 threads, arena: reads/s', better: 'more', values: [8] },
      { name: 'flat-out, 2 threads, arena: reads/s', better: 'more', values: [8] },
      { name: 'flat-out, 2 threads, arena: writes/s', better: 'more', values: [7] },
      { name: 'ring, 10 entries, 16 on their way: kept for, us', better: 'less', values: [1, 2] },
    ]);
  });

  test('are rates and CPU of every engine, with all repetitions', () => {
    const report = reportOf([runResult({ settledMs: 500 }), runResult({ settledMs: 250, mainCpuMs: 4 })]);
    expect(measuredOf(report)).toEqual([
      { name: 'fillrandom, batches of 1,000, arena: records/s', better: 'more', values: [2000, 4000] },
      { name: 'fillrandom, batches of 1,000, arena: main CPU, us', better: 'less', values: [2, 4] },
    ]);
  });
});
