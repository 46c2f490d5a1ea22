import { describe, expect, test } from 'vitest';
import { Prng } from '../base/prng.ts';
import { commonPrefixLength } from '../bytes/compare.ts';
import { encodeVarint32 } from '../bytes/varint.ts';
import { wordAt } from '../bytes/word.ts';
import { makeInternalKey } from '../key/internal-key.ts';
import { type BlockEntry, buildBlock, bytes, hex, randomEntries, SEED } from './block.test-support.ts';
import { Block } from './block.ts';
import { BlockIterator } from './block-iterator.ts';
import { ImageIndex } from './image-index.ts';

const put = (key: string, sequence = 1, value = 'v'): BlockEntry => ({
  key: bytes(key),
  sequence,
  kind: 1,
  value: bytes(value),
});

interface Walked {
  readonly keys: readonly Uint8Array[];
  readonly offsets: readonly number[];
}

/** Keys and offsets as a walk finds them that puts every key together. */
function walk(block: Block): Walked {
  const iterator = new BlockIterator();
  iterator.attach(block);
  const keys: Uint8Array[] = [];
  const offsets: number[] = [];
  for (iterator.first(); iterator.valid; iterator.next()) {
    keys.push(iterator.keyBytes.slice(0, iterator.keyEnd));
    offsets.push(iterator.entryOffset);
  }
  return { keys, offsets };
}

const wordsOf = (keys: readonly Uint8Array[], prefixLength: number): number[] =>
  keys.map((key) => wordAt(key, prefixLength, key.length));

const firstOf = (words: Int32Array, index: ImageIndex): number[] =>
  Array.from(words.subarray(0, index.entries), (word) => word >>> 0);

/** What holds of every index. */
function expectSound(index: ImageIndex, block: Block, why: string): Walked {
  const found = walk(block);
  const [first] = found.keys;
  const { prefixLength, firstKey } = index;
  const prefix = hex(first!.subarray(0, prefixLength));
  for (const key of found.keys) expect(hex(key.subarray(0, prefixLength)), why).toBe(prefix);
  expect(index.prefixWord, why).toBe(wordAt(first!, 0, prefixLength));
  expect(hex(block.contents.subarray(firstKey, firstKey + first!.length)), why).toBe(hex(first!));
  expect([index.entries, index.entriesEnd], why).toEqual([found.keys.length, block.restartsOffset]);
  expect(firstOf(index.offsets, index), why).toEqual(found.offsets);
  expect(firstOf(index.words, index), why).toEqual(wordsOf(found.keys, prefixLength));
  return found;
}

/** And of one of a block of our own builder, where what entries share is all that they have in common. */
function expectExact(index: ImageIndex, block: Block, why = ''): void {
  const { keys } = expectSound(index, block, why);
  const [first, last] = [keys[0]!, keys.at(-1)!];
  const common = commonPrefixLength(first, 0, first.length, last, 0, last.length);
  expect(index.prefixLength, why).toBe(common);
}

function expectOf(entries: readonly BlockEntry[]): void {
  for (const interval of [1, 2, 3, 16]) {
    const block = buildBlock(entries, interval);
    expectExact(new ImageIndex().read(block), block, `restart interval ${interval}`);
  }
}

describe('the index of an image', () => {
  test(`has what a walk finds, of block after block (SEED=${SEED})`, () => {
    const prng = new Prng(SEED);
    const index = new ImageIndex();
    for (let round = 0; round < 600; round++) {
      const prefix = new Uint8Array(prng.oneIn(2) ? 0 : prng.oneIn(8) ? 200 : prng.below(12)).fill(0x62);
      const entries = randomEntries(prng, 1 + prng.below(prng.oneIn(10) ? 300 : 40)).map((entry) => ({
        ...entry,
        key: Uint8Array.of(...prefix, ...entry.key),
      }));
      const block = buildBlock(entries, 1 + prng.below(17));
      expectExact(index.read(block), block, `SEED=${SEED} round ${round}`);
    }
  });

  test('grows with blocks, and a smaller one that follows leaves nothing of it', () => {
    const index = new ImageIndex();
    const names = (count: number): BlockEntry[] =>
      Array.from({ length: count }, (_, i) => put(`key-${String(i).padStart(5, '0')}`));
    for (const count of [1, 63, 64, 65, 128, 129, 1000, 2, 65]) {
      const block = buildBlock(names(count));
      expectExact(index.read(block), block, `${count} entries`);
      expect(index.entries).toBe(count);
    }
    expect(index.words.length).toBe(1024);
  });

  test('one entry has all of its key in common with itself, and no word', () => {
    for (const key of ['', 'k', 'keys', 'a key of more than four bytes']) {
      const block = buildBlock([put(key)]);
      const index = new ImageIndex().read(block);
      expectExact(index, block);
      expect([index.entries, index.prefixLength, index.words[0]]).toEqual([1, key.length, 0]);
    }
  });

  test('versions of one key share parts of their trailers, which no word has a byte of', () => {
    // All of the kind and of the low bytes, which come first.
    const numbers = [0x3_0061_6263, 0x2_0061_6263, 0x1_0061_6263, 0x61_6263, 256, 1];
    for (const key of ['', 'k', 'key', 'keys!']) {
      expectOf(numbers.map((sequence) => put(key, sequence)));
      expectOf([...numbers.map((sequence) => put(key, sequence)), put(`${key}z`, 7)]);
      expectOf([put(key, 9), ...numbers.map((sequence) => put(`${key}\0`, sequence))]);
    }
  });

  test('a key that begins with the one before shares of its trailer what looks the same', () => {
    // The trailer of a put begins with 0x01, and of #256 goes on 0x00 0x01.
    expectOf([put('k', 256), put('k\x01', 3), put('k\x01\0\x01', 3), put('k\x01\0\x01\0\0\0\0\0z', 3)]);
    expectOf([put('', 256), put('\x01', 1), put('\x01\x01\0\0', 1), put('\x01\x01\0\0\0\0\0\0\0', 1)]);
    expectOf(['k', 'k\0', 'k\0\0', 'k\0\0\0\0', 'k\0\0\0\0\0\0\0\0\0', 'ka'].map((key) => put(key, 1)));
  });

  test('keys that end within the word, or before it', () => {
    expectOf(['', 'a', 'ab', 'abc', 'abcd', 'abcde', 'b'].map((key) => put(key)));
    expectOf(['same', 'same1', 'same12', 'same123', 'same1234', 'same12345', 'same2'].map((key) => put(key)));
  });

  test('lengths of two bytes and more', () => {
    const long = 'p'.repeat(150);
    expectOf([put(long, 1, 'v'.repeat(200)), put(`${long}1`), put(`${long}2`, 1, 'v'.repeat(20_000))]);
    expectOf([put('a'), put(`b${'x'.repeat(20_000)}`), put(`b${'x'.repeat(20_000)}y`), put('c')]);
    expectOf([put('a', 1, 'v'.repeat(127)), put('b', 1, 'v'.repeat(128)), put('c', 1, '')]);
  });

  test('words are unsigned, and ascend over the highest bit', () => {
    const block = buildBlock(
      ['\0', '\x7f\xff\xff\xff', '\x80', '\xff\xff\xff\xff\xff'].map((key) => put(key)),
    );
    const index = new ImageIndex().read(block);
    expectExact(index, block);
    expect(firstOf(index.words, index)).toEqual([0, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff]);
  });

  test('a word holds of a prefix of more than four bytes the first four', () => {
    const index = new ImageIndex().read(buildBlock([put('user:1'), put('user:2')]));
    expect([index.prefixLength, index.prefixWord]).toEqual([5, wordAt(bytes('user'), 0, 4)]);
  });
});

/** A block whose entries share as many bytes as is said of each, and restart points where that is 0. */
function handmadeBlock(pairs: readonly (readonly [entry: BlockEntry, shared: number])[]): Block {
  const contents: number[] = [];
  const restarts: number[] = [];
  for (const [{ key, sequence, kind, value }, shared] of pairs) {
    if (shared === 0) restarts.push(contents.length);
    const suffix = makeInternalKey(key, sequence, kind).subarray(shared);
    for (const length of [shared, suffix.length, value.length]) {
      const header = new Uint8Array(5);
      contents.push(...header.subarray(0, encodeVarint32(header, 0, length)));
    }
    contents.push(...suffix, ...value);
  }
  const tail = Uint32Array.of(...restarts, restarts.length);
  return new Block(Uint8Array.of(...contents, ...new Uint8Array(tail.buffer)), '000007.ldb', 0);
}

test('of a block whose writer shared less than it could, and made restart points where it liked', () => {
  const block = handmadeBlock([
    [put('user:1000'), 0],
    [put('user:1001'), 2],
    [put('user:1002'), 8],
    [put('user:2000'), 0],
    [put('user:2001'), 3],
    [put('user:2002'), 7],
  ]);
  const index = new ImageIndex().read(block);
  expectSound(index, block, '');
  expect(index.prefixLength).toBe(3);
});
