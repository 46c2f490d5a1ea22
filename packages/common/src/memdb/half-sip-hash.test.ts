import { describe, expect, test } from 'vitest';
import { halfSipHash } from './half-sip-hash.ts';

/** The published algorithm, written for reading, with any number of rounds. */
function reference(
  rounds: number,
  finalRounds: number,
  key: readonly [number, number],
  input: Uint8Array,
): number {
  const v = new Uint32Array([key[0], key[1], key[0] ^ 0x6c796765, key[1] ^ 0x74656462]);
  const rotate = (i: number, bits: number): void => {
    v[i] = (v[i]! << bits) | (v[i]! >>> (32 - bits));
  };
  const mix = (sum: number, turned: number, bits: number): void => {
    v[sum]! += v[turned]!;
    rotate(turned, bits);
    v[turned]! ^= v[sum]!;
  };
  const round = (): void => {
    mix(0, 1, 5);
    rotate(0, 16);
    mix(2, 3, 8);
    mix(0, 3, 7);
    mix(2, 1, 13);
    rotate(2, 16);
  };
  const padded = new Uint8Array((Math.floor(input.length / 4) + 1) * 4);
  padded.set(input);
  padded[padded.length - 1] = input.length & 0xff;
  const words = new DataView(padded.buffer);
  for (let at = 0; at < padded.length; at += 4) {
    v[3]! ^= words.getUint32(at, true);
    for (let i = 0; i < rounds; i++) round();
    v[0]! ^= words.getUint32(at, true);
  }
  v[2]! ^= 0xff;
  for (let i = 0; i < finalRounds; i++) round();
  return (v[1]! ^ v[3]!) | 0;
}

const KEY = [0x03020100, 0x07060504] as const;
const input = Uint8Array.from({ length: 64 }, (_, i) => i);

describe('halfSipHash', () => {
  test('is checked against a reference that gives the published HalfSipHash-2-4 values', () => {
    const published = ['a9359f5b', '27475ab8', 'fa62a603', '8afee704'];
    for (const [length, hex] of published.entries()) {
      const hash = reference(2, 4, KEY, input.subarray(0, length));
      expect(Buffer.from(Int32Array.of(hash).buffer).toString('hex')).toBe(hex);
    }
  });

  test('is HalfSipHash-1-3 at every length, wherever the bytes stand', () => {
    for (let length = 0; length <= input.length; length++) {
      for (let start = 0; start + length <= input.length; start += 5) {
        const expected = reference(1, 3, KEY, input.slice(start, start + length));
        expect(halfSipHash(KEY[0], KEY[1], input, start, start + length), `${start} + ${length}`).toBe(
          expected,
        );
      }
    }
  });

  test('depends on both words of its key', () => {
    const hash = halfSipHash(1, 2, input, 0, 16);
    expect(halfSipHash(1, 3, input, 0, 16)).not.toBe(hash);
    expect(halfSipHash(0, 2, input, 0, 16)).not.toBe(hash);
  });
});
