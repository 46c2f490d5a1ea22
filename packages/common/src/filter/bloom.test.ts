import { describe, expect, test } from 'vitest';
import { Prng } from '../base/prng.ts';
import { bloomBytes, bloomHash, bloomMayContain, bloomProbes, signedBloomHash, writeBloom } from './bloom.ts';

const SEED = Number(process.env['SEED'] ?? 20_240_501);
const fromHex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'));
const hashOf = (key: Uint8Array): number => bloomHash(key, 0, key.length);

function filterOf(keys: readonly Uint8Array[], bitsPerKey: number): Uint8Array {
  const filter = new Uint8Array(bloomBytes(keys.length, bitsPerKey));
  writeBloom(filter, 0, Uint32Array.from(keys, hashOf), keys.length, bitsPerKey);
  return filter;
}

describe('bloom hash', () => {
  test.each([
    { key: '', expected: 0xbc9f1d34 },
    { key: '62', expected: 0xef1345c4 },
    { key: 'c397', expected: 0x5b663814 },
    { key: 'e299a5', expected: 0x323c078f },
    { key: 'e180b932', expected: 0xed21633a },
  ])("of '$key' is LevelDB's", ({ key, expected }) => {
    expect(hashOf(fromHex(key))).toBe(expected);
  });

  test('a range inside a larger buffer hashes alone', () => {
    expect(bloomHash(fromHex('00e299a500'), 1, 4)).toBe(0x323c078f);
  });

  test('the signed hash differs only for a last byte from 0x80 up behind the last whole word', () => {
    const prng = new Prng(SEED);
    for (let round = 0; round < 2_000; round++) {
      const key = Uint8Array.from({ length: prng.below(12) }, () => prng.below(256));
      const tail = key.subarray(key.length & ~3);
      const same = signedBloomHash(key, 0, key.length) === hashOf(key);
      const label = `SEED=${SEED} ${Buffer.from(key).toString('hex')}`;
      expect(same, label).toBe(tail.every((byte) => byte < 0x80));
    }
  });

  test('the signed hash adds the last bytes as C does with signed characters', () => {
    // One byte 0xff is -1: the hash of the seed, minus one, mixed.
    const mixed = Math.imul(((0xbc9f1d34 ^ 0xc6a4a793) - 1) | 0, 0xc6a4a793);
    expect(signedBloomHash(fromHex('ff'), 0, 1)).toBe((mixed ^ (mixed >>> 24)) >>> 0);
  });
});

describe('bloom filter', () => {
  test.each([
    [1, 1],
    [2, 1],
    [5, 3],
    [10, 6],
    [16, 11],
    [100, 30],
  ])('%i bits per key are probed %i times', (bitsPerKey, probes) => {
    expect(bloomProbes(bitsPerKey)).toBe(probes);
  });

  test("the bits of two keys are LevelDB's", () => {
    const filter = filterOf([Buffer.from('hello'), Buffer.from('world')], 10);
    expect(filter.length).toBe(9);
    expect(filter[8]).toBe(6);
    // Twelve probes, some of which fall together.
    const bits = filter
      .subarray(0, 8)
      .reduce((sum, byte) => sum + byte.toString(2).replaceAll('0', '').length, 0);
    expect(bits).toBeGreaterThan(8);
    expect(bits).toBeLessThanOrEqual(12);
  });

  test(`every key is found, and few others (SEED=${SEED})`, () => {
    const prng = new Prng(SEED);
    for (const count of [1, 10, 100, 1_000, 10_000]) {
      const keyOf = (id: number): Uint8Array => fromHex(id.toString(16).padStart(8, '0'));
      const keys = Array.from({ length: count }, () => keyOf(prng.below(0x8000_0000)));
      const filter = filterOf(keys, 10);
      for (const key of keys) expect(bloomMayContain(filter, 0, filter.length, hashOf(key))).toBe(true);
      let wrong = 0;
      for (let id = 0x8000_0000; id < 0x8000_0000 + 5_000; id++) {
        if (bloomMayContain(filter, 0, filter.length, hashOf(keyOf(id)))) wrong++;
      }
      expect(wrong, `${count} keys`).toBeLessThan(150);
    }
  });

  test('a filter that makes no sense, or is of a reserved kind, says maybe', () => {
    const hash = hashOf(fromHex('62'));
    expect(bloomMayContain(fromHex(''), 0, 0, hash)).toBe(true);
    expect(bloomMayContain(fromHex('06'), 0, 1, hash)).toBe(true);
    expect(bloomMayContain(fromHex('00000000000000001f'), 0, 9, hash)).toBe(true);
    expect(bloomMayContain(fromHex('00000000000000001e'), 0, 9, hash)).toBe(false);
  });
});
