import { describe, expect, test } from 'vitest';
import { type RangeValues, rangeOf } from './range-options.ts';

const bounds = (values: RangeValues): Record<string, string> =>
  Object.fromEntries(
    Object.entries(rangeOf(values, 'hex'))
      .filter(([, key]) => key !== undefined)
      .map(([name, key]) => [name, Buffer.from(key as Uint8Array).toString('hex')]),
  );

describe('a range', () => {
  test('has the bounds that are given', () => {
    expect(bounds({})).toEqual({});
    expect(bounds({ gt: '01', lte: '09' })).toEqual({ gt: '01', lte: '09' });
    expect(bounds({ gte: '01', lt: '09', gt: '', lte: 'ff' })).toEqual({
      gte: '01',
      lt: '09',
      gt: '',
      lte: 'ff',
    });
  });

  test.each([
    ['6162', { gte: '6162', lt: '6163' }],
    ['61ff', { gte: '61ff', lt: '62' }],
    ['61ffff', { gte: '61ffff', lt: '62' }],
    ['ffff', { gte: 'ffff' }],
    ['', { gte: '' }],
  ])('of a prefix %s ends behind its last key', (prefix, expected) => {
    expect(bounds({ prefix })).toEqual(expected);
  });

  test('of a prefix and bounds is what both allow', () => {
    expect(bounds({ prefix: '61', gte: '6150', lt: '6170' })).toEqual({ gte: '6150', lt: '6170' });
    expect(bounds({ prefix: '61', gte: '50', lt: '70' })).toEqual({ gte: '61', lt: '62' });
  });
});
