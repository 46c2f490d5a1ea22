import { describe, expect, test } from 'vitest';
import { ErrorCode, hasCode, isEngineError } from '../base/errors.ts';
import { MAX_SEQUENCE } from '../base/limits.ts';
import { Prng } from '../base/prng.ts';
import { writeU32LE } from '../bytes/endian.ts';
import { ValueKind } from '../key/value-kind.ts';
import {
  type BlockEntry,
  buildBlock,
  buildContents,
  bytes,
  compareEntries,
  currentLine,
  fromHex,
  hex,
  lineOf,
  randomEntries,
  randomTarget,
  SEED,
} from './block.test-support.ts';
import { Block } from './block.ts';
import { BlockIterator } from './block-iterator.ts';

const { Put } = ValueKind;
const KIND_OF_SEEK = 1;

const blockOf = (text: string): Block => new Block(fromHex(text), '000007.ldb', 4096);

function iteratorOver(block: Block): BlockIterator {
  const iterator = new BlockIterator();
  iterator.attach(block);
  return iterator;
}

function errorOf(action: () => unknown): unknown {
  try {
    action();
  } catch (error) {
    return error;
  }
  return undefined;
}

/** Index of the first entry at or after (key, sequence). */
function lowerBound(entries: readonly BlockEntry[], key: Uint8Array, sequence: number): number {
  const target = { key, sequence, kind: KIND_OF_SEEK, value: bytes('') };
  const index = entries.findIndex((entry) => compareEntries(entry, target) >= 0);
  return index < 0 ? entries.length : index;
}

describe('block iterator', () => {
  test(`moves as a sorted array does (SEED=${SEED})`, () => {
    const prng = new Prng(SEED);
    const iterator = new BlockIterator();
    for (let round = 0; round < 150; round++) {
      const entries = randomEntries(prng, 1 + prng.below(60));
      iterator.attach(buildBlock(entries, 1 + prng.below(17)));
      const lineAt = (index: number): string =>
        entries[index] === undefined ? 'none' : lineOf(entries[index]);
      let at = -1;
      for (let step = 0; step < 80; step++) {
        const { key, sequence } = randomTarget(prng, entries);
        const move = prng.below(iterator.valid ? 6 : 4);
        if (move === 0) {
          iterator.first();
          at = 0;
        } else if (move === 1) {
          iterator.last();
          at = entries.length - 1;
        } else if (move === 2) {
          iterator.seek(key, 0, key.length, sequence);
          at = lowerBound(entries, key, sequence);
        } else if (move === 3) {
          iterator.seekBefore(key, 0, key.length, sequence);
          at = lowerBound(entries, key, sequence) - 1;
        } else if (move === 4) {
          iterator.next();
          at++;
        } else {
          iterator.prev();
          at--;
        }
        const label = `round ${round} step ${step} move ${move} target ${hex(key)}#${sequence}`;
        expect(currentLine(iterator), label).toBe(lineAt(at));
      }
    }
  });

  test('a key among versions of its prefix is found, trailers looking like keys or not', () => {
    // 'a' at sequence 0x6261 has the trailer bytes 01 'a' 'b' ...: what follows shares them.
    const entries = [
      { key: bytes('a'), sequence: 0x6261, kind: Put, value: bytes('1') },
      { key: bytes('a'), sequence: 0x61, kind: Put, value: bytes('2') },
      { key: bytes('a\x01a'), sequence: 7, kind: Put, value: bytes('3') },
      { key: bytes('a\x01ab'), sequence: 7, kind: Put, value: bytes('4') },
    ];
    const iterator = iteratorOver(buildBlock(entries));
    for (const entry of entries) {
      iterator.seek(entry.key, 0, entry.key.length, entry.sequence);
      expect(currentLine(iterator)).toBe(lineOf(entry));
    }
  });

  test.each([
    { id: 'more entries than are remembered', count: 300, keyBytes: 10 },
    { id: 'more bytes of keys than are remembered', count: 100, keyBytes: 3_000 },
    { id: 'keys that are each too long to remember two', count: 5, keyBytes: 100_000 },
  ])('a run of $id reads backwards as it does forwards', ({ count, keyBytes }) => {
    const entries = Array.from({ length: count }, (_, i) => {
      const key = new Uint8Array(keyBytes).fill(0x6b);
      writeU32LE(key, keyBytes - 4, ((i >>> 8) << 24) | ((i & 0xff) << 16));
      return { key: Uint8Array.from(key.toReversed()), sequence: 1, kind: Put, value: bytes(`${i}`) };
    });
    entries.sort(compareEntries);
    const iterator = iteratorOver(buildBlock(entries, 1_000));
    const lines: string[] = [];
    for (iterator.last(); iterator.valid; iterator.prev()) lines.push(currentLine(iterator));
    expect(lines).toEqual(entries.map(lineOf).reverse());
  });

  test('an empty block has no entry to move to', () => {
    const iterator = iteratorOver(buildBlock([]));
    iterator.first();
    expect(iterator.valid).toBe(false);
    iterator.last();
    expect(iterator.valid).toBe(false);
    iterator.seek(bytes('a'), 0, 1, 1);
    expect(iterator.valid).toBe(false);
    iterator.seekBefore(bytes('a'), 0, 1, 1);
    expect(iterator.valid).toBe(false);
  });

  test('the empty key and MAX_SEQUENCE are ordinary', () => {
    const entry = { key: bytes(''), sequence: MAX_SEQUENCE, kind: Put, value: bytes('v') };
    const iterator = iteratorOver(buildBlock([entry]));
    iterator.seek(bytes(''), 0, 0, MAX_SEQUENCE);
    expect(currentLine(iterator)).toBe(lineOf(entry));
  });
});

describe('damaged blocks', () => {
  test.each([
    { id: 'too short for a restart point', text: '01000000' },
    { id: 'no restart point', text: '00000000 00000000' },
    { id: 'more restart points than bytes', text: '00000000 02000000' },
    { id: 'a restart count beyond 31 bits', text: '00000000 ffffffff' },
    { id: 'a first restart point that is not 0', text: '00 09 00 61 0105000000000000 01000000 01000000' },
    {
      id: 'a restart point behind the entries',
      text: '00 09 00 61 0105000000000000 00000000 0c000000 02000000',
    },
    { id: 'restart points that descend', text: '00 09 00 61 0105000000000000 00000000 00000000 02000000' },
    { id: 'an empty block with two restart points', text: '00000000 00000000 02000000' },
  ])('$id: refused before any entry is read', ({ text }) => {
    const error = errorOf(() => blockOf(text));
    expect(error).toMatchObject({ code: ErrorCode.Corruption, file: '000007.ldb', offset: 4096 });
  });

  const RESTART = '00000000 01000000';
  test.each([
    { id: 'shares more than the key before has', text: `01 08 00 0105000000000000 ${RESTART}` },
    { id: 'a key beyond the block', text: `00 20 00 61 0105000000000000 ${RESTART}` },
    { id: 'a value beyond the block', text: `00 09 01 61 0105000000000000 ${RESTART}` },
    { id: 'lengths that overflow together', text: `00 ffffffff0f ffffffff0f 61 ${RESTART}` },
    { id: 'a length of more than 32 bits', text: `00 ffffffff1f 00 61 ${RESTART}` },
    { id: 'a length that is cut off', text: `00 09 80 ${RESTART}` },
    { id: 'a header that is cut off', text: `00 09 ${RESTART}` },
    { id: 'a key shorter than a trailer', text: `00 07 00 01050000000000 ${RESTART}` },
  ])('an entry with $id is an error to every move', ({ text }) => {
    const moves: readonly ((iterator: BlockIterator) => void)[] = [
      (iterator) => iterator.first(),
      (iterator) => iterator.last(),
      (iterator) => iterator.seek(bytes('a'), 0, 1, 5),
      (iterator) => iterator.seek(bytes('b'), 0, 1, 5),
      (iterator) => iterator.seekBefore(bytes('b'), 0, 1, 5),
    ];
    moves.forEach((move, i) => {
      const iterator = iteratorOver(blockOf(text));
      const error = errorOf(() => move(iterator));
      expect(error, `move ${i}`).toMatchObject({
        code: ErrorCode.Corruption,
        file: '000007.ldb',
        offset: 4096,
      });
      expect(iterator.valid, `move ${i}`).toBe(false);
    });
  });

  test('an entry of unknown kind is an error to every move that ends there', () => {
    for (const kind of ['02', 'ff']) {
      const iterator = iteratorOver(blockOf(`00 09 00 61 ${kind}05000000000000 ${RESTART}`));
      for (const move of [
        () => iterator.first(),
        () => iterator.last(),
        () => iterator.seek(bytes('a'), 0, 1, 5),
      ]) {
        expect(errorOf(move)).toMatchObject({
          code: ErrorCode.Corruption,
          message: expect.stringContaining('unknown kind'),
        });
      }
    }
  });

  test('a search does not pass over an entry that shares more than there was', () => {
    // 'a' is before 'b' in a byte that the second entry claims to share, among 20 bytes that do not exist.
    const iterator = iteratorOver(
      blockOf(`00 09 00 61 0105000000000000 14 08 00 0104000000000000 ${RESTART}`),
    );
    expect(errorOf(() => iterator.seek(bytes('b'), 0, 1, 5))).toMatchObject({ code: ErrorCode.Corruption });
  });

  test('a sequence number above 2^53 - 1 is an error of its own', () => {
    const iterator = iteratorOver(blockOf(`00 09 00 61 01 00000000000020 ${RESTART}`));
    expect(
      hasCode(
        errorOf(() => iterator.first()),
        ErrorCode.NotSupported,
      ),
    ).toBe(true);
    expect(iterator.valid).toBe(false);
  });

  test('a restart point that shares a key is an error to a search', () => {
    const entries = ['a', 'b', 'c', 'd'].map((key) => ({
      key: bytes(key),
      sequence: 1,
      kind: Put,
      value: bytes(''),
    }));
    const contents = buildContents(entries, 2);
    contents[24] = 1;
    const iterator = iteratorOver(new Block(contents, '000007.ldb', 0));
    expect(
      hasCode(
        errorOf(() => iterator.seek(bytes('d'), 0, 1, 1)),
        ErrorCode.Corruption,
      ),
    ).toBe(true);
  });

  test(`whatever the bytes, a move ends, at an entry or with a typed error (SEED=${SEED})`, () => {
    const prng = new Prng(SEED);
    let refused = 0;
    for (let round = 0; round < 4_000; round++) {
      const entries = randomEntries(prng, 1 + prng.below(20));
      const contents = buildContents(entries, 1 + prng.below(6));
      for (let flips = 1 + prng.below(3); flips > 0; flips--)
        contents[prng.below(contents.length)] = prng.below(256);
      if (prng.oneIn(4)) writeU32LE(contents, contents.length - 4, prng.below(8));
      const { key, sequence } = randomTarget(prng, entries);
      try {
        const iterator = iteratorOver(new Block(contents, '000007.ldb', 0));
        iterator.seek(key, 0, key.length, sequence);
        iterator.seekBefore(key, 0, key.length, sequence);
        let moves = 0;
        for (iterator.first(); iterator.valid; iterator.next()) moves++;
        for (iterator.last(); iterator.valid; iterator.prev()) moves++;
        // An entry takes three bytes at least.
        expect(moves, `round ${round}`).toBeLessThanOrEqual((2 * contents.length) / 3);
      } catch (error) {
        if (!isEngineError(error)) throw error;
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(1_000);
  });
});
