import { describe, expect, test } from 'vitest';
import type { VersionEdit } from '../manifest/version-edit.ts';
import { adding, levelsOf, picture, table } from './table.test-support.ts';
import type { Levels } from './version.ts';
import { VersionBuilder } from './version-builder.ts';

const BASE = levelsOf(
  adding({
    0: [table(4, 'a', 'k'), table(9, 'b', 'z'), table(7, 'c', 'd')],
    1: [table(3, 'm', 'p'), table(2, 'a', 'f')],
  }),
);

function build(base: Levels, ...edits: VersionEdit[]): Levels {
  const builder = new VersionBuilder(base, (reason) => new Error(reason));
  for (const edit of edits) builder.apply(edit);
  return builder.build();
}

const deleting = (level: number, ...numbers: number[]): VersionEdit => ({
  deletedTables: numbers.map((number) => ({ level, number })),
});

describe('VersionBuilder', () => {
  test('orders level 0 newest first and deeper levels by key', () => {
    expect(picture(BASE)).toEqual(['L0: 9[b..z] 7[c..d] 4[a..k]', 'L1: 2[a..f] 3[m..p]']);
  });

  test('shares levels that do not change, and leaves the base as it was', () => {
    const before = picture(BASE);
    const built = build(BASE, adding({ 1: [table(12, 'g', 'h')] }));
    expect(picture(built)).toEqual([before[0], 'L1: 2[a..f] 12[g..h] 3[m..p]']);
    expect(built[0]).toBe(BASE[0]);
    expect(picture(BASE)).toEqual(before);
  });

  test('moves a table to another level', () => {
    const move = { ...deleting(0, 7), ...adding({ 2: [table(7, 'c', 'd')] }) };
    expect(picture(build(BASE, move))).toEqual(['L0: 9[b..z] 4[a..k]', 'L1: 2[a..f] 3[m..p]', 'L2: 7[c..d]']);
  });

  test('replaces the inputs of a compaction by its outputs', () => {
    const compaction = {
      deletedTables: [...deleting(0, 4, 7, 9).deletedTables!, ...deleting(1, 2, 3).deletedTables!],
      ...adding({ 1: [table(21, 'n', 'z'), table(20, 'a', 'm')] }),
    };
    expect(picture(build(BASE, compaction))).toEqual(['L1: 20[a..m] 21[n..z]']);
  });

  test('lets a table come, go and come again', () => {
    const twelve = adding({ 1: [table(12, 'g', 'h')] });
    expect(picture(build(BASE, twelve, deleting(1, 12), twelve))).toEqual(picture(build(BASE, twelve)));
    expect(picture(build(BASE, deleting(1, 2), adding({ 1: [table(2, 'a', 'g')] })))[1]).toBe(
      'L1: 2[a..g] 3[m..p]',
    );
  });

  test('lets neighbours share a user key when their versions do not overlap', () => {
    const built = build(BASE, adding({ 3: [table(20, 'a', 'k#9'), table(21, 'k#8', 'z')] }));
    expect(picture(built).at(-1)).toBe('L3: 20[a..k] 21[k..z]');
  });

  test('takes a table of one key', () => {
    expect(picture(build(BASE, adding({ 6: [table(20, 'q', 'q')] }))).at(-1)).toBe('L6: 20[q..q]');
  });

  test.each([
    {
      id: 'a table that is there',
      edits: [adding({ 0: [table(9, 'b', 'z')] })],
      reason: /9 is added to level 0 and is in level 0/,
    },
    {
      id: 'a table that is in another level',
      edits: [adding({ 5: [table(9, 'b', 'z')] })],
      reason: /in level 0/,
    },
    {
      id: 'two tables of one number in one edit',
      edits: [adding({ 0: [table(12, 'b', 'z'), table(12, 'b', 'y')] })],
      reason: /12 is added/,
    },
    {
      id: 'two tables of one number in two levels',
      edits: [adding({ 0: [table(12, 'b', 'z')], 1: [table(12, 'b', 'z')] })],
      reason: /12 is added/,
    },
    {
      id: 'a deletion of an unknown table',
      edits: [deleting(0, 12)],
      reason: /12 is deleted from level 0, where it is not/,
    },
    { id: 'a deletion from the wrong level', edits: [deleting(1, 9)], reason: /9 is deleted from level 1/ },
    { id: 'a deletion twice', edits: [deleting(0, 9), deleting(0, 9)], reason: /9 is deleted/ },
    {
      id: 'a table that overlaps the one before',
      edits: [adding({ 1: [table(12, 'f', 'h')] })],
      reason: /2 and 12 of level 1 overlap/,
    },
    {
      id: 'a table that overlaps the one behind',
      edits: [adding({ 1: [table(12, 'g', 'n')] })],
      reason: /12 and 3 of level 1 overlap/,
    },
    { id: 'a table that holds another', edits: [adding({ 1: [table(12, 'l', 'q')] })], reason: /overlap/ },
    {
      id: 'neighbours that share an entry',
      edits: [adding({ 3: [table(20, 'a', 'k#9'), table(21, 'k#9', 'z')] })],
      reason: /overlap/,
    },
    {
      id: 'a table that ends before it begins',
      edits: [adding({ 0: [table(12, 'b', 'a')] })],
      reason: /ends before it begins/,
    },
    {
      id: 'a table whose versions are the wrong way round',
      edits: [adding({ 0: [table(12, 'b#1', 'b#2')] })],
      reason: /ends before/,
    },
    { id: 'level 7', edits: [adding({ 7: [table(12, 'b', 'c')] })], reason: /no level 7/ },
    { id: 'a deletion from level -1', edits: [deleting(-1, 9)], reason: /no level -1/ },
  ])('refuses $id', ({ edits, reason }) => {
    expect(() => build(BASE, ...edits)).toThrow(reason);
  });
});
