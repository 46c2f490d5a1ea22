import { Prng } from '@arena-level/common/base/prng';
import { readTrailerSequence, TRAILER_BYTES } from '@arena-level/common/key/internal-key';
import { describe, expect, test } from 'vitest';
import type { TableMetadata } from '../manifest/table-metadata.ts';
import { adding, levelsOf, table } from './table.test-support.ts';
import { EMPTY_LEVELS, Version } from './version.ts';

const SEED = Number(process.env['SEED'] ?? 20_251_122);
const LATEST = Number.MAX_SAFE_INTEGER;
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const numbers = (tables: readonly TableMetadata[]): number[] => tables.map(({ number }) => number);

function lookUp(version: Version, key: string, sequence: number = LATEST): number[] {
  const into: TableMetadata[] = [];
  const count = version.tablesFor(bytes(key), 0, key.length, sequence, into);
  return numbers(into.slice(0, count));
}

const VERSION = new Version(
  1,
  levelsOf(
    adding({
      0: [table(10, 'c', 'm'), table(12, 'k', 'z'), table(11, 'a', 'b')],
      1: [table(5, 'a', 'f'), table(6, 'h', 'm'), table(7, 'n', 'n')],
      2: [table(2, 'e', 'j')],
    }),
  ),
);

describe('Version.tablesFor', () => {
  test.each([
    { key: 'l', tables: [12, 10, 6] },
    { key: 'a', tables: [11, 5] },
    { key: 'f', tables: [10, 5, 2] },
    { key: 'g', tables: [10, 2] },
    { key: 'n', tables: [12, 7] },
    { key: 'z', tables: [12] },
    { key: 'zz', tables: [] },
    { key: '', tables: [] },
  ])('asks $tables for $key: level 0 newest first, then one per level', ({ key, tables }) => {
    expect(lookUp(VERSION, key)).toEqual(tables);
  });

  test('finds the table that can hold the version asked for where two tables share a user key', () => {
    const version = new Version(
      1,
      levelsOf(adding({ 1: [table(5, 'a', 'k#30'), table(6, 'k#20', 'k#10'), table(7, 'k#5', 'z')] })),
    );
    expect(lookUp(version, 'k')).toEqual([5]);
    expect(lookUp(version, 'k', 30)).toEqual([5]);
    expect(lookUp(version, 'k', 29)).toEqual([6]);
    expect(lookUp(version, 'k', 10)).toEqual([6]);
    expect(lookUp(version, 'k', 9)).toEqual([7]);
    expect(lookUp(version, 'k', 1)).toEqual([7]);
  });

  test('reads the key from the middle of a buffer, and leaves what is behind its count alone', () => {
    const into = [table(99, 'x', 'x'), table(98, 'x', 'x'), table(97, 'x', 'x')];
    expect(VERSION.tablesFor(bytes('..n..'), 2, 3, LATEST, into)).toBe(2);
    expect(numbers(into)).toEqual([12, 7, 97]);
  });

  test('is empty for a version without tables', () => {
    expect(lookUp(new Version(1, EMPTY_LEVELS), 'a')).toEqual([]);
  });

  test(`agrees with a look at every table (seed ${SEED})`, () => {
    const prng = new Prng(SEED);
    for (let round = 0; round < 200; round++) {
      const version = randomVersion(prng);
      for (let i = 0; i < 30; i++) {
        const key = randomKey(prng);
        const sequence = 1 + prng.below(12);
        expect(lookUp(version, key, sequence), `round ${round}, ${key}#${sequence}`).toEqual(
          slowLookUp(version, key, sequence),
        );
      }
    }
  });
});

describe('Version.overlapping', () => {
  test.each([
    { level: 1, begin: 'f', end: 'h', tables: [5, 6] },
    { level: 1, begin: 'g', end: 'g', tables: [] },
    { level: 1, begin: undefined, end: 'g', tables: [5] },
    { level: 1, begin: 'g', end: undefined, tables: [6, 7] },
    { level: 1, begin: undefined, end: undefined, tables: [5, 6, 7] },
    { level: 1, begin: 'o', end: 'zz', tables: [] },
    { level: 3, begin: undefined, end: undefined, tables: [] },
    { level: 0, begin: 'zz', end: undefined, tables: [] },
  ])('of level $level from $begin to $end is $tables', ({ level, begin, end, tables }) => {
    const from = begin === undefined ? undefined : bytes(begin);
    const to = end === undefined ? undefined : bytes(end);
    expect(numbers(VERSION.overlapping(level, from, to))).toEqual(tables);
    expect(VERSION.overlaps(level, from, to)).toBe(tables.length > 0);
  });

  test('grows in level 0 over every table it meets', () => {
    expect(numbers(VERSION.overlapping(0, bytes('y'), bytes('y')))).toEqual([12, 10]);
    expect(numbers(VERSION.overlapping(0, bytes('a'), bytes('a')))).toEqual([11]);
    expect(numbers(VERSION.overlapping(0, bytes('b'), bytes('c')))).toEqual([12, 11, 10]);
  });
});

describe('Version', () => {
  test('knows how much it holds', () => {
    expect(VERSION.tableCount).toBe(7);
    expect(VERSION.levelBytes(1)).toBe(1005 + 1006 + 1007);
    expect(VERSION.levelBytes(6)).toBe(0);
  });

  test('is released once, by its last holder, and not used after that', () => {
    const released: number[] = [];
    const version = new Version(9, EMPTY_LEVELS, ({ id }) => released.push(id));
    version.retain();
    version.release();
    expect(released).toEqual([]);
    version.release();
    expect(released).toEqual([9]);
    expect(() => version.retain()).toThrow(/invariant/);
    expect(() => version.release()).toThrow(/invariant/);
  });
});

function randomKey(prng: Prng): string {
  return 'abcdefgh'[prng.below(8)]! + 'ab'.slice(prng.below(3));
}

/** Level 0 at random; deeper levels cut from a run of sorted internal keys, so that neighbours share user keys. */
function randomVersion(prng: Prng): Version {
  let number = 1;
  const random = (): string => `${randomKey(prng)}#${1 + prng.below(10)}`;
  const ordered = (): TableMetadata[] => {
    const keys = [...new Set(Array.from({ length: 2 + prng.below(12) }, random))];
    keys.sort((left, right) => compareLiterals(left, right));
    if (keys.length % 2 === 1) keys.pop();
    return keys.flatMap((key, i) => (i % 2 === 0 ? [table(number++, key, keys[i + 1]!)] : []));
  };
  const level0 = Array.from({ length: prng.below(4) }, () => {
    const [smallest, largest] = [random(), random()].sort(compareLiterals);
    return table(number++, smallest!, largest!);
  });
  return new Version(1, levelsOf(adding({ 0: level0, 1: ordered(), 2: ordered() })));
}

function compareLiterals(left: string, right: string): number {
  const [leftKey = '', leftSequence] = left.split('#');
  const [rightKey = '', rightSequence] = right.split('#');
  if (leftKey !== rightKey) return leftKey < rightKey ? -1 : 1;
  return Number(rightSequence) - Number(leftSequence);
}

/** Level 0: all that cover the user key. Deeper: the first that can hold an entry at or behind (key, sequence). */
function slowLookUp(version: Version, key: string, sequence: number): number[] {
  const found: number[] = [];
  version.levels.forEach((tables, level) => {
    const covering = tables.filter((candidate) => {
      const smallest = Buffer.from(candidate.smallest).subarray(0, -TRAILER_BYTES).toString();
      const largest = Buffer.from(candidate.largest).subarray(0, -TRAILER_BYTES).toString();
      const largestSequence = readTrailerSequence(
        candidate.largest,
        candidate.largest.length - TRAILER_BYTES,
      );
      const isPast = level > 0 && largest === key && largestSequence > sequence;
      return smallest <= key && largest >= key && !isPast;
    });
    found.push(...numbers(level === 0 ? covering : covering.slice(0, 1)));
  });
  return found;
}
