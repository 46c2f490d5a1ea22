import { describe, expect, test } from 'vitest';
import { overlapFigures, pipelineMs } from './overlap-figures.ts';

describe('the best possible overlap', () => {
  test.each<[string, number[], number[], number, number]>([
    ['flushes that are shorter than inserts hide but for the last', [10, 10, 10], [4, 4, 4], 1, 34],
    ['flushes that are longer wait for each other', [4, 4, 4], [10, 10, 10], 1, 34],
    ['two workers flush two at a time', [4, 4, 4], [10, 10, 10], 2, 24],
    ['one buffer hides nothing', [4], [10], 1, 14],
  ])('%s', (_, inserts, flushes, workers, expected) => {
    expect(pipelineMs(inserts, flushes, workers)).toBe(expected);
  });

  test('is reached wholly, in part, or not at all', () => {
    const overlap = { engine: 'arena', workers: 1, insertMs: [10, 10, 10], flushMs: [4, 4, 4] } as const;
    expect(overlapFigures({ ...overlap, togetherMs: 34 })).toMatchObject({
      insertMs: 30,
      flushMs: 12,
      serialMs: 42,
      idealMs: 34,
      shareReached: 1,
    });
    expect(overlapFigures({ ...overlap, togetherMs: 38 }).shareReached).toBe(0.5);
    expect(overlapFigures({ ...overlap, togetherMs: 42 }).shareReached).toBe(0);
    expect(
      overlapFigures({ ...overlap, insertMs: [10], flushMs: [4], togetherMs: 14 }).shareReached,
    ).toBeUndefined();
  });
});
