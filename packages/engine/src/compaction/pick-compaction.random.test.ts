/**
 * Stores at random, with their entries: each pick is held against the rules as they are stated, then carried out, and no
 * read may change. Levels are cut anywhere, between two versions of a key too, as LevelDB does.
 */
import { Prng } from '@arena-level/common/base/prng';
import { compareBytes } from '@arena-level/common/bytes/compare';
import { compareInternalKeys, userKeyOf } from '@arena-level/common/key/internal-key';
import type { UserKeyRange } from '@arena-level/common/protocol/compaction-protocol';
import { describe, expect, test } from 'vitest';
import type { TableMetadata } from '../manifest/table-metadata.ts';
import { maxGrandparentBytes } from '../options/level-sizes.ts';
import type { Levels } from '../version/version.ts';
import { belowRanges } from './compaction-job.ts';
import { type CompactionPick, userKeyRangeOf } from './compaction-pick.ts';
import { SMALL_SIZES, shown } from './level-picture.test-support.ts';
import { levelScores } from './level-scores.ts';
import { pickCompaction, pickRange, pickSeek, rangeDepth } from './pick-compaction.ts';
import { RandomStore } from './random-store.test-support.ts';

const SEED = Number(process.env['SEED'] ?? 20_251_122);
const ROUNDS = 400;
const NONE = { excluded: new Set<number>() };

const numbers = (tables: readonly TableMetadata[]): number[] => tables.map(({ number }) => number);
const overlap = (left: UserKeyRange, right: UserKeyRange): boolean =>
  compareBytes(left.smallest, right.largest) <= 0 && compareBytes(right.smallest, left.largest) <= 0;
const overlapTables = (left: TableMetadata, right: TableMetadata): boolean =>
  overlap(userKeyRangeOf([left]), userKeyRangeOf([right]));

/** What is wrong with a pick, by the rules; LevelDB's choice of more than the least is not judged. */
function faults(levels: Levels, pick: CompactionPick): string[] {
  const { level, inputs, nextInputs, grandparents } = pick;
  const all = [...inputs, ...nextInputs];
  const stays = levels[level]!.filter((table) => !inputs.includes(table));
  const nextStays = levels[level + 1]!.filter((table) => !nextInputs.includes(table));
  const isLater = (table: TableMetadata, than: TableMetadata): boolean =>
    compareInternalKeys(table.smallest, than.largest) > 0;
  const goesOn = (table: TableMetadata, tables: readonly TableMetadata[]): boolean =>
    tables.some((one) => overlapTables(one, table) && isLater(table, one));
  const check: Record<string, boolean> = {
    'levels follow one another': pick.outputLevel === level + 1 && pick.outputLevel < levels.length,
    'there is an input': inputs.length > 0,
    'inputs are of their level, in its order':
      isPartOf(inputs, levels[level]!) && isPartOf(nextInputs, levels[level + 1]!),
    'nothing of level 0 that overlaps stays':
      level > 0 || !stays.some((table) => inputs.some((input) => overlapTables(table, input))),
    'no later version stays': level === 0 || !stays.some((table) => goesOn(table, inputs)),
    'nothing of the next level that overlaps stays': !nextStays.some((table) =>
      overlap(userKeyRangeOf(inputs), userKeyRangeOf([table])),
    ),
    'no later version of the next level stays': !nextStays.some((table) => goesOn(table, nextInputs)),
    'no table of the next level lies in the way of the outputs': !nextStays.some(
      (table) => !all.every((one) => isLater(one, table)) && !all.every((one) => isLater(table, one)),
    ),
    'grandparents are those below all of it':
      String(numbers(grandparents)) ===
      String(
        numbers((levels[level + 2] ?? []).filter((t) => overlap(userKeyRangeOf(all), userKeyRangeOf([t])))),
      ),
    'the pointer is the last key of the level':
      inputs.every(({ largest }) => compareInternalKeys(largest, pick.pointer) <= 0) &&
      inputs.some(({ largest }) => compareBytes(largest, pick.pointer) === 0),
    'a move is of one table over few others':
      !pick.isTrivialMove ||
      (pick.reason !== 'range' &&
        all.length === 1 &&
        grandparents.reduce((sum, { size }) => sum + size, 0) <= maxGrandparentBytes(SMALL_SIZES)),
  };
  return Object.keys(check).filter((rule) => !check[rule]);
}

function isPartOf(tables: readonly TableMetadata[], level: readonly TableMetadata[]): boolean {
  const places = tables.map((table) => level.indexOf(table));
  return places.every((place, at) => place >= 0 && (at === 0 || place > places[at - 1]!));
}

/** Carries a pick out, if it is right, and holds the store to what it had. */
function carryOut(store: RandomStore, pick: CompactionPick, where: string): void {
  const at = `${where}\n${store.shown()}\n${shown(pick)}`;
  expect(faults(store.levels, pick), at).toEqual([]);
  const before = store.reads();
  const range = userKeyRangeOf([...pick.inputs, ...pick.nextInputs]);
  const below = belowRanges(store.levels, pick.outputLevel, range.smallest, range.largest);
  store.compact(pick, below);
  expect(store.misplaced(), at).toEqual([]);
  expect(store.reads(), at).toEqual(before);
}

describe(`picks of random stores (seed ${SEED})`, () => {
  test('keep every rule and every read, and come to an end', () => {
    const prng = new Prng(SEED);
    const reasons = new Map<string, number>();
    for (let round = 0; round < ROUNDS; round++) {
      const store = new RandomStore(prng);
      const pointers: Uint8Array[] = [];
      for (let step = 0; ; step++) {
        const pick = pickCompaction(store.levels, SMALL_SIZES, (level) => pointers[level], NONE);
        if (pick === undefined) break;
        expect(step, `round ${round} ends`).toBeLessThan(1000);
        carryOut(store, pick, `round ${round}, step ${step}`);
        pointers[pick.level] = pick.pointer;
        const kind = `${pick.reason} ${pick.isTrivialMove ? 'move' : 'merge'}`;
        reasons.set(kind, (reasons.get(kind) ?? 0) + 1);
      }
      expect(Math.max(...levelScores(store.levels, SMALL_SIZES)), `round ${round}`).toBeLessThan(1);
    }
    expect([...reasons.keys()].sort()).toEqual(['level0 merge', 'level0 move', 'size merge', 'size move']);
  });

  test('of a seek, and of a range until nothing is left of it', () => {
    const prng = new Prng(SEED + 1);
    for (let round = 0; round < ROUNDS; round++) {
      const store = new RandomStore(prng);
      const level = prng.below(5);
      const table = store.levels[level]![prng.below(10)];
      const pick = table && pickSeek(store.levels, SMALL_SIZES, level, table.number);
      if (pick !== undefined) {
        expect(pick.inputs).toContain(table);
        carryOut(store, pick, `round ${round}, seek`);
      }
      const [begin, end] = [store.randomKey(), store.randomKey()].sort(compareBytes);
      compactRange(store, begin!, end!, round);
    }
  });

  test('have no excluded table, and one that has none is found if there is any', () => {
    const prng = new Prng(SEED + 2);
    let passedOver = 0;
    let found = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const { levels } = new RandomStore(prng);
      const excluded = new Set(numbers(levels.flat()).filter(() => prng.oneIn(3)));
      const pick = pickCompaction(levels, SMALL_SIZES, () => undefined, { excluded });
      if (pick === undefined) {
        passedOver++;
        expect(someAllowed(levels, excluded), `round ${round}`).toBe(false);
        continue;
      }
      found++;
      const all = numbers([...pick.inputs, ...pick.nextInputs]);
      expect(
        all.filter((number) => excluded.has(number)),
        `round ${round}`,
      ).toEqual([]);
      expect(faults(levels, pick), `round ${round}`).toEqual([]);
    }
    expect(Math.min(passedOver, found)).toBeGreaterThan(10);
  });
});

function compactRange(store: RandomStore, begin: Uint8Array, end: Uint8Array, round: number): void {
  const depth = rangeDepth(store.levels, begin, end);
  for (let level = 0; level < depth; level++) {
    let from = begin;
    for (let step = 0; ; step++) {
      const pick = pickRange(store.levels, SMALL_SIZES, level, from, end);
      if (pick === undefined) break;
      expect(step, `round ${round} ends`).toBeLessThan(100);
      carryOut(store, pick, `round ${round}, range of level ${level}`);
      from = userKeyOf(pick.pointer);
    }
    const left = store.levels[level]!.filter((table) =>
      overlap({ smallest: begin, largest: end }, userKeyRangeOf([table])),
    );
    expect(numbers(left), `round ${round}: left in level ${level}`).toEqual([]);
  }
}

/** True when a table of a full level could be compacted without an excluded one: tried one by one, as a seek. */
function someAllowed(levels: Levels, excluded: ReadonlySet<number>): boolean {
  return levelScores(levels, SMALL_SIZES).some(
    (score, level) =>
      score >= 1 &&
      levels[level]!.some(
        ({ number }) => pickSeek(levels, SMALL_SIZES, level, number, { excluded }) !== undefined,
      ),
  );
}
