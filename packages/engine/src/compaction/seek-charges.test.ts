import { MIB } from '@arena-level/common/base/limits';
import { describe, expect, test } from 'vitest';
import { SeekCharges, seekAllowance } from './seek-charges.ts';

describe('seekAllowance', () => {
  test.each([
    { size: 0, seeks: 100 },
    { size: 100 * 16_384 + 16_383, seeks: 100 },
    { size: 101 * 16_384, seeks: 101 },
    { size: 32 * MIB, seeks: 2048 },
    { size: Number.MAX_SAFE_INTEGER, seeks: 2 ** 39 - 1 },
  ])('of $size bytes is $seeks', ({ size, seeks }) => {
    expect(seekAllowance(size)).toBe(seeks);
  });
});

describe('SeekCharges', () => {
  const charges = (seeks: SeekCharges, number: number, times: number): boolean[] =>
    Array.from({ length: times }, () => seeks.charge({ number, size: 1000 }));
  const UNTIL_USED_UP = [...new Array(99).fill(false), true];

  test('name a table at the last seek it may cost, and an allowance later again', () => {
    const seeks = new SeekCharges();
    expect(charges(seeks, 7, 100)).toEqual(UNTIL_USED_UP);
    expect(seeks.size).toBe(0);
    expect(charges(seeks, 7, 100)).toEqual(UNTIL_USED_UP);
  });

  test('count each table for itself', () => {
    const seeks = new SeekCharges();
    charges(seeks, 7, 99);
    charges(seeks, 8, 98);
    expect(seeks.size).toBe(2);
    expect(charges(seeks, 8, 2)).toEqual([false, true]);
    expect(charges(seeks, 7, 1)).toEqual([true]);
  });

  test('forget a table that is gone', () => {
    const seeks = new SeekCharges();
    charges(seeks, 7, 99);
    seeks.forget(7);
    seeks.forget(9);
    expect(seeks.size).toBe(0);
    expect(charges(seeks, 7, 100)).toEqual(UNTIL_USED_UP);
  });
});
