/**
 * Which compaction comes next. Pure: the same levels and pointers give the same pick, and what a pick takes is in
 * `compaction-pick.ts`.
 *
 * A level is walked round by its compaction pointer, so that every part of it has its turn. The last level is never an
 * input.
 */
import { LEVELS } from '@arena-level/common/base/limits';
import { compareBytes } from '@arena-level/common/bytes/compare';
import { compareInternalKeys } from '@arena-level/common/key/internal-key';
import type { TableMetadata } from '../manifest/table-metadata.ts';
import type { LevelSizes } from '../options/level-sizes.ts';
import { type Levels, overlappingTables } from '../version/version.ts';
import { type CompactionPick, completePick, type PickOptions } from './compaction-pick.ts';
import { urgentLevels } from './level-scores.ts';

const NONE_EXCLUDED: PickOptions = { excluded: new Set() };

/**
 * A compaction of the level that is most over its size, from the first table behind its pointer on. Where that would
 * take an excluded table, the next table is tried, once round the level, and then the next level over its size.
 */
export function pickCompaction(
  levels: Levels,
  sizes: LevelSizes,
  pointers: (level: number) => Uint8Array | undefined,
  options: PickOptions,
): CompactionPick | undefined {
  for (const level of urgentLevels(levels, sizes)) {
    const reason = level === 0 ? 'level0' : 'size';
    for (const table of inTurn(levels[level]!, level, pointers(level))) {
      const pick = completePick(levels, sizes, { reason, level, tables: [table] }, options);
      if (pick !== undefined) return pick;
    }
  }
  return undefined;
}

/** A compaction of a table that was sought in too often; undefined when it is not in the level any more. */
export function pickSeek(
  levels: Levels,
  sizes: LevelSizes,
  level: number,
  tableNumber: number,
  options: PickOptions = NONE_EXCLUDED,
): CompactionPick | undefined {
  if (level >= LEVELS - 1) return undefined;
  const table = levels[level]!.find(({ number }) => number === tableNumber);
  if (table === undefined) return undefined;
  return completePick(levels, sizes, { reason: 'seek', level, tables: [table] }, options);
}

/**
 * One step of compacting the user keys [begin, end], both included, out of a level; absent: unbounded. Of level 0 it
 * takes all of the range: an older table that stayed would hide what moved (LevelDB's issue 178). Of other levels it
 * takes about the bytes of one table; the caller repeats from the user key of the pointer on. Undefined: nothing is left.
 *
 * Which levels to do: those above `rangeDepth` of the whole range, asked once. Damaged tables are not passed over here:
 * who asks for a range is to learn of them.
 */
export function pickRange(
  levels: Levels,
  sizes: LevelSizes,
  level: number,
  begin?: Uint8Array,
  end?: Uint8Array,
): CompactionPick | undefined {
  if (level >= LEVELS - 1 || isInverted(begin, end)) return undefined;
  const found = overlappingTables(levels, level, begin, end);
  const tables = level === 0 ? found : firstBytes(found, sizes.tableBytes);
  if (tables.length === 0) return undefined;
  return completePick(levels, sizes, { reason: 'range', level, tables }, NONE_EXCLUDED);
}

/**
 * The level in which a compaction of a range ends: the deepest that overlaps it, which is not rewritten itself, and at
 * least 1, so that level 0 is always merged. 0: no table overlaps the range.
 */
export function rangeDepth(levels: Levels, begin?: Uint8Array, end?: Uint8Array): number {
  if (isInverted(begin, end)) return 0;
  for (let level = LEVELS - 1; level >= 0; level--) {
    if (overlappingTables(levels, level, begin, end).length > 0) return Math.max(level, 1);
  }
  return 0;
}

/** The tables of a level in the order of their turns: from the first that ends behind the pointer on, and round. */
function inTurn(
  tables: readonly TableMetadata[],
  level: number,
  pointer: Uint8Array | undefined,
): readonly TableMetadata[] {
  const ordered =
    level > 0
      ? tables
      : [...tables].sort((left, right) => compareInternalKeys(left.smallest, right.smallest));
  if (pointer === undefined) return ordered;
  const first = ordered.findIndex(({ largest }) => compareInternalKeys(largest, pointer) > 0);
  return first <= 0 ? ordered : ordered.slice(first).concat(ordered.slice(0, first));
}

/** The first tables that have so many bytes together. */
function firstBytes(tables: readonly TableMetadata[], bytes: number): readonly TableMetadata[] {
  let sum = 0;
  const last = tables.findIndex(({ size }) => {
    sum += size;
    return sum >= bytes;
  });
  return last < 0 ? tables : tables.slice(0, last + 1);
}

function isInverted(begin: Uint8Array | undefined, end: Uint8Array | undefined): boolean {
  return begin !== undefined && end !== undefined && compareBytes(begin, end) > 0;
}
