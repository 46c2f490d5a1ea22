import { describe, expect, test } from 'vitest';
import { counted, formatBytes, formatCount, formatDuration } from './format.ts';

describe('numbers for people', () => {
  test.each([
    [0, '0 B'],
    [999, '999 B'],
    [1000, '1.0 kB'],
    [1_234_567, '1.2 MB'],
    [999_949, '999.9 kB'],
    [999_950, '1.0 MB'],
    [5e15, '5000.0 TB'],
  ])('%d bytes are %s', (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text);
  });

  test.each([
    [0, '0.0 s'],
    [1234, '1.2 s'],
    [59_949, '59.9 s'],
    [59_950, '1 min 00 s'],
    [245_000, '4 min 05 s'],
    [3_600_000, '1 h 00 min'],
    [7_380_000, '2 h 03 min'],
  ])('%d ms are %s', (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
  });

  test('counts have separators, and nouns their plural', () => {
    expect(formatCount(1_234_567.4)).toBe('1,234,567');
    expect([counted(0, 'table'), counted(1, 'table'), counted(2000, 'table')]).toEqual([
      '0 tables',
      '1 table',
      '2,000 tables',
    ]);
  });
});
