import { describe, expect, test } from 'vitest';
import { ErrorCode } from '../base/errors.ts';
import { hex } from './table.test-support.ts';
import { checkHandle, decodeFooter, encodeFooter, FOOTER_BYTES } from './table-format.ts';

const footerOf = (size: number): Uint8Array => {
  const footer = new Uint8Array(FOOTER_BYTES).fill(0xee);
  encodeFooter(footer, 0, {
    metaindex: { offset: 300, size: 8 },
    index: { offset: 313, size: size - 313 - 5 - 48 },
  });
  return footer;
};

describe('table footer', () => {
  test('is two handles, zeros and the magic number', () => {
    expect(hex(footerOf(400))).toBe(`ac0208b90222${'00'.repeat(34)}57fb808b247547db`);
  });

  test('comes back', () => {
    expect(decodeFooter(footerOf(400), 'f', 400)).toEqual({
      metaindex: { offset: 300, size: 8 },
      index: { offset: 313, size: 34 },
    });
  });

  test('without the magic number is no table', () => {
    const footer = footerOf(400);
    footer[47]! ^= 1;
    expect(() => decodeFooter(footer, '000001.ldb', 400)).toThrow(
      expect.objectContaining({ code: ErrorCode.Corruption, file: '000001.ldb', offset: 392 }),
    );
  });

  test.each([0, 2])('with a malformed handle at %i does not decode', (at) => {
    const footer = footerOf(400);
    footer.fill(0xff, at + 1, 40);
    expect(() => decodeFooter(footer, 'f', 400)).toThrow(/malformed/);
  });
});

test('a handle may reach to the end of the data and no further, its trailer counted', () => {
  const check = (offset: number, size: number): unknown => checkHandle({ offset, size }, 'data', 'f', 0, 100);
  expect(check(90, 5)).toEqual({ offset: 90, size: 5 });
  expect(() => check(90, 6)).toThrow(/out of bounds/);
  expect(() => check(96, 0)).toThrow(/out of bounds/);
  expect(() => checkHandle({ offset: 0, size: 2 ** 31 }, 'data', 'f', 0, 2 ** 40)).toThrow(/out of bounds/);
});
