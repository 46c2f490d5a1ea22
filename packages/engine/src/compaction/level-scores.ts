/** How far each level is over its size: from 1 on it calls for a compaction. */
import { LEVELS } from '@arena-level/common/base/limits';
import type { TableMetadata } from '../manifest/table-metadata.ts';
import { type LevelSizes, levelLimit } from '../options/level-sizes.ts';
import type { Levels } from '../version/version.ts';

/**
 * One score per level. Level 0 counts tables, for each of them is asked by every read; deeper levels count bytes. The
 * last level has nowhere to go and never scores.
 */
export function levelScores(levels: Levels, sizes: LevelSizes): number[] {
  return Array.from({ length: LEVELS }, (_, level) => {
    if (level === LEVELS - 1) return 0;
    const tables = levels[level]!;
    return level === 0 ? tables.length / sizes.level0Trigger : totalSize(tables) / levelLimit(sizes, level);
  });
}

/**
 * The levels that call for a compaction, the most urgent first; of equal ones the lower first. Level 0 at its pause trigger
 * comes before all: writers wait for it, and are to wait for no other.
 */
export function urgentLevels(levels: Levels, sizes: LevelSizes): number[] {
  const scores = levelScores(levels, sizes);
  if (levels[0]!.length >= sizes.level0Pause) scores[0] = Number.POSITIVE_INFINITY;
  const urgent = [...scores.keys()].filter((level) => scores[level]! >= 1);
  return urgent.sort((left, right) =>
    scores[left] === scores[right] ? left - right : scores[right]! - scores[left]!,
  );
}

export function totalSize(tables: readonly TableMetadata[]): number {
  let bytes = 0;
  for (const { size } of tables) bytes += size;
  return bytes;
}
