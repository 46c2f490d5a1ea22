import { describe, expect, test } from 'vitest';
import { decimal, textTable } from './text-table.ts';

describe('a text table', () => {
  test('aligns names to the left and figures to the right, with headings between', () => {
    expect(
      textTable(['', 'one', 'two'], [['Speed'], ['a', '1', '10,000'], ['long name', '2'], ['b', '', '3']]),
    ).toBe(
      [
        '           one     two',
        '---------  ---  ------',
        '',
        'Speed',
        'a            1  10,000',
        'long name    2',
        'b                    3',
      ].join('\n'),
    );
  });
});

describe('figures', () => {
  test.each([
    [0, '0.00'],
    [0.0421, '0.042'],
    [1.234, '1.23'],
    [45.64, '45.6'],
    [123.4, '123'],
    [-1234.4, '-1,234'],
  ])('%d is %s', (value, text) => {
    expect(decimal(value)).toBe(text);
  });
});
