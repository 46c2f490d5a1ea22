import { describe, expect, test } from 'vitest';
import { MAX_SEQUENCE } from '../base/limits.ts';
import { Prng } from '../base/prng.ts';
import { decodeVarint32 } from '../bytes/varint.ts';
import { WORD_BYTES, wordAt } from '../bytes/word.ts';
import {
  type BlockEntry,
  buildBlock,
  bytes,
  compareEntries,
  hex,
  randomEntries,
  randomTarget,
  SEED,
} from './block.test-support.ts';
import type { Block } from './block.ts';
import { ImageAnswer, imageIndexWords, imageIndexWordsAt, searchImage, writeImage } from './block-image.ts';
import { matchedKind, matchedSequence, matchedValueEnd, matchedValueStart } from './entry-match.ts';
import { ImageIndex } from './image-index.ts';

const put = (key: string, sequence = 1, value = 'v'): BlockEntry => ({
  key: bytes(key),
  sequence,
  kind: 1,
  value: bytes(value),
});

const NOISE_WORDS = 100;

/** Memory of which an image takes [at, end), in words; what is around it is noise. */
class ImageMemory {
  readonly words: Int32Array<SharedArrayBuffer>;
  readonly bytes: Uint8Array<SharedArrayBuffer>;
  readonly at: number;
  readonly end: number;

  constructor(block: Block, index: ImageIndex | undefined, at: number, prng = new Prng(SEED)) {
    this.at = at;
    this.end = at + imageIndexWords(index) + Math.ceil(block.contents.length / WORD_BYTES);
    const memory = new SharedArrayBuffer((this.end + NOISE_WORDS) * WORD_BYTES);
    this.words = new Int32Array(memory);
    this.bytes = new Uint8Array(memory);
    for (let word = 0; word < this.words.length; word++) this.words[word] = prng.nextU32();
    writeImage(this.words, this.bytes, at, block.contents, index);
  }

  search(key: Uint8Array, sequence: number): ImageAnswer {
    // Not at the start of its bytes, as keys of callers need not be.
    const given = Uint8Array.of(7, 7, 7, ...key, 7);
    const { words, bytes: memory, at, end } = this;
    return searchImage(words, memory, at, end, given, 3, 3 + key.length, sequence);
  }

  /** The answer as text, with what was found. */
  find(key: Uint8Array, sequence: number): string {
    switch (this.search(key, sequence)) {
      case ImageAnswer.None:
        return 'none';
      case ImageAnswer.Behind:
        return 'behind';
      case ImageAnswer.Undecided:
        return 'undecided';
      default:
        return `${matchedSequence} ${matchedKind} ${hex(this.bytes.slice(matchedValueStart, matchedValueEnd))}`;
    }
  }
}

/** What a search of the entries in order finds, as `find` says it. */
function expected(entries: readonly BlockEntry[], key: Uint8Array, sequence: number): string {
  const target = { key, sequence, kind: 1, value: bytes('') };
  const entry = entries.find((one) => compareEntries(one, target) >= 0);
  if (entry === undefined) return 'behind';
  return hex(entry.key) === hex(key) ? `${entry.sequence} ${entry.kind} ${hex(entry.value)}` : 'none';
}

/** Whether the index may leave it open what becomes of a key, of which `answer` is known otherwise. */
function mayBeUndecided(
  entries: readonly BlockEntry[],
  { contents, restartsOffset }: Block,
  { prefixLength, offsets }: ImageIndex,
  key: Uint8Array,
  answer: string,
): boolean {
  const startOf = (one: Uint8Array): string =>
    hex(one.subarray(0, prefixLength)) + wordAt(one, prefixLength, one.length);
  const places = entries.flatMap((entry, place) => (startOf(entry.key) === startOf(key) ? [place] : []));
  if (places.length !== 1) return places.length > 1;
  const [place] = places;
  const shared = decodeVarint32(contents, offsets[place!]!, restartsOffset);
  if (shared > Math.min(key.length, prefixLength + WORD_BYTES)) return true;
  return place === entries.length - 1 && (answer === 'none' || answer === 'behind');
}

/** Asks for each key at each sequence number, in images with several restart intervals, and all has to be decided. */
function expectDecided(entries: readonly BlockEntry[], keys: readonly string[], sequences = [9]): void {
  for (const interval of [1, 2, 16]) {
    const block = buildBlock(entries, interval);
    const image = new ImageMemory(block, new ImageIndex().read(block), 5);
    for (const key of keys.map(bytes)) {
      for (const sequence of sequences) {
        const why = `interval ${interval} ${hex(key)}#${sequence}`;
        expect(image.find(key, sequence), why).toBe(expected(entries, key, sequence));
      }
    }
  }
}

const textOf = ({ key }: BlockEntry): string => Buffer.from(key).toString('latin1');

describe('a search in the image of a block', () => {
  test(`says what a search in order says, or that it is undecided where it may be (SEED=${SEED})`, () => {
    const prng = new Prng(SEED);
    const index = new ImageIndex();
    let searches = 0;
    let decided = 0;
    const seen = { found: 0, none: 0, behind: 0 };
    for (let round = 0; round < 500; round++) {
      const prefix = new Uint8Array(prng.oneIn(2) ? 0 : prng.below(8)).fill(0x61 + prng.below(2));
      const entries = randomEntries(prng, 1 + prng.below(60)).map((entry) => ({
        ...entry,
        key: Uint8Array.of(...prefix, ...entry.key),
      }));
      const block = buildBlock(entries, 1 + prng.below(17));
      index.read(block);
      const image = new ImageMemory(block, index, prng.below(40), prng);
      for (let i = 0; i < 60; i++) {
        const { key: near, sequence } = randomTarget(prng, entries);
        const key = near.slice();
        // In what all keys begin with, among others.
        if (key.length > 0 && prng.oneIn(4)) key[prng.below(key.length)]! += 1 - 2 * prng.below(2);
        const answer = image.find(key, sequence);
        const wanted = expected(entries, key, sequence);
        const why = `SEED=${SEED} round ${round} search ${i} ${hex(key)}#${sequence}`;
        searches++;
        if (answer === 'undecided') {
          expect(mayBeUndecided(entries, block, index, key, wanted), why).toBe(true);
        } else {
          expect(answer, why).toBe(wanted);
          decided++;
          seen[answer === 'none' || answer === 'behind' ? answer : 'found']++;
        }
      }
    }
    // Half of the keys have several versions.
    expect(decided).toBeGreaterThan(searches / 2);
    for (const count of Object.values(seen)) expect(count).toBeGreaterThan(100);
  });

  test(`decides every key of its block, and those between, where no two have a word (SEED=${SEED})`, () => {
    const prng = new Prng(SEED);
    for (let round = 0; round < 50; round++) {
      const prefix = 'user:'.repeat(prng.below(3));
      const numbers = Array.from({ length: 1 + prng.below(200) }, () => prng.below(10_000));
      const entries = [...new Set(numbers)].map((number) =>
        put(prefix + String(number).padStart(4, '0'), 1 + prng.below(8), `value of ${number}`),
      );
      entries.sort(compareEntries);
      const between = entries.slice(0, -1).map((entry) => `${textOf(entry)}+`);
      expectDecided(entries, [...entries.map(textOf), ...between, '', 'a', 'v', `${prefix}A`]);
    }
  });

  test('is undecided of a block without an index, also where there was one before it', () => {
    const block = buildBlock([put('a'), put('b'), put('c')]);
    const image = new ImageMemory(block, new ImageIndex().read(block), 3);
    expect(image.find(bytes('b'), 9)).toBe('1 1 76');
    writeImage(image.words, image.bytes, 3, block.contents, undefined);
    for (const key of ['', 'a', 'b', 'c', 'd']) expect(image.find(bytes(key), 9)).toBe('undecided');
  });

  test('of versions beside others, and of one alone', () => {
    const entries = [put('a', 5), put('k', 8), put('k', 3), put('z', 7)];
    const block = buildBlock(entries);
    const image = new ImageMemory(block, new ImageIndex().read(block), 0);
    const found = (key: string, sequence: number): string => image.find(bytes(key), sequence);
    expect([found('a', 5), found('a', 9)]).toEqual(['5 1 76', '5 1 76']);
    expect(found('a', 4), 'the next entry is one of another key').toBe('none');
    expect([found('k', 9), found('k', 1)], 'several').toEqual(['undecided', 'undecided']);
    expect(found('z', 7)).toBe('7 1 76');
    expect(found('z', 6), 'behind, or not: the last entry').toBe('undecided');
    expect(found('zz', 6)).toBe('behind');
  });

  test('of tombstones, and of sequence numbers of all sizes', () => {
    const numbers = [0, 1, 255, 256, 2 ** 24, 2 ** 32, Number.MAX_SAFE_INTEGER];
    const entries = numbers.map((sequence, i) => ({ ...put(`k${i}`, sequence), kind: i % 2 }));
    expectDecided(entries, entries.map(textOf), [Number.MAX_SAFE_INTEGER]);
    expectDecided(
      [...entries, put('l')],
      entries.map(textOf),
      [-1, 0, 1].flatMap((by) => numbers.map((one) => one + by)).filter((one) => one >= 0),
    );
  });

  test('of keys that begin alike: in short, in more bytes than a word holds, and with all they have', () => {
    const probes = [
      '',
      'u',
      'user:1',
      'user:1000',
      'user:1001',
      'user:1002',
      'user:9',
      'user:0001',
      'user:2001',
      'v',
    ];
    expectDecided([put('user:1000'), put('user:1001'), put('user:1003')], probes);
    expectDecided([put('u1'), put('u2'), put('u3')], ['', 'u', 'u0', 'u1', 'u11', 'u4', 't', 'v']);
    expectDecided(
      ['uuuu1', 'uuuu2'].map((key) => put(key)),
      ['uuu', 'uuuu', 'uuuu1', 'uuu\xff', 'uuut', 'uuuv'],
    );
    expectDecided([put('user:1000')], ['user:1', 'user:1000', 'user:0', 'v', '']);
    expectDecided([put('')], ['']);
  });

  test('of a prefix and words over the highest bit', () => {
    expectDecided(
      ['\xff\xff\xff\xff\0', '\xff\xff\xff\xff\x7f', '\xff\xff\xff\xff\x80'].map((key) => put(key)),
      [
        '',
        '\xff\xff\xff\xff',
        '\xff\xff\xff\xff\0',
        '\xff\xff\xff\xff\x7f',
        '\xff\xff\xff\xff\x80',
        '\xff\xff\xff\xfe',
      ],
    );
    expectDecided(
      ['\0', '\x7f', '\x80', '\xff'].map((key) => put(key)),
      ['\0', '\x40', '\x7f', '\x80', '\x90', '\xff'],
    );
  });

  test('of keys and values that are longer than a byte says', () => {
    const long = 'p'.repeat(300);
    const entries = [
      put(`${long}1`, 1, 'a'.repeat(300)),
      put(`${long}2`, 1, ''),
      put(`${long}3`, 1, 'b'.repeat(70_000)),
    ];
    expectDecided(entries, [long, `${long}1`, `${long}2`, `${long}3`, `${long}4`, `${long}15`]);
  });

  test('of an entry that shares of the one before what nobody knows to be of the key', () => {
    // Of '' it shares the whole trailer, behind the word too.
    const entries = [put('', 0x6161_6161), put('\x01aaaa\0\0\0z', 3), put('b')];
    const block = buildBlock(entries);
    const image = new ImageMemory(block, new ImageIndex().read(block), 2);
    expect(image.find(bytes('\x01aaaa\0\0\0z'), 9)).toBe('undecided');
    expect(image.find(bytes('\x01aab'), 9)).toBe('none');
    // And of its own trailer, which is not whole then.
    const cut = buildBlock([put('k', 1), put('k\x01', 3), put('l')]);
    const other = new ImageMemory(cut, new ImageIndex().read(cut), 2);
    expect(other.find(bytes('k\x01'), 9)).toBe('undecided');
    expect(other.find(bytes('l'), 9)).toBe('1 1 76');
  });
});

test('the size of an image follows from its index, and from its words', () => {
  for (const count of [1, 2, 100]) {
    const block = buildBlock(Array.from({ length: count }, (_, i) => put(`key-${1000 + i}`)));
    const index = new ImageIndex().read(block);
    expect(imageIndexWords(index)).toBe(imageIndexWords(undefined) + 2 * count);
    for (const one of [index, undefined]) {
      const image = new ImageMemory(block, one, 9);
      expect(imageIndexWordsAt(image.words, 9)).toBe(imageIndexWords(one));
      const start = (9 + imageIndexWords(one)) * WORD_BYTES;
      expect(hex(image.bytes.slice(start, start + block.contents.length))).toBe(hex(block.contents));
    }
  }
});

/** What is found lies in the image. */
function expectInside(image: ImageMemory, answer: ImageAnswer, why: string): void {
  expect(Object.values(ImageAnswer), why).toContain(answer);
  if (answer !== ImageAnswer.Found) return;
  expect(matchedValueStart, why).toBeGreaterThanOrEqual(image.at * WORD_BYTES);
  expect(matchedValueEnd, why).toBeGreaterThanOrEqual(matchedValueStart);
  expect(matchedValueEnd, why).toBeLessThanOrEqual(image.end * WORD_BYTES);
}

const EXTREME = [0, 1, -1, 2, -2, 3, -4, 7, -8, 64, 1000, -1000, 2 ** 20, 2 ** 30, 2 ** 31 - 1, -(2 ** 31)];

/** An image of a random block, and keys to look for in it. */
function randomImage(prng: Prng): { readonly image: ImageMemory; readonly entries: readonly BlockEntry[] } {
  const prefix = new Uint8Array(prng.below(7)).fill(0x61);
  const entries = randomEntries(prng, 1 + prng.below(20)).map((entry) => ({
    ...entry,
    key: Uint8Array.of(...prefix, ...entry.key),
  }));
  const block = buildBlock(entries, 1 + prng.below(17));
  return { image: new ImageMemory(block, new ImageIndex().read(block), prng.below(20), prng), entries };
}

describe('an image whose bytes are being overwritten', () => {
  test(`is searched to an end, and what is found lies in it, whatever the words are (SEED=${SEED})`, () => {
    const prng = new Prng(SEED);
    let found = 0;
    for (let round = 0; round < 2000; round++) {
      const { image, entries } = randomImage(prng);
      const { words, bytes: memory, at, end } = image;
      const scribbles = prng.oneIn(10) ? end - at : 1 + prng.below(4);
      // Of one or two numbers in the header most often: others say what is read at all.
      const isHeader = prng.oneIn(2);
      for (let i = 0; i < scribbles; i++) {
        const word = at + prng.below(isHeader ? 6 : end - at);
        const kind = prng.below(4);
        if (kind < 2) words[word] = EXTREME[prng.below(EXTREME.length)]!;
        else if (kind === 2) words[word] = prng.below(prng.oneIn(2) ? 2 ** 32 : 100);
        else memory[word * WORD_BYTES + prng.below(WORD_BYTES)] = prng.oneIn(2) ? 0xff : prng.below(256);
      }
      for (let i = 0; i < 20; i++) {
        const { key, sequence } = randomTarget(prng, entries);
        const answer = image.search(key, sequence);
        expectInside(image, answer, `SEED=${SEED} round ${round} search ${i}`);
        if (answer === ImageAnswer.Found) found++;
      }
    }
    expect(found).toBeGreaterThan(2000);
  });

  test(`is searched to an end, and what is found lies in it, also where bytes change between two reads (SEED=${SEED})`, () => {
    const prng = new Prng(SEED);
    let found = 0;
    for (let round = 0; round < 2000; round++) {
      const { image, entries } = randomImage(prng);
      const { words, bytes: memory, at, end } = image;
      /** One read in so many gives something else than the memory holds. */
      const rate = [3, 20, 100][prng.below(3)]!;
      const changing = <T extends Int32Array | Uint8Array>(array: T, other: () => number): T =>
        new Proxy(array, {
          get(target, name): unknown {
            const read: unknown = Reflect.get(target, name, target);
            return typeof read === 'number' && prng.oneIn(rate) ? other() : read;
          },
        });
      const word = (): number => (prng.oneIn(2) ? EXTREME[prng.below(EXTREME.length)]! : prng.nextU32() | 0);
      const byte = (): number => (prng.oneIn(2) ? 0xff : prng.below(256));
      const changingWords = changing(words, word);
      const changingBytes = changing(memory, byte);
      for (let i = 0; i < 10; i++) {
        const { key, sequence } = randomTarget(prng, entries);
        const answer = searchImage(changingWords, changingBytes, at, end, key, 0, key.length, sequence);
        expectInside(image, answer, `SEED=${SEED} round ${round} search ${i}`);
        if (answer === ImageAnswer.Found) found++;
      }
    }
    expect(found).toBeGreaterThan(1000);
  });

  test('has no value that ends before it begins', () => {
    const key = '\xff'.repeat(8);
    const block = buildBlock([put('a'), put(key)]);
    const index = new ImageIndex().read(block);
    const image = new ImageMemory(block, index, 6);
    expect(image.find(bytes(key), MAX_SEQUENCE)).toBe('1 1 76');
    // The length of the value goes on in the key then, and on, and the key seems to begin where it does.
    image.bytes[(6 + imageIndexWords(index)) * WORD_BYTES + index.offsets[1]! + 2] = 0xff;
    expect(image.search(bytes(key), MAX_SEQUENCE)).toBe(ImageAnswer.Undecided);
  });

  test('has nothing in front of its contents, nor behind their entries', () => {
    const entries = [put('key-1'), put('key-2'), put('key-3')];
    const block = buildBlock(entries);
    const index = new ImageIndex().read(block);
    // The same block before it and behind it, where other offsets lead.
    const image = new ImageMemory(block, index, 100);
    const { words, bytes: memory, at, end } = image;
    const contentBytes = block.contents.length;
    const start = (at + imageIndexWords(index)) * WORD_BYTES;
    memory.set(block.contents, 0);
    memory.set(block.contents, start + index.entriesEnd);
    const offsets = at + imageIndexWords(index) - index.entries;
    const [own] = words.slice(offsets + 1, offsets + 2);
    expect(image.find(bytes('key-2'), 9)).toBe('1 1 76');
    for (const by of [-start, index.entriesEnd, -contentBytes, 2 ** 30, -(2 ** 31)]) {
      words[offsets + 1] = own! + by;
      expect(image.search(bytes('key-2'), 9), `${by}`).toBe(ImageAnswer.Undecided);
    }
    words[offsets + 1] = own!;
    expect(searchImage(words, memory, at, end, bytes('key-2'), 0, 5, 9)).toBe(ImageAnswer.Found);
  });

  test('and which ends before its entries do has none', () => {
    const entries = [put('a', 1, 'first'), put('b', 1, 'second')];
    const block = buildBlock(entries);
    const image = new ImageMemory(block, new ImageIndex().read(block), 4);
    const { words, bytes: memory, at, end } = image;
    const search = (limit: number): ImageAnswer => searchImage(words, memory, at, limit, bytes('b'), 0, 1, 9);
    expect(search(end)).toBe(ImageAnswer.Found);
    for (let limit = at; limit * WORD_BYTES < matchedValueEnd; limit++)
      expect(search(limit)).toBe(ImageAnswer.Undecided);
  });
});
