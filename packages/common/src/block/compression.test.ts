import { describe, expect, test } from 'vitest';
import { ErrorCode } from '../base/errors.ts';
import { Prng } from '../base/prng.ts';
import { bytes, fromHex, hex, SEED } from './block.test-support.ts';
import { BlockType } from './block-trailer.ts';
import { compressSnappy, decompressBlock, javascriptSnappy, nativeSnappy } from './compression.ts';

/** Half random, half repeated, as in the golden stores. */
function blockLike(prng: Prng, length: number): Uint8Array {
  const part = 20 + prng.below(60);
  return Uint8Array.from({ length }, (_, i) => (i % (2 * part) < part ? prng.below(256) : i % part));
}

describe('stored blocks', () => {
  test('raw bytes are the contents themselves', () => {
    const stored = bytes('contents');
    expect(decompressBlock(stored, BlockType.Raw, 'f', 0)).toBe(stored);
  });

  test('compressed bytes give the contents back', () => {
    const contents = blockLike(new Prng(SEED), 4_096);
    const stored = compressSnappy(contents)!;
    expect(stored.length).toBeLessThan(contents.length);
    expect(hex(decompressBlock(stored.slice(), BlockType.Snappy, 'f', 0))).toBe(hex(contents));
  });

  test('a block is compressed only if that saves an eighth, as in LevelDB', () => {
    const prng = new Prng(SEED);
    const noise = Uint8Array.from({ length: 4_096 }, () => prng.below(256));
    expect(compressSnappy(noise)).toBeUndefined();
    // Of `repeated` bytes nearly all are saved: find where the saving crosses an eighth.
    for (let repeated = 400; repeated < 700; repeated++) {
      const contents = Uint8Array.from(noise).fill(1, 0, repeated);
      const encoded = javascriptSnappy.encode(contents).length;
      expect(compressSnappy(contents) !== undefined, `${repeated}`).toBe(encoded < 4_096 - 512);
    }
  });

  test('a malformed stream is corruption, named with file and offset', () => {
    const expected = { code: ErrorCode.Corruption, file: '000003.ldb', offset: 99 };
    for (const stream of ['', '04 08 616263', 'ffffffff0f 00 61', '07 08 616263 01 04']) {
      let thrown: unknown;
      try {
        decompressBlock(fromHex(stream), BlockType.Snappy, '000003.ldb', 99);
      } catch (error) {
        thrown = error;
      }
      expect(thrown, stream).toMatchObject(expected);
    }
  });
});

describe.runIf(nativeSnappy !== undefined)('the native package and JavaScript', () => {
  test(`give the same bytes (SEED=${SEED})`, () => {
    const prng = new Prng(SEED);
    for (let round = 0; round < 400; round++) {
      const contents = blockLike(prng, prng.oneIn(40) ? prng.below(200_000) : prng.below(6_000));
      const encoded = javascriptSnappy.encode(contents);
      expect(Buffer.compare(nativeSnappy!.encode(contents), encoded), `round ${round}`).toBe(0);
      expect(Buffer.compare(nativeSnappy!.decode(encoded)!, contents), `round ${round}`).toBe(0);
    }
  });

  test(`accept and refuse the same mutated streams (SEED=${SEED})`, () => {
    const prng = new Prng(SEED);
    for (let round = 0; round < 3_000; round++) {
      const stream = javascriptSnappy.encode(blockLike(prng, 60 + prng.below(100))).slice();
      for (let flips = 1 + prng.below(3); flips > 0; flips--)
        stream[prng.below(stream.length)] = prng.below(256);
      const [ours, theirs] = [javascriptSnappy.decode(stream), nativeSnappy!.decode(stream)];
      expect(ours && hex(ours), `round ${round}: ${hex(stream)}`).toBe(theirs && hex(theirs));
    }
  });
});
