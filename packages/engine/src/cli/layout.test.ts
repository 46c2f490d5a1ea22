import { describe, expect, test } from 'vitest';
import { alignColumns } from './columns.ts';
import { formatByteRate, formatRate, formatTimeLeft } from './format.ts';
import { nearest } from './nearest.ts';
import { wrap } from './wrap.ts';

describe('columns', () => {
  test('are as wide as their widest cell, without anything at the end of a line', () => {
    expect(
      alignColumns(
        [
          ['level', 'tables', 'name'],
          ['0', '1,234,567', 'a'],
          ['1', '', 'Zürich'],
        ],
        ['left', 'right', 'left'],
      ),
    ).toEqual(['level     tables  name', '0      1,234,567  a', '1                 Zürich']);
    expect(alignColumns([], ['left'])).toEqual([]);
  });
});

describe('wrapping', () => {
  test('breaks between words, and leaves a long one whole', () => {
    expect(wrap('one two three', 9, '  ')).toEqual(['  one two', '  three']);
    expect(wrap('one', 2, '  ')).toEqual(['  one']);
    expect(wrap('a incomprehensibilities b', 6, '')).toEqual(['a', 'incomprehensibilities', 'b']);
  });
});

describe('the nearest word', () => {
  const words = ['ingest', 'get', 'put', 'del', 'scan', 'verify', 'checkpoint'];
  test.each([
    ['scna', 'scan'],
    ['scans', 'scan'],
    ['verfy', 'verify'],
    ['check', 'checkpoint'],
    ['ingset', 'ingest'],
    ['gut', 'get'],
    ['delete', 'del'],
    ['eat', undefined],
    ['x', undefined],
    ['frobnicate', undefined],
  ])('of %s is %s', (typed, meant) => {
    expect(nearest(typed, words)).toBe(meant);
  });
});

describe('rates and estimates', () => {
  test('are as coarse as they are sure', () => {
    expect([100, 5900, 58_900, 59_500, 245_000].map(formatTimeLeft)).toEqual([
      '1 s',
      '6 s',
      '59 s',
      '1 min 00 s',
      '4 min 05 s',
    ]);
    expect(formatRate(1000, 500)).toBe('2,000/s');
    expect(formatRate(1000, 0)).toBe('0/s');
    expect(formatByteRate(3_000_000, 2000)).toBe('1.5 MB/s');
  });
});
