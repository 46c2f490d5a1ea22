import { describe, expect, test } from 'vitest';
import { reportOf, runResult } from '../report/reports.test-support.ts';
import { type GuardLine, guardLines, guardTable, ratiosOf } from './guard.ts';

const pair = (own: number, peer: number, cpu = 2): ReturnType<typeof runResult>[] => [
  runResult({ engine: 'arena', settledMs: 1_000_000 / own, mainCpuMs: cpu }),
  runResult({ engine: 'classic-level', settledMs: 1_000_000 / peer, mainCpuMs: 6 }),
];
const verdictOf = (now: number[], before: number[]): GuardLine['verdict'] => {
  const report = (ratios: number[]) =>
    reportOf(
      ratios.flatMap((ratio) => pair(ratio * 100, 100)),
      'guard',
    );
  return guardLines(report(now), report(before))[0]!.verdict;
};

describe('the guard', () => {
  test('divides neighbours, so that more is better for CPU, too', () => {
    const [rate, acknowledged, cpu] = ratiosOf([...pair(400, 100), ...pair(300, 150)]);
    expect(rate!.name).toBe('fillrandom, batches of 1,000: records/s until settled');
    expect(acknowledged!.times.median).toBe(1);
    expect(rate!.times.min).toBeCloseTo(2);
    expect(rate!.times.max).toBeCloseTo(4);
    expect(cpu!.times.median).toBe(3);
  });

  test.each<[number[], number[], GuardLine['verdict']]>([
    [[4, 4.2, 4.4], [3, 3.2, 3.4], 'better'],
    [[3, 3.2, 3.4], [4, 4.2, 4.4], 'worse'],
    [[3, 3.2, 4.1], [4, 4.2, 4.4], 'as before'],
    [[6, 6.2], [4, 4.2, 4.4], 'as before'],
  ])('calls %j after %j %s', (now, before, verdict) => {
    expect(verdictOf(now, before)).toBe(verdict);
  });

  test('has something to say without committed figures', () => {
    const lines = guardLines(reportOf(pair(400, 100), 'guard'), undefined);
    expect(lines.map(({ verdict }) => verdict)).toEqual(['new', 'new', 'new']);
    expect(guardTable(lines)).toContain('4.00 (4.00-4.00)');
  });
});
