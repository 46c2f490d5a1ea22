import { describe, expect, test } from 'vitest';
import { linearTicks, logTicks, shortNumber } from './scale.ts';

describe('ticks', () => {
  test.each<[number, number[]]>([
    [10, [0, 2, 4, 6, 8, 10]],
    [9.1, [0, 2, 4, 6, 8, 10]],
    [0.35, [0, 0.1, 0.2, 0.3, 0.4]],
    [123_456, [0, 50_000, 100_000, 150_000]],
    [0, [0, 1]],
  ])('up to %d are round and reach it', (max, expected) => {
    expect(linearTicks(max, 5)).toEqual(expected);
  });

  test('of a logarithmic axis are powers of ten around the values', () => {
    expect(logTicks(0.03, 250)).toEqual([0.01, 0.1, 1, 10, 100, 1000]);
    expect(logTicks(1, 1)).toEqual([1, 10]);
  });
});

test.each([
  [0, '0'],
  [0.0421, '0.042'],
  [1.5, '1.5'],
  [12.34, '12.3'],
  [640, '640'],
  [9999, '9,999'],
  [340_123, '340k'],
  [1_250_000, '1.25M'],
  [2_000_000_000, '2G'],
])('%d is written %s', (value, expected) => {
  expect(shortNumber(value)).toBe(expected);
});
