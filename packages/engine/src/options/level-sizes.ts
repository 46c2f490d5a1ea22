import { KIB, MIB } from '@arena-level/common/base/limits';

/** How large levels and tables become, and how many tables level 0 may have. */
export interface LevelSizes {
  /** Tables of level 0 that call for a compaction, slow writers down, and hold rotations up. Ascending. */
  readonly level0Trigger: number;
  readonly level0Slowdown: number;
  readonly level0Pause: number;
  /** Bytes of level 1 that call for a compaction; each deeper level may have `multiplier` times as many. */
  readonly level1Bytes: number;
  readonly multiplier: number;
  /** Bytes at which a compaction begins its next table. */
  readonly tableBytes: number;
}

/** LevelDB's. */
export const LEVELDB_SIZES: LevelSizes = {
  level0Trigger: 4,
  level0Slowdown: 8,
  level0Pause: 12,
  level1Bytes: 10 * MIB,
  multiplier: 10,
  tableBytes: 2 * MIB,
};

/**
 * For stores with large write buffers: level 1 as large as the level 0 that is merged into it, and tables of a quarter of the
 * buffer, so that no merge of a deeper level takes long. LevelDB's sizes where these are larger.
 */
export function levelSizesFor(writeBufferBytes: number): LevelSizes {
  const { level0Trigger, level1Bytes, tableBytes } = LEVELDB_SIZES;
  return {
    ...LEVELDB_SIZES,
    level1Bytes: Math.max(level1Bytes, level0Trigger * writeBufferBytes),
    tableBytes: Math.max(tableBytes, Math.floor(writeBufferBytes / 4)),
  };
}

/** Least bytes of a table and of a level that the options take. */
export const MIN_TABLE_BYTES: number = 4 * KIB;

/** Bytes that a level other than 0 may have. */
export function levelLimit(sizes: LevelSizes, level: number): number {
  return sizes.level1Bytes * sizes.multiplier ** (level - 1);
}

/** Bytes of the level behind the outputs that one of them may overlap. */
export function maxGrandparentBytes(sizes: LevelSizes): number {
  return 10 * sizes.tableBytes;
}

/** Bytes that a compaction may have when its inputs are widened for free. */
export function expansionLimit(sizes: LevelSizes): number {
  return 25 * sizes.tableBytes;
}
