import { describe, expect, test } from 'vitest';
import { modeName, modesOf, writeMode } from './mode.ts';

describe('modes', () => {
  test('a batch of 1 is a put by itself, 64 are puts in flight, others are batches', () => {
    expect([1, 64, 1000].map((batch) => modeName(writeMode(batch)))).toEqual([
      'one by one',
      '64 in flight',
      'batches of 1,000',
    ]);
  });

  test('of a workload follow its kind', () => {
    const names = (...args: Parameters<typeof modesOf>): string[] => modesOf(...args).map(modeName);
    expect(names('write', [1, 1000], ['sync'])).toEqual(['one by one', 'batches of 1,000']);
    expect(names('read', [1, 1000], ['sync', 'await'])).toEqual(['getSync', 'awaited get']);
    expect(names('mixed', [64, 1000], ['sync'])).toEqual(['64 in flight']);
    expect(names('mixed', [1000], ['sync'])).toEqual(['one by one']);
    expect(names('only', [1, 64], ['sync'])).toEqual(['']);
  });
});
