import { describe, expect, test } from 'vitest';
import { bytes, fromHex, hex } from './block.test-support.ts';
import {
  blockHandleEnd,
  decodeBlockHandle,
  encodeBlockHandle,
  MAX_BLOCK_HANDLE_BYTES,
} from './block-handle.ts';
import { BLOCK_TRAILER_BYTES, BlockType, checkBlockTrailer, writeBlockTrailer } from './block-trailer.ts';

describe('block handles', () => {
  test.each([
    { offset: 0, size: 0, encoded: '0000' },
    { offset: 128, size: 4096, encoded: '8001' + '8020' },
    { offset: Number.MAX_SAFE_INTEGER, size: 1, encoded: 'ffffffffffffff0f' + '01' },
  ])('$offset, $size is $encoded', ({ offset, size, encoded }) => {
    const target = new Uint8Array(MAX_BLOCK_HANDLE_BYTES);
    const end = encodeBlockHandle(target, 0, { offset, size });
    expect(hex(target.subarray(0, end))).toBe(encoded);
    expect(decodeBlockHandle(target, 0, end)).toEqual({ offset, size });
    expect(blockHandleEnd).toBe(end);
  });

  test('bytes behind a handle are ignored', () => {
    expect(decodeBlockHandle(fromHex('0102ffff'), 0, 4)).toEqual({ offset: 1, size: 2 });
  });

  test.each(['', '01', '80', '0180', 'ffffffffffffffffff01' + '01', '01' + 'ffffffffffffff1f'])(
    '%j is cut off or too large',
    (encoded) => {
      const given = fromHex(encoded);
      expect(decodeBlockHandle(given, 0, given.length)).toBeUndefined();
    },
  );
});

describe('block trailers', () => {
  const sealed = (contents: Uint8Array, type: BlockType): Uint8Array => {
    const stored = new Uint8Array(contents.length + BLOCK_TRAILER_BYTES);
    stored.set(contents);
    writeBlockTrailer(stored, contents.length, stored, 0, contents.length, type);
    return stored;
  };

  test('the checksum is over contents and type, masked', () => {
    // An empty block as LevelDB writes it in every table without meta blocks.
    expect(hex(sealed(fromHex('0000000001000000'), BlockType.Raw))).toBe('000000000100000000c0f2a1b0');
  });

  test.each([BlockType.Raw, BlockType.Snappy])('type %i comes back', (type) => {
    for (const length of [0, 1, 255, 256, 5_000]) {
      expect(checkBlockTrailer(sealed(new Uint8Array(length).fill(3), type), length, 'f', 0)).toBe(type);
    }
  });

  test('every flipped bit is a mismatch, named with file and offset', () => {
    const stored = sealed(bytes('contents of a block'), BlockType.Raw);
    for (let bit = 0; bit < stored.length * 8; bit++) {
      const damaged = Uint8Array.from(stored);
      damaged[bit >>> 3]! ^= 1 << (bit & 7);
      expect(() => checkBlockTrailer(damaged, stored.length - BLOCK_TRAILER_BYTES, '000003.ldb', 77)).toThrow(
        '000003.ldb at offset 77: block checksum mismatch',
      );
    }
  });

  test('an unknown type is an error although its checksum is right', () => {
    expect(() => checkBlockTrailer(sealed(bytes('abc'), 2 as BlockType), 3, 'f', 0)).toThrow(
      /unknown type 2/,
    );
  });
});
