import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { readU64BE, sha256, writeU32BE, writeU64BE } from './hashing.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

describe('sha256', () => {
  test('gives the bytes of a hash object, in memory of its own', () => {
    for (const length of [0, 1, 55, 64, 4097]) {
      const input = new Uint8Array(length).fill(length & 0xff);
      const digest = sha256(input);
      expect(hex(digest)).toBe(createHash('sha256').update(input).digest('hex'));
      expect(digest.buffer.byteLength).toBe(32);
    }
  });
});

describe('big-endian numbers', () => {
  test.each([
    { value: 0, bytes: '0000000000000000' },
    { value: 0xfffffffe, bytes: '00000000fffffffe' },
    { value: 0x1_0000_0000, bytes: '0000000100000000' },
    { value: Number.MAX_SAFE_INTEGER, bytes: '001fffffffffffff' },
  ])('$value is written as $bytes and read back', ({ value, bytes }) => {
    const target = new Uint8Array(8);
    expect(writeU64BE(target, 0, value)).toBe(8);
    expect(hex(target)).toBe(bytes);
    expect(readU64BE(target, 0)).toBe(value);
  });

  test('a u32 takes four bytes, most significant first', () => {
    const target = new Uint8Array(6);
    expect(writeU32BE(target, 1, 0x81020304)).toBe(5);
    expect(hex(target)).toBe('008102030400');
  });
});
