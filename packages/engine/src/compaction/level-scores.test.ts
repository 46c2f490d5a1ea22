import { describe, expect, test } from 'vitest';
import { levelSizesFor } from '../options/level-sizes.ts';
import { EMPTY_LEVELS } from '../version/version.ts';
import { levelsFrom, SMALL_SIZES } from './level-picture.test-support.ts';
import { levelScores, urgentLevels } from './level-scores.ts';

describe('levelScores', () => {
  test('counts the tables of level 0 and the bytes of deeper levels, and leaves out the last', () => {
    const levels = levelsFrom(`
      L0: 9[a..z]:7000 8[a..z] 7[a..z]
      L1: 6[a..b]:15 5[c..d]:15
      L2: 4[a..z]:20
      L6: 1[a..z]:9000000
    `);
    expect(levelScores(levels, SMALL_SIZES)).toEqual([1.5, 1.5, 0.25, 0, 0, 0, 0]);
  });

  test('are 0 where nothing is', () => {
    expect(levelScores(EMPTY_LEVELS, SMALL_SIZES)).toEqual([0, 0, 0, 0, 0, 0, 0]);
  });

  test('stay in order for numbers no store has', () => {
    const levels = levelsFrom(`
      L1: 6[a..b]:${Number.MAX_SAFE_INTEGER} 5[c..d]:${Number.MAX_SAFE_INTEGER}
      L5: 4[a..z]:${Number.MAX_SAFE_INTEGER}
    `);
    const scores = levelScores(levels, {
      ...levelSizesFor(32 * 2 ** 20),
      level1Bytes: Number.MAX_SAFE_INTEGER,
    });
    expect(scores).toEqual([0, 2, 0, 0, 0, 1 / 10_000, 0]);
  });
});

describe('urgentLevels', () => {
  test.each([
    { name: 'the highest score first', levels: 'L0: 9[a..z] 8[a..z]\nL1: 5[a..b]:90', urgent: [1, 0] },
    { name: 'the lower of two equal ones first', levels: 'L1: 5[a..b]:40\nL2: 4[a..b]:160', urgent: [1, 2] },
    { name: 'a score of 1 counts', levels: 'L1: 5[a..b]:20', urgent: [1] },
    { name: 'less does not', levels: 'L0: 9[a..z]\nL1: 5[a..b]:19', urgent: [] },
    {
      name: 'level 0 at its pause trigger before any other',
      levels: `L0: ${Array.from({ length: 12 }, (_, n) => `${30 - n}[a..z]`).join(' ')}\nL1: 5[a..b]:9000`,
      urgent: [0, 1],
    },
    { name: 'the last level never does', levels: 'L6: 5[a..b]:900000000', urgent: [] },
  ])('$name', ({ levels, urgent }) => {
    expect(urgentLevels(levelsFrom(levels), SMALL_SIZES)).toEqual(urgent);
  });
});
