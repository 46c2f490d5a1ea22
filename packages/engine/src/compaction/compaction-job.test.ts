import { compareBytes } from '@arena-level/common/bytes/compare';
import { userKeyOf } from '@arena-level/common/key/internal-key';
import type { UserKeyRange } from '@arena-level/common/protocol/compaction-protocol';
import { describe, expect, test } from 'vitest';
import type { LevelSizes } from '../options/level-sizes.ts';
import {
  belowRanges,
  compactionBytes,
  grandparentRanges,
  splitPoints,
  tempNumberCount,
  toRuns,
} from './compaction-job.ts';
import type { CompactionPick } from './compaction-pick.ts';
import { levelsFrom, SMALL_SIZES, shownUserKey } from './level-picture.test-support.ts';
import { pickCompaction, pickRange } from './pick-compaction.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const shownRange = ({ smallest, largest }: UserKeyRange): string =>
  `${shownUserKey(smallest)}..${shownUserKey(largest)}`;

function pickOf(levels: string, sizes: LevelSizes = SMALL_SIZES): CompactionPick {
  return pickCompaction(levelsFrom(levels), sizes, () => undefined, { excluded: new Set() })!;
}

/** All tables of a level and what is under them. */
function rangeOf(levels: string, level: number): CompactionPick {
  const sizes = { ...SMALL_SIZES, tableBytes: Number.MAX_SAFE_INTEGER };
  return pickRange(levelsFrom(levels), sizes, level)!;
}

describe('toRuns', () => {
  const runs = (pick: CompactionPick): number[][] =>
    toRuns(pick).map((run) => run.map(({ number }) => number));

  test.each([
    {
      name: 'each table of level 0, newest first, then the next level',
      levels: 'L0: 12[a..d] 9[b..c] 30[a..z]\nL1: 40[a..b] 5[c..d]',
      expected: [[30], [12], [9], [40, 5]],
    },
    { name: 'no run without tables', levels: 'L0: 9[a..d] 8[b..c]', expected: [[9], [8]] },
    {
      name: 'a deeper level as one',
      levels: 'L1: 9[a..b#9] 3[c..d] 7[e..f]\nL2: 8[a..b#2] 2[b#1..f]',
      expected: [
        [9, 3, 7],
        [8, 2],
      ],
    },
    { name: 'a single table', levels: 'L1: 9[a..b]:20', expected: [[9]] },
  ])('makes $name', ({ levels, expected }) => {
    expect(runs(pickOf(levels))).toEqual(expected);
  });

  test('goes by file numbers, whatever the order of the inputs', () => {
    const pick = pickOf('L0: 9[a..d] 8[b..c] 7[c..d]');
    expect(runs({ ...pick, inputs: [...pick.inputs].reverse() })).toEqual([[9], [8], [7]]);
  });
});

describe('belowRanges', () => {
  const LEVELS_BELOW = levelsFrom(`
    L1: 1[a..z]
    L2: 2[a..c#5] 3[c#3..f] 4[g..k]
    L4: 5[d..e] 6[x..z]
    L6: 7[a..b] 8[m..n]
  `);

  test.each([
    { name: 'of all deeper levels', output: 1, begin: 'c', end: 'd', expected: [['a..c', 'c..f'], ['d..e']] },
    {
      name: 'both borders included',
      output: 1,
      begin: 'b',
      end: 'm',
      expected: [['a..c', 'c..f', 'g..k'], ['d..e'], ['a..b', 'm..n']],
    },
    { name: 'not of the output level', output: 4, begin: 'a', end: 'z', expected: [['a..b', 'm..n']] },
    { name: 'none below the last', output: 6, begin: 'a', end: 'z', expected: [] },
    { name: 'none between tables', output: 2, begin: 'f', end: 'l', expected: [] },
    {
      name: 'all of them without bounds',
      output: 3,
      begin: undefined,
      end: undefined,
      expected: [
        ['d..e', 'x..z'],
        ['a..b', 'm..n'],
      ],
    },
  ])('are those $name', ({ output, begin, end, expected }) => {
    const from = begin === undefined ? undefined : bytes(begin);
    const to = end === undefined ? undefined : bytes(end);
    expect(belowRanges(LEVELS_BELOW, output, from, to).map((level) => level.map(shownRange))).toEqual(
      expected,
    );
  });

  test('are copies of their own', () => {
    const [range] = belowRanges(LEVELS_BELOW, 4, undefined, undefined)[0]!;
    expect(range!.smallest.buffer.byteLength).toBe(1);
    expect(range!.largest.buffer.byteLength).toBe(1);
  });
});

test('grandparentRanges have their sizes', () => {
  const pick = pickOf('L1: 3[b..d]:20\nL3: 1[a..b]:7 2[c..f]:8');
  expect(grandparentRanges(pick).map((range) => `${shownRange(range)}:${range.size}`)).toEqual([
    'a..b:7',
    'c..f:8',
  ]);
});

describe('compactionBytes and tempNumberCount', () => {
  test('count what is read', () => {
    expect(
      compactionBytes(pickOf('L1: 3[b..d]:20 5[x..y]:3\nL2: 1[a..b]:7 2[c..f]:8\nL3: 4[a..z]:100')),
    ).toBe(35);
  });

  test.each([
    { name: 'one table', levels: 'L1: 3[b..d]:20', count: 4 * 2 + 16 },
    { name: 'a part of a table more', levels: 'L1: 3[b..d]:21', count: 4 * 3 + 16 },
    { name: 'grandparents', levels: 'L1: 3[b..d]:20\nL3: 1[a..b]:150 2[c..f]:51', count: 4 * 2 + 3 + 16 },
  ])('leave room for $name', ({ levels, count }) => {
    expect(tempNumberCount(pickOf(levels), SMALL_SIZES)).toBe(count);
  });

  test('stay whole numbers for sizes no store has', () => {
    const pick = pickOf(`L1: 3[b..d]:${Number.MAX_SAFE_INTEGER}`);
    const count = tempNumberCount(pick, { ...SMALL_SIZES, tableBytes: 4096 });
    expect(Number.isSafeInteger(count)).toBe(true);
  });
});

describe('splitPoints', () => {
  const points = (pick: CompactionPick, parts: number): string =>
    splitPoints(pick, parts).map(shownUserKey).join(' ');
  const EIGHT = 'L2: 1[a..b] 2[c..d] 3[e..f] 4[g..h] 5[i..j] 6[k..l] 7[m..n] 8[o..p]';

  test.each([
    { name: 'not at all into one', levels: `L1: 9[a..p]\n${EIGHT}`, parts: 1, expected: '' },
    { name: 'nor into none', levels: `L1: 9[a..p]\n${EIGHT}`, parts: 0, expected: '' },
    { name: 'into two', levels: `L1: 9[a..p]\n${EIGHT}`, parts: 2, expected: 'i' },
    { name: 'into four', levels: `L1: 9[a..p]\n${EIGHT}`, parts: 4, expected: 'e i m' },
    {
      name: 'into as many as the tables allow',
      levels: `L1: 9[a..p]\n${EIGHT}`,
      parts: 99,
      expected: 'c e g i k m o',
    },
    {
      name: 'by bytes',
      levels: 'L1: 9[a..h]:1\nL2: 1[a..b]:90 2[c..d]:10 3[e..f]:10 4[g..h]:10',
      parts: 2,
      expected: 'c',
    },
    {
      name: 'by bytes at the end',
      levels: 'L1: 9[a..h]:1\nL2: 1[a..b]:10 2[c..d]:10 3[e..f]:10 4[g..h]:90',
      parts: 2,
      expected: 'g',
    },
    { name: 'not a single table', levels: 'L1: 9[a..z]', parts: 4, expected: '' },
    {
      name: 'not tables that all begin with one key',
      levels: 'L1: 9[a#9..a#8] 8[a#7..z]',
      parts: 4,
      expected: '',
    },
    { name: 'not at the last key', levels: 'L1: 9[a..k#9] 8[k#7..k#6]', parts: 4, expected: '' },
    {
      name: 'once at a key that tables share',
      levels: 'L1: 9[a..c#5] 8[c#4..c#3] 7[c#2..z]',
      parts: 9,
      expected: 'c',
    },
    {
      name: 'between tables of the level itself',
      levels: 'L1: 9[a..c] 8[d..e] 7[f..g] 6[h..i]',
      parts: 2,
      expected: 'f',
    },
  ])('cut $name', ({ levels, parts, expected }) => {
    expect(points(rangeOf(levels, 1), parts)).toBe(expected);
  });

  test.each([
    {
      name: 'at borders of the next level',
      levels: 'L0: 99[aa..p] 98[ab..p] 97[ac..p] 96[ad..p]\nL1: 1[a..d] 2[e..h] 3[i..l] 4[m..p]',
      parts: 4,
      expected: 'e i m',
    },
    {
      name: 'at its own without any',
      levels: 'L0: 99[a..d] 98[d..g] 97[g..k] 96[k..p]',
      parts: 2,
      expected: 'g',
    },
    { name: 'not, where there are none', levels: 'L0: 99[a..p] 98[a#0..p]', parts: 2, expected: '' },
  ])('cut level 0 $name', ({ levels, parts, expected }) => {
    expect(points(rangeOf(levels, 0), parts)).toBe(expected);
  });

  test('are ascending, inside, and no more than asked for, whatever the sizes', () => {
    for (const bytesOfFirst of [0, 1, 70, 5000, Number.MAX_SAFE_INTEGER]) {
      for (let parts = 2; parts < 12; parts++) {
        const pick = rangeOf(`L1: 9[a..o]\n${EIGHT.replace('1[a..b]', `1[a..b]:${bytesOfFirst}`)}`, 1);
        const keys = splitPoints(pick, parts);
        expect(keys.length).toBeGreaterThan(0);
        expect(keys.length).toBeLessThan(parts);
        expect(keys.every((key, at) => at === 0 || compareBytes(keys[at - 1]!, key) < 0)).toBe(true);
        expect(keys.every((key) => compareBytes(key, userKeyOf(pick.inputs[0]!.smallest)) > 0)).toBe(true);
      }
    }
  });
});
