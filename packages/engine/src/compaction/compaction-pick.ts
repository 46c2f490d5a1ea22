/**
 * What a compaction takes: some tables of a level, and with them all that must come along.
 *
 * A version of a user key in one level is newer than all its versions in deeper levels; readers stop at the first they
 * find. Hence, when tables move down:
 * - Level 0: with a table come all that overlap it, and those that overlap these. An older one that stayed would hide it.
 * - Deeper levels: LevelDB may cut between two versions of a user key, the newer in the table before. With a table
 *   come the later ones that go on with its last user key. An earlier one may stay: what it holds is newer.
 * - The next level: all tables that overlap the range, and the later ones that go on with the last user key: a tombstone
 *   that is dropped because nothing deeper has its key must not leave an older version beside it.
 */
import { LEVELS } from '@arena-level/common/base/limits';
import { compareBytes } from '@arena-level/common/bytes/compare';
import { compareInternalKeys, userKeyOf } from '@arena-level/common/key/internal-key';
import type { UserKeyRange } from '@arena-level/common/protocol/compaction-protocol';
import type { TableMetadata } from '../manifest/table-metadata.ts';
import { expansionLimit, type LevelSizes, maxGrandparentBytes } from '../options/level-sizes.ts';
import { type Levels, overlappingTables } from '../version/version.ts';
import { totalSize } from './level-scores.ts';

export type CompactionReason = 'level0' | 'size' | 'seek' | 'range';

export interface CompactionPick {
  readonly reason: CompactionReason;
  readonly level: number;
  /** The next one. */
  readonly outputLevel: number;
  /** Tables of `level`, at least one: level 0 newest first, others ordered. */
  readonly inputs: readonly TableMetadata[];
  /** Tables of `outputLevel`, ordered. */
  readonly nextInputs: readonly TableMetadata[];
  /** Tables of the level behind the output level that overlap the range of all inputs, ordered. */
  readonly grandparents: readonly TableMetadata[];
  /** The one input may be put one level deeper as it is. */
  readonly isTrivialMove: boolean;
  /** Largest internal key of `inputs`: the next compaction of the level begins behind it. */
  readonly pointer: Uint8Array;
}

/** Where a pick starts from. */
export interface PickSeed {
  readonly reason: CompactionReason;
  readonly level: number;
  /** At least one; of a level other than 0: neighbours, ordered. */
  readonly tables: readonly TableMetadata[];
}

export interface PickOptions {
  /** Numbers of tables known to be damaged: no pick has one. */
  readonly excluded: ReadonlySet<number>;
}

/** The seed with all that must come along, and what may for free; undefined when a table of that is excluded. */
export function completePick(
  levels: Levels,
  sizes: LevelSizes,
  seed: PickSeed,
  options: PickOptions,
): CompactionPick | undefined {
  const { reason, level } = seed;
  const outputLevel = level + 1;
  const least = closedInputs(levels, level, seed.tables);
  const nextInputs = overlapping(levels, outputLevel, userKeyRangeOf(least));
  const inputs = widened(levels, sizes, level, least, nextInputs, options);
  const all = inputs.concat(nextInputs);
  if (hasExcluded(all, options)) return undefined;
  const range = userKeyRangeOf(all);
  const grandparents =
    outputLevel + 1 < LEVELS ? overlappingTables(levels, outputLevel + 1, range.smallest, range.largest) : [];
  // A range compaction is asked for to get rid of what is deleted and shadowed; a move would leave it.
  const isTrivialMove =
    reason !== 'range' &&
    inputs.length === 1 &&
    nextInputs.length === 0 &&
    totalSize(grandparents) <= maxGrandparentBytes(sizes);
  const pointer = largestOf(inputs);
  return { reason, level, outputLevel, inputs, nextInputs, grandparents, isTrivialMove, pointer };
}

/** User keys from the first to the last of the tables. REQUIRES: at least one table. */
export function userKeyRangeOf(tables: readonly TableMetadata[]): UserKeyRange {
  let { smallest } = tables[0]!;
  for (const table of tables) {
    if (compareInternalKeys(table.smallest, smallest) < 0) smallest = table.smallest;
  }
  return { smallest: userKeyOf(smallest), largest: userKeyOf(largestOf(tables)) };
}

function largestOf(tables: readonly TableMetadata[]): Uint8Array {
  let { largest } = tables[0]!;
  for (const table of tables) {
    if (compareInternalKeys(table.largest, largest) > 0) largest = table.largest;
  }
  return largest;
}

function closedInputs(
  levels: Levels,
  level: number,
  tables: readonly TableMetadata[],
): readonly TableMetadata[] {
  if (level > 0) return withLaterVersions(levels[level]!, tables);
  const { smallest, largest } = userKeyRangeOf(tables);
  return overlappingTables(levels, 0, smallest, largest);
}

/** The tables of a level that overlap a range, and those that must come along. */
function overlapping(levels: Levels, level: number, range: UserKeyRange): readonly TableMetadata[] {
  const tables = overlappingTables(levels, level, range.smallest, range.largest);
  return level > 0 ? withLaterVersions(levels[level]!, tables) : tables;
}

/** Neighbours of a level, and the tables behind them as long as each begins with the user key that the one before ends with. */
function withLaterVersions(
  level: readonly TableMetadata[],
  tables: readonly TableMetadata[],
): readonly TableMetadata[] {
  const last = tables.at(-1);
  if (last === undefined) return tables;
  const start = level.indexOf(last) + 1;
  let end = start;
  while (end < level.length && isSameUserKey(level[end - 1]!.largest, level[end]!.smallest)) end++;
  return end === start ? tables : tables.concat(level.slice(start, end));
}

/**
 * More tables of the level, if that brings no more of the next one and stays below the expansion limit: they are merged
 * without reading more than themselves.
 */
function widened(
  levels: Levels,
  sizes: LevelSizes,
  level: number,
  inputs: readonly TableMetadata[],
  nextInputs: readonly TableMetadata[],
  options: PickOptions,
): readonly TableMetadata[] {
  if (nextInputs.length === 0) return inputs;
  const wider = overlapping(levels, level, userKeyRangeOf(inputs.concat(nextInputs)));
  if (wider.length <= inputs.length || hasExcluded(wider, options)) return inputs;
  if (totalSize(wider) + totalSize(nextInputs) >= expansionLimit(sizes)) return inputs;
  const next = overlapping(levels, level + 1, userKeyRangeOf(wider));
  return next.length === nextInputs.length ? wider : inputs;
}

function hasExcluded(tables: readonly TableMetadata[], { excluded }: PickOptions): boolean {
  return excluded.size > 0 && tables.some(({ number }) => excluded.has(number));
}

function isSameUserKey(left: Uint8Array, right: Uint8Array): boolean {
  return compareBytes(userKeyOf(left), userKeyOf(right)) === 0;
}
