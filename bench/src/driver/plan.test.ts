import { describe, expect, test } from 'vitest';
import { workloadNamed } from '../workloads/all-workloads.ts';
import { caseName, casesOf, interleaved } from './plan.ts';
import { recordsOf } from './run.ts';

describe('the plan', () => {
  const cases = casesOf([workloadNamed('fillrandom'), workloadNamed('readseq')], [1000], ['sync']);

  test('lets engines take turns, each round beginning with another one', () => {
    const runs = interleaved(cases, ['a', 'b', 'c'], 2);
    expect(
      runs.map(({ engine, repetition, workload }) => `${workload.name} ${repetition} ${engine}`),
    ).toEqual([
      'fillrandom 0 a',
      'fillrandom 0 b',
      'fillrandom 0 c',
      'fillrandom 1 b',
      'fillrandom 1 c',
      'fillrandom 1 a',
      'readseq 0 a',
      'readseq 0 b',
      'readseq 0 c',
      'readseq 1 b',
      'readseq 1 c',
      'readseq 1 a',
    ]);
  });

  test('names a case by its workload and mode', () => {
    expect(cases.map(({ mode, workload }) => caseName(workload.name, mode))).toEqual([
      'fillrandom, batches of 1,000',
      'readseq',
    ]);
  });
});

describe('the records of a run', () => {
  test.each([
    ['fillrandom', 1000, 1, 1_000_000],
    ['fillrandom', 1, 1, 100_000],
    ['fillrandom', 64, 1, 100_000],
    ['fillsync', 1, 1, 1000],
    ['fill100K', 1000, 1, 2000],
    ['fillrandom', 1000, 0.1, 20_000],
  ])('of %s in mode %i, share %d, are %i of a million', (workload, batch, share, expected) => {
    const [one] = casesOf([workloadNamed(workload)], [batch], []);
    expect(recordsOf(1_000_000, one!.workload, one!.mode, share)).toBe(expected);
  });

  test('are never too few to draw from', () => {
    const [one] = casesOf([workloadNamed('fillsync')], [1], []);
    expect(recordsOf(200, one!.workload, one!.mode, 0.1)).toBe(100);
  });
});
