import { describe, expect, test } from 'vitest';
import { LEVELDB_SIZES, type LevelSizes, levelSizesFor } from '../options/level-sizes.ts';
import { internalKey } from '../version/table.test-support.ts';
import { EMPTY_LEVELS, type Levels } from '../version/version.ts';
import type { CompactionPick } from './compaction-pick.ts';
import { levelsFrom, SMALL_SIZES, shown, shownPointer } from './level-picture.test-support.ts';
import { pickCompaction, pickRange, pickSeek, rangeDepth } from './pick-compaction.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

interface Circumstances {
  /** Keys that the levels were compacted up to, by level. */
  readonly pointers?: Readonly<Record<number, string>>;
  readonly excluded?: readonly number[];
  readonly sizes?: LevelSizes;
}

function pick(levels: Levels | string, circumstances: Circumstances = {}): CompactionPick | undefined {
  const { pointers = {}, excluded = [], sizes = SMALL_SIZES } = circumstances;
  const pointer = (level: number): Uint8Array | undefined => {
    const literal = pointers[level];
    return literal === undefined ? undefined : internalKey(literal);
  };
  return pickCompaction(typeof levels === 'string' ? levelsFrom(levels) : levels, sizes, pointer, {
    excluded: new Set(excluded),
  });
}

const seek = (levels: string, level: number, number: number, excluded: number[] = []): string =>
  shown(pickSeek(levelsFrom(levels), SMALL_SIZES, level, number, { excluded: new Set(excluded) }));

function range(levels: string, level: number, begin?: string, end?: string): string {
  const from = begin === undefined ? undefined : bytes(begin);
  const to = end === undefined ? undefined : bytes(end);
  return shown(pickRange(levelsFrom(levels), SMALL_SIZES, level, from, to));
}

describe('pickCompaction chooses the level', () => {
  test.each([
    { name: 'none where nothing is', levels: '', expected: 'nothing' },
    { name: 'none for one table', levels: 'L0: 1[a..z]', expected: 'nothing' },
    { name: 'none for one small table of level 1', levels: 'L1: 1[a..z]', expected: 'nothing' },
    { name: 'none for a full last level', levels: 'L6: 1[a..z]:99999999', expected: 'nothing' },
    { name: 'level 0 by count', levels: 'L0: 2[a..b]:1 1[a..c]:1', expected: 'level0 0: merge 2 1' },
    { name: 'a deeper one by bytes', levels: 'L1: 1[a..b]:20', expected: 'size 1: move 1' },
    {
      name: 'the one with the highest score',
      levels: 'L0: 9[a..b] 8[a..b]\nL1: 3[f..g]:50\nL2: 2[f..g]',
      expected: 'size 1: merge 3 into 2',
    },
    {
      name: 'the lower of two with the same score',
      levels: 'L0: 9[a..b] 8[a..b]\nL1: 3[f..g]:20\nL2: 2[f..g]:80',
      expected: 'level0 0: merge 9 8',
    },
    {
      name: 'level 5, into the last',
      levels: 'L5: 3[a..c]:99999\nL6: 1[b..d] 2[e..f]',
      expected: 'size 5: merge 3 into 1',
    },
  ])('$name', ({ levels, expected }) => {
    expect(shown(pick(levels))).toBe(expected);
  });

  test('and copes with numbers no store has', () => {
    const huge = Number.MAX_SAFE_INTEGER;
    const levels = `L1: 3[a..c]:${huge} 4[d..e]:${huge}\nL2: 1[b..d]:${huge}`;
    for (const sizes of [SMALL_SIZES, LEVELDB_SIZES, levelSizesFor(32 * 2 ** 20)]) {
      expect(shown(pick(levels, { sizes }))).toBe('size 1: merge 3 into 1');
    }
    expect(pick(EMPTY_LEVELS, { sizes: LEVELDB_SIZES })).toBeUndefined();
  });
});

describe('pickCompaction goes round a level by its pointer', () => {
  const LEVEL1 = 'L1: 3[b..d] 4[f..h] 5[k..m]';

  test.each([
    { name: 'from the first table without one', pointers: {}, expected: 'size 1: move 3' },
    { name: 'behind what ends at it', pointers: { 1: 'd' }, expected: 'size 1: move 4' },
    { name: 'with what ends behind it', pointers: { 1: 'g' }, expected: 'size 1: move 4' },
    { name: 'to the last table', pointers: { 1: 'h' }, expected: 'size 1: move 5' },
    { name: 'and from the first again', pointers: { 1: 'm' }, expected: 'size 1: move 3' },
    { name: 'also from far behind the end', pointers: { 1: 'zz' }, expected: 'size 1: move 3' },
    { name: 'and from before the begin', pointers: { 1: 'a' }, expected: 'size 1: move 3' },
    { name: 'not by that of another level', pointers: { 0: 'z', 2: 'z' }, expected: 'size 1: move 3' },
    { name: 'version by version: a later one is behind', pointers: { 1: 'd#2' }, expected: 'size 1: move 3' },
  ])('$name', ({ pointers, expected }) => {
    expect(shown(pick(LEVEL1, { pointers }))).toBe(expected);
  });

  test('level 0 too, in the order of keys', () => {
    const level0 = 'L0: 9[e..f] 8[a..b] 7[c..d]';
    expect(shown(pick(level0))).toBe('level0 0: move 8');
    expect(shown(pick(level0, { pointers: { 0: 'b' } }))).toBe('level0 0: move 7');
    expect(shown(pick(level0, { pointers: { 0: 'd' } }))).toBe('level0 0: move 9');
    expect(shown(pick(level0, { pointers: { 0: 'f' } }))).toBe('level0 0: move 8');
  });

  test.each([
    { name: 'the last key of a table', levels: LEVEL1, pointer: 'd' },
    { name: 'of all of them in level 0', levels: 'L0: 9[c..k] 8[a..z] 7[a..d]', pointer: 'z' },
    { name: 'of this level, not of the next', levels: `${LEVEL1}\nL2: 1[c..e]`, pointer: 'd' },
    { name: 'of what came along for free', levels: `${LEVEL1}\nL2: 1[c..z]`, pointer: 'm' },
  ])('which becomes $name', ({ levels, pointer }) => {
    expect(shownPointer(pick(levels))).toBe(pointer);
  });
});

describe('pickCompaction takes of level 0', () => {
  test.each([
    {
      name: 'all tables that overlap, newest first',
      levels: 'L0: 9[a..k] 8[c..m] 7[a..z]',
      expected: 'level0 0: merge 9 8 7',
    },
    {
      name: 'those that overlap through others',
      levels: 'L0: 9[a..c] 8[e..g] 7[b..f] 6[x..z] 5[g..h]',
      expected: 'level0 0: merge 9 8 7 5',
    },
    {
      name: 'those that share a border only',
      levels: 'L0: 9[a..c#9] 8[c#5..e] 7[f..g]',
      expected: 'level0 0: merge 9 8',
    },
    {
      name: 'one as it is, if nothing overlaps it',
      levels: 'L0: 9[e..f] 8[a..b]',
      expected: 'level0 0: move 8',
    },
    {
      name: 'not what overlaps nothing',
      levels: 'L0: 9[a..c] 8[x..z] 7[b..d]',
      expected: 'level0 0: merge 9 7',
    },
    {
      // LevelDB's issue 44, a: a tombstone sank below the value that it deletes, and the value came back.
      name: 'the older value with the tombstone over it',
      levels: 'L0: 5[b#3,DEL..b#3,DEL] 4[a#2,DEL..e#2] 3[b#1..b#1]',
      expected: 'level0 0: merge 5 4 3',
    },
    {
      // LevelDB's issue 44, b: the range of level 0 grew and that of level 1 did not with it.
      name: 'the tables of level 1 under the whole range it grew to',
      levels: 'L0: 9[c..c] 8[a..d] 7[d..k]\nL1: 1[a..b]:5 2[e..f]:5 3[j..m]:5 4[n..o]:5',
      expected: 'level0 0: merge 9 8 7 into 1 2 3',
    },
  ])('$name', ({ levels, expected }) => {
    expect(shown(pick(levels))).toBe(expected);
  });
});

describe('pickCompaction never parts the versions of a key', () => {
  test.each([
    {
      name: 'a table comes with the later versions of its last key',
      levels: 'L1: 3[a..c#9] 4[c#5..f] 5[g..k]',
      expected: 'size 1: merge 3 4',
    },
    {
      name: 'also through tables of one key',
      levels: 'L1: 3[a..c#9] 4[c#7..c#6] 5[c#5..c#5] 6[c#4..f] 7[fa..k]',
      expected: 'size 1: merge 3 4 5 6',
    },
    {
      name: 'a chain ends where the key changes',
      levels: 'L1: 3[a..c#9] 4[c#5..f#8] 5[f#3..k] 6[ka..z]',
      expected: 'size 1: merge 3 4 5',
    },
    {
      name: 'earlier versions may stay: they are newer',
      levels: 'L1: 3[a..c#9] 4[c#5..f] 5[g..k]',
      pointers: { 1: 'c#9' },
      expected: 'size 1: move 4',
    },
    {
      name: 'the next level gives all that shares a key, at both borders',
      levels: 'L1: 5[c#9..e#9] 6[x..y]\nL2: 1[a..c#4] 2[d..e#5] 3[f..g]',
      expected: 'size 1: merge 5 into 1 2',
    },
    {
      name: 'and the later versions of its own last key',
      levels: 'L1: 5[c..e] 6[x..y]\nL2: 1[d..k#5] 2[k#3..m#4] 3[m#2..n] 4[o..p]',
      expected: 'size 1: merge 5 into 1 2 3',
    },
    {
      name: 'but not the earlier ones of its first key',
      levels: 'L1: 5[c..e] 6[x..y]\nL2: 1[a..b#5] 2[b#3..c]',
      expected: 'size 1: merge 5 into 2',
    },
    {
      name: 'what comes along for free brings its later versions too',
      levels: 'L1: 3[c..d] 4[f..h#6] 5[h#4..z]\nL2: 1[a..g]',
      expected: 'size 1: merge 3 4 5 into 1',
    },
  ])('$name', ({ levels, expected, ...circumstances }) => {
    expect(shown(pick(levels, circumstances))).toBe(expected);
  });
});

describe('pickCompaction takes more of its level for free', () => {
  test.each([
    {
      name: 'what the same tables of the next level cover',
      levels: 'L1: 3[b..c] 4[e..f] 5[p..q]\nL2: 1[a..g] 2[n..r]',
      expected: 'size 1: merge 3 4 into 1',
    },
    {
      name: 'before its first table as well',
      levels: 'L1: 3[b..c] 4[e..f] 5[p..q]\nL2: 1[a..g] 2[n..r]',
      pointers: { 1: 'd' },
      expected: 'size 1: merge 3 4 into 1',
    },
    {
      name: 'nothing, if that brings more of the next level',
      levels: 'L1: 3[b..c] 4[e..k] 5[p..q]\nL2: 1[a..g] 2[h..r]',
      expected: 'size 1: merge 3 into 1',
    },
    {
      name: 'nothing, if that brings a later version of the next level',
      levels: 'L1: 3[b..c] 4[e..g#9] 5[p..q]\nL2: 1[a..f] 2[g#5..h]',
      expected: 'size 1: merge 3 into 1',
    },
    {
      name: 'nothing, if all together would have 250 bytes',
      levels: 'L1: 3[b..c] 4[e..f]:140\nL2: 1[a..g]:100',
      expected: 'size 1: merge 3 into 1',
    },
    {
      name: 'up to 249 bytes',
      levels: 'L1: 3[b..c] 4[e..f]:139\nL2: 1[a..g]:100',
      expected: 'size 1: merge 3 4 into 1',
    },
    {
      name: 'nothing without tables of the next level',
      levels: 'L1: 3[b..c] 4[e..f]\nL3: 1[a..g]',
      expected: 'size 1: move 3 over 1',
    },
    {
      name: 'in level 0 with all that overlap it',
      levels: 'L0: 9[b..c] 8[e..f] 7[f..h] 6[x..y]\nL1: 1[a..g]',
      expected: 'level0 0: merge 9 8 7 into 1',
    },
    {
      name: 'nothing that is damaged',
      levels: 'L1: 3[b..c] 4[e..f] 5[p..q]\nL2: 1[a..g]',
      excluded: [4],
      expected: 'size 1: merge 3 into 1',
    },
  ])('$name', ({ levels, expected, ...circumstances }) => {
    expect(shown(pick(levels, circumstances))).toBe(expected);
  });
});

describe('pickCompaction moves a table as it is', () => {
  test.each([
    {
      name: 'over grandparents of 100 bytes',
      levels: 'L1: 3[b..f]:20\nL3: 1[a..c]:50 2[d..k]:50',
      expected: 'size 1: move 3 over 1 2',
    },
    {
      name: 'not over more',
      levels: 'L1: 3[b..f]:20\nL3: 1[a..c]:50 2[d..k]:51',
      expected: 'size 1: merge 3 over 1 2',
    },
    {
      name: 'not with another',
      levels: 'L1: 3[b..f#2]:20 4[f#1..f#1]\nL3: 1[a..c]',
      expected: 'size 1: merge 3 4 over 1',
    },
    {
      name: 'not into a table of the next level, a shared border included',
      levels: 'L1: 3[b..f#2]:20\nL2: 1[f#1..g]',
      expected: 'size 1: merge 3 into 1',
    },
    { name: 'into the last level', levels: 'L5: 3[b..f]:99999', expected: 'size 5: move 3' },
  ])('$name', ({ levels, expected }) => {
    expect(shown(pick(levels))).toBe(expected);
  });

  test('with grandparents under the range of all inputs, those of the next level included', () => {
    const levels = 'L1: 3[m..n]:20\nL2: 1[b..x]\nL3: 4[a..b] 5[c..d] 6[x..y] 7[ya..z]';
    expect(shown(pick(levels))).toBe('size 1: merge 3 into 1 over 4 5 6');
  });
});

describe('pickCompaction passes over damaged tables', () => {
  test.each([
    {
      name: 'to the next table of the level',
      levels: 'L1: 3[b..d] 4[f..h] 5[k..m]',
      excluded: [3],
      expected: 'size 1: move 4',
    },
    {
      name: 'round the level',
      levels: 'L1: 3[b..d] 4[f..h] 5[k..m]',
      excluded: [4, 5],
      pointers: { 1: 'd' },
      expected: 'size 1: move 3',
    },
    {
      name: 'where the next level has one',
      levels: 'L1: 3[b..d] 4[f..h]\nL2: 1[a..e] 2[g..z]',
      excluded: [1],
      expected: 'size 1: merge 4 into 2',
    },
    {
      name: 'where a later version is in one',
      levels: 'L1: 3[b..d#5] 4[d#3..h] 5[k..m]',
      excluded: [4],
      expected: 'size 1: move 5',
    },
    {
      name: 'where a later version of the next level is in one',
      levels: 'L1: 3[b..d] 4[p..q]\nL2: 1[a..e#5] 2[e#3..f]',
      excluded: [2],
      expected: 'size 1: move 4',
    },
    {
      name: 'with all that overlap them in level 0',
      levels: 'L0: 9[a..c] 8[b..d] 7[x..z]',
      excluded: [8],
      expected: 'level0 0: move 7',
    },
    {
      name: 'to the next level over its size',
      levels: 'L0: 9[a..c] 8[b..d]\nL1: 1[p..q]\nL2: 2[p..r]:80',
      excluded: [9],
      expected: 'size 2: move 2',
    },
    {
      name: 'not to a level below its size',
      levels: 'L0: 9[a..c] 8[b..d]\nL1: 1[p..q]\nL2: 2[p..r]:79',
      excluded: [9],
      expected: 'nothing',
    },
    {
      name: 'to nothing, if all are',
      levels: 'L1: 3[b..d] 4[f..h] 5[k..m]',
      excluded: [3, 4, 5],
      expected: 'nothing',
    },
    {
      name: 'and minds no damaged grandparent',
      levels: 'L1: 3[b..d]:20\nL3: 1[a..z]',
      excluded: [1],
      expected: 'size 1: move 3 over 1',
    },
  ])('$name', ({ levels, expected, ...circumstances }) => {
    expect(shown(pick(levels, circumstances))).toBe(expected);
  });
});

describe('pickSeek', () => {
  const LEVELS_ABOVE = 'L0: 9[a..c] 8[b..d] 7[x..z]\nL1: 3[b..d#5] 4[d#3..h] 5[p..q]\nL6: 1[a..z]';

  test.each([
    {
      name: 'takes the table with all that must come along',
      level: 1,
      number: 3,
      expected: 'seek 1: merge 3 4',
    },
    { name: 'moves it where it can', level: 1, number: 5, expected: 'seek 1: move 5' },
    { name: 'takes what overlaps in level 0', level: 0, number: 8, expected: 'seek 0: merge 9 8 into 3 4' },
    { name: 'finds nothing in the last level', level: 6, number: 1, expected: 'nothing' },
    { name: 'finds no table of another level', level: 2, number: 3, expected: 'nothing' },
    { name: 'finds no table that is gone', level: 1, number: 99, expected: 'nothing' },
    { name: 'takes no damaged table', level: 1, number: 3, excluded: [4], expected: 'nothing' },
  ])('$name', ({ level, number, excluded, expected }) => {
    expect(seek(LEVELS_ABOVE, level, number, excluded)).toBe(expected);
  });
});

describe('pickRange', () => {
  const LEVEL1 = 'L1: 3[b..d] 4[f..h] 5[k..m]';

  test.each([
    { name: 'about one table of the level', levels: LEVEL1, level: 1, expected: 'range 1: merge 3' },
    {
      name: 'as many as have its bytes',
      levels: 'L1: 3[b..d]:4 4[f..h]:5 5[k..m]:1 6[p..q]:1',
      level: 1,
      expected: 'range 1: merge 3 4 5',
    },
    { name: 'from the begin', levels: LEVEL1, level: 1, begin: 'h', expected: 'range 1: merge 4' },
    { name: 'to the end', levels: LEVEL1, level: 1, begin: 'i', end: 'k', expected: 'range 1: merge 5' },
    { name: 'nothing between tables', levels: LEVEL1, level: 1, begin: 'i', end: 'j', expected: 'nothing' },
    { name: 'nothing behind the end', levels: LEVEL1, level: 1, begin: 'mm', expected: 'nothing' },
    {
      name: 'nothing from end to begin',
      levels: LEVEL1,
      level: 1,
      begin: 'd',
      end: 'c',
      expected: 'nothing',
    },
    { name: 'nothing of an empty level', levels: LEVEL1, level: 3, expected: 'nothing' },
    { name: 'nothing of the last level', levels: 'L6: 1[a..z]', level: 6, expected: 'nothing' },
    {
      name: 'with the later versions of the last key',
      levels: 'L1: 3[b..d#5] 4[d#3..h] 5[k..m]',
      level: 1,
      expected: 'range 1: merge 3 4',
    },
    {
      name: 'with more for free',
      levels: `${LEVEL1}\nL2: 1[a..i]`,
      level: 1,
      end: 'c',
      expected: 'range 1: merge 3 4 into 1',
    },
    {
      // LevelDB's issue 178: the limit held for level 0 too, and an older table hid what had moved.
      name: 'all of level 0',
      levels: 'L0: 9[c..f]:99 8[a..d]:99 7[a..b]:99 6[d..k]:99 5[x..z]:99',
      level: 0,
      begin: 'c',
      end: 'e',
      expected: 'range 0: merge 9 8 7 6',
    },
    {
      name: 'all of level 0, tables apart included',
      levels: 'L0: 9[a..b] 8[x..z] 7[m..n]\nL1: 1[c..d]',
      level: 0,
      expected: 'range 0: merge 9 8 7 into 1',
    },
  ])('takes $name', ({ levels, level, begin, end, expected }) => {
    expect(range(levels, level, begin, end)).toBe(expected);
  });

  test('is repeated from its pointer until nothing is left', () => {
    let levels = levelsFrom('L1: 3[b..d] 4[d#0..h] 5[k..m] 6[n..o] 7[x..y]');
    const steps: string[] = [];
    let begin: Uint8Array | undefined;
    for (;;) {
      const step = pickRange(levels, SMALL_SIZES, 1, begin, bytes('n'));
      if (step === undefined) break;
      steps.push(shown(step));
      begin = bytes(shownPointer(step));
      levels = levels.map((tables, level) =>
        level === 1 ? tables.filter((table) => !step.inputs.includes(table)) : tables,
      );
    }
    expect(steps).toEqual(['range 1: merge 3 4', 'range 1: merge 5', 'range 1: merge 6']);
  });
});

describe('rangeDepth', () => {
  test.each([
    {
      name: 'the deepest level of the range',
      levels: 'L0: 9[a..b]\nL2: 1[b..c]\nL6: 2[x..z]',
      end: 'c',
      depth: 2,
    },
    { name: 'the last', levels: 'L0: 9[a..b]\nL6: 2[x..z]', depth: 6 },
    { name: '1 for level 0 alone', levels: 'L0: 9[a..b]', depth: 1 },
    { name: '0 for nothing', levels: 'L0: 9[a..b]\nL6: 2[x..z]', begin: 'c', end: 'w', depth: 0 },
    { name: '0 from end to begin', levels: 'L1: 9[a..z]', begin: 'd', end: 'c', depth: 0 },
  ])('is $name', ({ levels, begin, end, depth }) => {
    const from = begin === undefined ? undefined : bytes(begin);
    const to = end === undefined ? undefined : bytes(end);
    expect(rangeDepth(levelsFrom(levels), from, to)).toBe(depth);
  });
});
