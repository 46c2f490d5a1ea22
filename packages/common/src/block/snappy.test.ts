import { describe, expect, test } from 'vitest';
import { Prng } from '../base/prng.ts';
import { encodeVarint32, MAX_VARINT32_BYTES } from '../bytes/varint.ts';
import { bytes, fromHex, hex, SEED } from './block.test-support.ts';
import { snappyClaimedLength, snappyDecode } from './snappy.ts';
import { snappyEncode, snappyMaxEncodedLength } from './snappy-encoder.ts';

function encode(contents: Uint8Array): Uint8Array<ArrayBuffer> {
  const target = new Uint8Array(snappyMaxEncodedLength(contents.length));
  return target.slice(0, snappyEncode(contents, 0, contents.length, target));
}

const decode = (stream: Uint8Array): Uint8Array<ArrayBuffer> | undefined =>
  snappyDecode(stream, 0, stream.length);
const decodeText = (stream: string): string | undefined => {
  const decoded = decode(fromHex(stream));
  return decoded && Buffer.from(decoded).toString('latin1');
};

/** Random, repetitive, of few letters, or copies from far and near: what an encoder treats differently. */
function randomContents(prng: Prng, maxBytes: number): Uint8Array {
  const contents = new Uint8Array(prng.below(maxBytes));
  const style = prng.below(4);
  const letters = 1 + prng.below(40);
  const period = 1 + prng.below(300);
  for (let i = 0; i < contents.length; i++) {
    if (style === 0) contents[i] = prng.below(256);
    else if (style === 1) contents[i] = prng.below(letters);
    else if (style === 2) contents[i] = i % period < period / 2 ? prng.below(256) : i % period;
    else contents[i] = i < period || prng.oneIn(20) ? prng.below(256) : contents[i - period]!;
  }
  return contents;
}

describe('snappy streams decode', () => {
  test.each([
    { id: 'nothing', stream: '00', text: '' },
    { id: 'a literal', stream: '03 08 616263', text: 'abc' },
    { id: 'a literal with a one-byte length', stream: `3d f03c ${'61'.repeat(61)}`, text: 'a'.repeat(61) },
    { id: 'a literal with a two-byte length', stream: `03 f40200 616263`, text: 'abc' },
    { id: 'a literal with a three-byte length', stream: `03 f8020000 616263`, text: 'abc' },
    { id: 'a literal with a four-byte length', stream: `03 fc02000000 616263`, text: 'abc' },
    { id: 'a short copy', stream: '07 08 616263 01 03', text: 'abcabca' },
    { id: 'a copy with a two-byte offset', stream: '06 08 616263 0a 0300', text: 'abcabc' },
    { id: 'a copy with a four-byte offset', stream: '06 08 616263 0b 03000000', text: 'abcabc' },
    { id: 'a copy of what it produces itself', stream: '41 00 61 fe 0100', text: 'a'.repeat(65) },
  ])('$id', ({ stream, text }) => {
    expect(decodeText(stream)).toBe(text);
  });
});

describe('malformed snappy streams', () => {
  test.each([
    { id: 'no length', stream: '' },
    { id: 'a length that is cut off', stream: '80' },
    { id: 'a length of more than 32 bits', stream: 'ffffffff1f 00 61' },
    { id: 'bytes missing', stream: '04 08 616263' },
    { id: 'bytes too many', stream: '02 08 616263' },
    { id: 'elements behind the end', stream: '01 00 61 00 62' },
    { id: 'a literal that is cut off', stream: '03 08 6162' },
    { id: 'a literal length that is cut off', stream: '03 f402' },
    { id: 'a literal of 4 GiB', stream: '03 fc ffffffff 616263' },
    { id: 'a copy before the start', stream: '07 08 616263 01 04' },
    { id: 'a copy from nowhere', stream: '07 08 616263 01 00' },
    { id: 'a copy with nothing before it', stream: '04 01 01' },
    { id: 'a copy that is cut off', stream: '06 08 616263 0a 03' },
    { id: 'a copy of the long kind that is cut off', stream: '06 08 616263 0b 030000' },
    { id: 'a copy longer than what is left', stream: '05 08 616263 0a 0300' },
    { id: 'a copy from 4 GiB before', stream: '06 08 616263 0b ffffffff' },
  ])('$id', ({ stream }) => {
    expect(decodeText(stream)).toBeUndefined();
  });

  test('a stream that claims more than its bytes can give is refused before memory is taken', () => {
    const body = fromHex(`00 61 ${'fe0100'.repeat(905)}`);
    const produced = 1 + 905 * 64;
    const claiming = (length: number): Uint8Array => {
      const stream = new Uint8Array(MAX_VARINT32_BYTES + body.length);
      const at = encodeVarint32(stream, 0, length);
      stream.set(body, at);
      return stream.subarray(0, at + body.length);
    };
    expect(decode(claiming(produced))?.length).toBe(produced);
    // 64 bytes of each three are the most there can be; here the two of the literal give only one.
    const most = Math.floor((body.length * 64) / 3);
    for (const lie of [produced - 1, produced + 1, most])
      expect(decode(claiming(lie)), `${lie}`).toBeUndefined();
    for (const lie of [most + 1, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1]) {
      const stream = claiming(lie);
      expect(snappyClaimedLength(stream, 0, stream.length), `${lie}`).toBe(-1);
      expect(decode(stream), `${lie}`).toBeUndefined();
    }
  });
});

describe('snappy round trips', () => {
  test(`whatever is encoded decodes to itself (SEED=${SEED})`, () => {
    const prng = new Prng(SEED);
    for (let round = 0; round < 4_000; round++) {
      const contents = randomContents(prng, prng.oneIn(100) ? 150_000 : 1_500);
      const encoded = encode(contents);
      const decoded = decode(encoded);
      expect(decoded && Buffer.compare(decoded, contents), `round ${round}, ${contents.length} bytes`).toBe(
        0,
      );
    }
  });

  test('repetition shrinks, over the border of pieces too', () => {
    const contents = new Uint8Array(200_000).fill(9);
    const encoded = encode(contents);
    expect(encoded.length).toBeLessThan(contents.length / 20);
    expect(Buffer.compare(decode(encoded)!, contents)).toBe(0);
  });

  test('a range inside a larger buffer is encoded and decoded alone', () => {
    const contents = bytes(`<<${'abcd'.repeat(30)}>>`);
    const target = new Uint8Array(snappyMaxEncodedLength(120));
    const length = snappyEncode(contents, 2, 122, target);
    expect(hex(snappyDecode(target, 0, length)!)).toBe(hex(contents.subarray(2, 122)));
  });

  test(`a mutated stream decodes to what it claims or to nothing, 20,000 times (SEED=${SEED})`, () => {
    const prng = new Prng(SEED);
    let refused = 0;
    for (let round = 0; round < 20_000; round++) {
      const stream = encode(randomContents(prng, 120));
      let mutated = stream.slice(0, prng.oneIn(4) ? prng.below(stream.length + 1) : stream.length);
      for (let flips = prng.below(4); flips > 0 && mutated.length > 0; flips--) {
        mutated[prng.below(mutated.length)] = prng.below(256);
      }
      if (prng.oneIn(8)) mutated = Uint8Array.of(...mutated, prng.below(256));
      const claimed = snappyClaimedLength(mutated, 0, mutated.length);
      const decoded = decode(mutated);
      if (decoded === undefined) refused++;
      else if (decoded.length !== claimed) throw new Error(`round ${round}: ${hex(mutated)}`);
    }
    expect(refused).toBeGreaterThan(5_000);
  });
});
