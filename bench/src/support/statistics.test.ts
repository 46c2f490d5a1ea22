import { describe, expect, test } from 'vitest';
import { spread } from './statistics.ts';

describe('a spread', () => {
  test('is the middle, the least and the greatest, in numeric order', () => {
    expect(spread([10, 9, 100])).toEqual({ median: 10, min: 9, max: 100 });
    expect(spread([4, 1, 3, 2])).toEqual({ median: 2.5, min: 1, max: 4 });
    expect(spread([7])).toEqual({ median: 7, min: 7, max: 7 });
  });

  test('does not change its input, and refuses none', () => {
    const values = [3, 1, 2];
    spread(values);
    expect(values).toEqual([3, 1, 2]);
    expect(() => spread([])).toThrow(RangeError);
  });
});
