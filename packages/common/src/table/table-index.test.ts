import { describe, expect, test } from 'vitest';
import { ErrorCode } from '../base/errors.ts';
import { MAX_SEQUENCE } from '../base/limits.ts';
import { Prng } from '../base/prng.ts';
import { Block } from '../block/block.ts';
import { BlockBuilder } from '../block/block-builder.ts';
import { makeInternalKey } from '../key/internal-key.ts';
import {
  blockOf,
  bytes,
  compareEntries,
  type Entry,
  handleBytes,
  hex,
  lowerBound,
  SEED,
} from './table.test-support.ts';
import { TableIndex } from './table-index.ts';

const DATA_END = 1_000_000;

const entryOf = (key: Uint8Array, sequence: number): Entry => ({ key, sequence, kind: 1, value: bytes('') });

function indexOf(entries: readonly Entry[]): TableIndex {
  const pairs = entries.map(
    ({ key, sequence, kind }, i) =>
      [makeInternalKey(key, sequence, kind), handleBytes({ offset: i * 200, size: 90 + i })] as const,
  );
  return new TableIndex(new Block(blockOf(pairs), '000007.ldb', 0), DATA_END);
}

function find(index: TableIndex, key: Uint8Array, sequence: number): number {
  // Behind other bytes, so that offsets count.
  const around = Uint8Array.of(0x55, ...key, 0x55);
  return index.find(around, 1, 1 + key.length, sequence);
}

describe('table index', () => {
  test(`finds what a linear search finds, whatever keys have in common (SEED=${SEED})`, () => {
    const prng = new Prng(SEED);
    for (let round = 0; round < 300; round++) {
      const prefix = Uint8Array.from({ length: prng.below(9) }, () => prng.below(3));
      const randomKey = (): Uint8Array =>
        Uint8Array.of(
          ...prefix,
          ...Uint8Array.from({ length: prng.below(7) }, () => [0, 1, 0x7f, 0x80, 0xff][prng.below(5)]!),
        );
      const unique = new Map<string, Entry>();
      for (let i = 1 + prng.below(30); i > 0; i--) {
        const entry = entryOf(randomKey(), prng.below(4));
        unique.set(`${hex(entry.key)}#${entry.sequence}`, entry);
      }
      const entries = [...unique.values()].sort(compareEntries);
      const index = indexOf(entries);
      for (let step = 0; step < 40; step++) {
        const target = prng.oneIn(4)
          ? Uint8Array.from({ length: prng.below(10) }, () => prng.below(3))
          : randomKey();
        const sequence = prng.oneIn(4) ? MAX_SEQUENCE : prng.below(5);
        const expected = lowerBound(entries, target, sequence);
        const label = `round ${round} ${hex(target)}#${sequence}`;
        expect(find(index, target, sequence), label).toBe(expected === entries.length ? -1 : expected);
      }
    }
  });

  test('handles come back in order', () => {
    const index = indexOf(['a', 'b', 'c'].map((key) => entryOf(bytes(key), 1)));
    expect(index.blocks).toBe(3);
    expect([0, 1, 2].map((i) => [index.offset(i), index.size(i)])).toEqual([
      [0, 90],
      [200, 91],
      [400, 92],
    ]);
  });

  test.each([
    { id: 'the same block twice', second: { offset: 0, size: 20 } },
    { id: 'a block inside the one before', second: { offset: 3, size: 5 } },
    { id: 'a block that overlaps the trailer of the one before', second: { offset: 24, size: 20 } },
    { id: 'a block before the one before', second: { offset: 0, size: 5 }, first: { offset: 50, size: 20 } },
  ])('an index that lists $id is refused', ({ first = { offset: 0, size: 20 }, second }) => {
    const pairs = [first, second].map(
      (handle, i) => [makeInternalKey(bytes(`k${i}`), 1, 1), handleBytes(handle)] as const,
    );
    expect(() => new TableIndex(new Block(blockOf(pairs), '000007.ldb', 77), DATA_END)).toThrow(
      expect.objectContaining({ code: ErrorCode.Corruption, file: '000007.ldb', offset: 77 }),
    );
  });

  test('keys that share what they begin with do not grow beyond what the blocks can hold', () => {
    const dataEnd = 20_000;
    const builder = new BlockBuilder(1_000);
    const keyAt = (i: number): Uint8Array =>
      makeInternalKey(Uint8Array.of(...new Uint8Array(10_000), i >>> 8, i & 255), 1, 1);
    for (let i = 0; i < 1_000; i++) {
      const key = keyAt(i);
      const handle = handleBytes({ offset: 10 * i, size: 1 });
      builder.add(key, 0, key.length, handle, 0, handle.length);
    }
    builder.finish();
    const contents = builder.buffer.slice(builder.start, builder.end);
    // 40 KB of block, 10 MB of keys.
    expect(contents.length).toBeLessThan(40_000);
    expect(() => new TableIndex(new Block(contents, '000007.ldb', 77), dataEnd)).toThrow(
      /longer than those of its blocks/,
    );
    expect(new TableIndex(new Block(contents, '000007.ldb', 77), 10_000_000).blocks).toBe(1_000);
  });

  test("a key with LevelDB's seek trailer sorts before every entry of its user key", () => {
    const key = Uint8Array.of(0x6b, 0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff);
    const contents = blockOf([[key, handleBytes({ offset: 0, size: 10 })]]);
    const index = new TableIndex(new Block(contents, '000007.ldb', 0), DATA_END);
    expect(find(index, bytes('j'), 1)).toBe(0);
    expect(find(index, bytes('k'), MAX_SEQUENCE)).toBe(-1);
  });

  test('tells the blocks that end in the middle of a key', () => {
    const index = indexOf([entryOf(bytes('a'), 5), entryOf(bytes('bb'), 5), entryOf(bytes('bb'), 3)]);
    expect([0, 1, 2].map((i) => index.endsWith(i, bytes('<bb>'), 1, 3))).toEqual([false, true, true]);
    expect(index.endsWith(1, bytes('b'), 0, 1)).toBe(false);
  });

  test('of no blocks finds none', () => {
    expect(find(indexOf([]), bytes('a'), 1)).toBe(-1);
    expect(find(indexOf([]), bytes(''), 1)).toBe(-1);
  });
});
