import { describe, expect, test } from 'vitest';
import { ErrorCode, hasCode } from '../base/errors.ts';
import { MAX_SEQUENCE } from '../base/limits.ts';
import { Prng } from '../base/prng.ts';
import { commonPrefixLength } from '../bytes/compare.ts';
import { encodeVarint32 } from '../bytes/varint.ts';
import { makeInternalKey } from '../key/internal-key.ts';
import { ValueKind } from '../key/value-kind.ts';
import {
  type BlockEntry,
  buildContents,
  bytes,
  fromHex,
  hex,
  randomEntries,
  SEED,
} from './block.test-support.ts';
import { BlockBuilder } from './block-builder.ts';

const { Put, Delete } = ValueKind;

/** The format by its definition, entry by entry. */
function naiveContents(entries: readonly BlockEntry[], restartInterval: number): string {
  const out: number[] = [];
  const restarts = [0];
  let before = new Uint8Array(0);
  const varint = (value: number): number[] => {
    const target = new Uint8Array(5);
    return [...target.subarray(0, encodeVarint32(target, 0, value))];
  };
  const word = (value: number): number[] => [0, 8, 16, 24].map((shift) => (value >>> shift) & 0xff);
  entries.forEach(({ key, sequence, kind, value }, i) => {
    const internal = makeInternalKey(key, sequence, kind);
    let shared = 0;
    if (i % restartInterval !== 0)
      shared = commonPrefixLength(before, 0, before.length, internal, 0, internal.length);
    else if (i > 0) restarts.push(out.length);
    out.push(...varint(shared), ...varint(internal.length - shared), ...varint(value.length));
    out.push(...internal.subarray(shared), ...value);
    before = internal;
  });
  out.push(...restarts.flatMap(word), ...word(restarts.length));
  return hex(Uint8Array.from(out));
}

describe('block builder', () => {
  test('a block is laid out byte by byte as the format says', () => {
    const contents = buildContents(
      [
        { key: bytes('apple'), sequence: 5, kind: Put, value: bytes('red') },
        { key: bytes('apply'), sequence: 3, kind: Delete, value: bytes('') },
        { key: bytes('b'), sequence: 258, kind: Put, value: bytes('x') },
      ],
      2,
    );
    expect(hex(contents)).toBe(
      hex(
        fromHex(
          '00 0d 03 6170706c65 0105000000000000 726564' +
            '04 09 00 79 0003000000000000' +
            '00 09 01 62 0102010000000000 78' +
            '00000000 1f000000 02000000',
        ),
      ),
    );
  });

  test('an empty block is one restart point', () => {
    expect(hex(buildContents([]))).toBe('0000000001000000');
  });

  test('what is shared runs on into the trailers of versions of one key', () => {
    const entries = [
      { key: bytes('k'), sequence: 0x0200, kind: Put, value: bytes('') },
      { key: bytes('k'), sequence: 0x0100, kind: Put, value: bytes('') },
    ];
    // 'k', the kind and the lowest byte of the sequence number are equal.
    expect(hex(buildContents(entries)).slice(24)).toMatch(/^030600/);
  });

  test(`any entries give the bytes of the definition (SEED=${SEED})`, () => {
    const prng = new Prng(SEED);
    for (let round = 0; round < 200; round++) {
      const entries = randomEntries(prng, 1 + prng.below(80));
      const restartInterval = 1 + prng.below(20);
      const made = hex(buildContents(entries, restartInterval));
      expect(made, `round ${round}`).toBe(naiveContents(entries, restartInterval));
    }
  });

  test('sizeBytes is the size that finish gives, and contents have a byte before them', () => {
    const builder = new BlockBuilder(3);
    for (const { key, sequence, kind, value } of randomEntries(new Prng(SEED), 50)) {
      builder.addEntry(key, 0, key.length, sequence, kind, value, 0, value.length);
    }
    const stated = builder.sizeBytes;
    builder.finish();
    expect(builder.end - builder.start).toBe(stated);
    expect(builder.start).toBeGreaterThanOrEqual(1);
  });

  test('a reset builder gives the same block again, its restart points included', () => {
    const entries = randomEntries(new Prng(SEED), 200);
    const [first, second] = [entries.slice(0, 90), entries.slice(90)];
    const builder = new BlockBuilder(1);
    const add = ({ key, sequence, kind, value }: BlockEntry): void =>
      builder.addEntry(key, 0, key.length, sequence, kind, value, 0, value.length);
    first.forEach(add);
    builder.finish();
    builder.reset();
    second.forEach(add);
    builder.finish();
    expect(hex(builder.buffer.subarray(builder.start, builder.end))).toBe(hex(buildContents(second, 1)));
  });

  test('a value and a key larger than the buffer fit, and the block after them is small again', () => {
    const builder = new BlockBuilder(16);
    const value = new Uint8Array(5_000_000).fill(7);
    const key = new Uint8Array(300_000).fill(1);
    builder.addEntry(key, 0, key.length, 1, Put, value, 0, value.length);
    builder.finish();
    expect(builder.end - builder.start).toBe(1 + 3 + 4 + key.length + 8 + value.length + 8);
    builder.reset();
    expect(builder.buffer.length).toBeLessThan(100_000);
  });

  test.each([
    { id: 'a smaller user key', key: 'a', sequence: 9, kind: Put },
    { id: 'a prefix of the user key', key: 'k', sequence: 9, kind: Put },
    { id: 'a newer version', key: 'key', sequence: 6, kind: Put },
    { id: 'the same version', key: 'key', sequence: 5, kind: Put },
  ])('$id does not go behind key#5,PUT', ({ key, sequence, kind }) => {
    const builder = new BlockBuilder(16);
    builder.addEntry(bytes('key'), 0, 3, 5, Put, bytes(''), 0, 0);
    let thrown: unknown;
    try {
      builder.addEntry(bytes(key), 0, key.length, sequence, kind, bytes(''), 0, 0);
    } catch (error) {
      thrown = error;
    }
    expect(hasCode(thrown, ErrorCode.Internal)).toBe(true);
  });

  test('order is checked over the end of a block too', () => {
    const builder = new BlockBuilder(16);
    builder.addEntry(bytes('b'), 0, 1, 5, Put, bytes(''), 0, 0);
    builder.finish();
    builder.reset();
    expect(() => builder.addEntry(bytes('a'), 0, 1, 5, Put, bytes(''), 0, 0)).toThrow(/ascend/);
    expect(() => builder.addEntry(bytes('b'), 0, 1, 4, Put, bytes(''), 0, 0)).not.toThrow();
  });

  test('the largest sequence number and ranges inside larger buffers are kept exactly', () => {
    const around = bytes('<<key>>');
    const builder = new BlockBuilder(16);
    builder.addEntry(around, 2, 5, MAX_SEQUENCE, Put, around, 2, 4);
    builder.finish();
    const contents = hex(builder.buffer.subarray(builder.start, builder.end));
    expect(contents).toBe(hex(fromHex('00 0b 02 6b6579 01ffffffffffff1f 6b65 00000000 01000000')));
  });
});
