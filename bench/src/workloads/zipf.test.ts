import { Prng } from '@arena-level/common/base/prng';
import { describe, expect, test } from 'vitest';
import { Zipf } from './zipf.ts';

describe('a zipfian draw', () => {
  const count = 1000;
  const draws = 200_000;
  const prng = new Prng(7);
  const zipf = new Zipf(count);
  const seen = new Array<number>(count).fill(0);
  for (let draw = 0; draw < draws; draw++) seen[zipf.next(prng)]!++;

  test('stays below the bound', () => {
    expect(seen.length).toBe(count);
    expect(seen.reduce((sum, times) => sum + times, 0)).toBe(draws);
  });

  test.each([0, 1, 9, 99])('draws rank %i about as often as its weight says', (rank) => {
    const weights = Array.from({ length: count }, (_, at) => 1 / (at + 1) ** 0.99);
    const expected = (draws * weights[rank]!) / weights.reduce((sum, weight) => sum + weight, 0);
    expect(seen[rank]! / expected).toBeGreaterThan(0.7);
    expect(seen[rank]! / expected).toBeLessThan(1.4);
  });

  test('reaches the last ranks, too', () => {
    expect(seen.slice(count / 2).some((times) => times > 0)).toBe(true);
  });
});
