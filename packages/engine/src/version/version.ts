/**
 * A version: the tables of the store at one moment, by level.
 *
 * INVARIANTS: immutable. Level 0 is ordered by file number descending, newest table first: the order in which a
 * reader asks them. Deeper levels are ordered by smallest key, and no two of their tables overlap; two neighbours
 * may share a user key at their border (LevelDB cuts there), so lookups compare whole internal keys.
 *
 * Counted: made with one hold, for its maker; when the last is released, tables that no other version has become
 * obsolete (`live-versions.ts`).
 */
import { invariant } from '@arena-level/common/base/invariant';
import { LEVELS } from '@arena-level/common/base/limits';
import { compareRanges } from '@arena-level/common/bytes/compare';
import { readTrailerSequence, TRAILER_BYTES } from '@arena-level/common/key/internal-key';
import type { TableMetadata } from '../manifest/table-metadata.ts';

export type Levels = readonly (readonly TableMetadata[])[];

export const EMPTY_LEVELS: Levels = Array.from({ length: LEVELS }, () => []);

export class Version {
  /** Grows with every version of a store. */
  readonly id: number;
  readonly levels: Levels;
  /** The deepest level that has tables; 0 if none has. */
  readonly deepest: number;
  #holds = 1;
  readonly #onReleased: (version: Version) => void;

  constructor(id: number, levels: Levels, onReleased: (version: Version) => void = () => {}) {
    invariant(levels.length === LEVELS, 'a version has seven levels');
    this.id = id;
    this.levels = levels;
    this.deepest = Math.max(
      0,
      levels.findLastIndex((tables) => tables.length > 0),
    );
    this.#onReleased = onReleased;
  }

  retain(): void {
    invariant(this.#holds > 0, 'a released version is not used again');
    this.#holds++;
  }

  release(): void {
    invariant(this.#holds > 0, 'a version is released once per hold');
    if (--this.#holds === 0) this.#onReleased(this);
  }

  /**
   * Puts the tables that may hold the newest entry of a user key at or below `sequence` into `into`, in the order to
   * ask them, and returns how many: each overlapping table of level 0, then at most one per deeper level.
   */
  tablesFor(
    key: Uint8Array,
    keyStart: number,
    keyEnd: number,
    sequence: number,
    into: TableMetadata[],
  ): number {
    let count = 0;
    for (const table of this.levels[0]!) {
      if (coversUserKey(table, key, keyStart, keyEnd)) into[count++] = table;
    }
    for (let level = 1; level < LEVELS; level++) {
      const tables = this.levels[level]!;
      if (tables.length === 0) continue;
      const table = tables[findTable(tables, key, keyStart, keyEnd, sequence)];
      if (table !== undefined && coversUserKey(table, key, keyStart, keyEnd)) into[count++] = table;
    }
    return count;
  }

  /** True when a table of the level overlaps the user keys [begin, end], both included; absent: unbounded. */
  overlaps(level: number, begin: Uint8Array | undefined, end: Uint8Array | undefined): boolean {
    return tablesFrom(this.levels, level, begin).some((table) => overlapsUserKeys(table, begin, end));
  }

  /** See `overlappingTables`. */
  overlapping(level: number, begin: Uint8Array | undefined, end: Uint8Array | undefined): TableMetadata[] {
    return overlappingTables(this.levels, level, begin, end);
  }

  levelBytes(level: number): number {
    let bytes = 0;
    for (const table of this.levels[level]!) bytes += table.size;
    return bytes;
  }

  get tableCount(): number {
    let count = 0;
    for (const tables of this.levels) count += tables.length;
    return count;
  }
}

/**
 * The tables of a level that overlap the user keys [begin, end], both included; absent: unbounded. In the level's
 * order. Tables of level 0 overlap one another: there the range grows to cover every table it meets, until nothing
 * changes.
 */
export function overlappingTables(
  levels: Levels,
  level: number,
  begin: Uint8Array | undefined,
  end: Uint8Array | undefined,
): TableMetadata[] {
  if (level > 0) {
    return tablesFrom(levels, level, begin).filter((table) => overlapsUserKeys(table, begin, end));
  }
  let from = begin;
  let to = end;
  for (let found = -1; ; ) {
    const tables = levels[0]!.filter((table) => overlapsUserKeys(table, from, to));
    if (tables.length === found) return tables;
    found = tables.length;
    for (const { smallest, largest } of tables) {
      if (from !== undefined && compareUserKeys(smallest, from) < 0) from = userKey(smallest);
      if (to !== undefined && compareUserKeys(largest, to) > 0) to = userKey(largest);
    }
  }
}

/** The tables of a level that can overlap a range from `begin` on, and those behind it. */
function tablesFrom(levels: Levels, level: number, begin: Uint8Array | undefined): readonly TableMetadata[] {
  const tables = levels[level]!;
  if (level === 0 || begin === undefined) return tables;
  return tables.slice(findTable(tables, begin, 0, begin.length, Number.POSITIVE_INFINITY));
}

/** The first of the ordered tables whose largest key is at or after (user key, sequence); tables.length: none is. */
export function findTable(
  tables: readonly TableMetadata[],
  key: Uint8Array,
  keyStart: number,
  keyEnd: number,
  sequence: number,
): number {
  let low = 0;
  let high = tables.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const { largest } = tables[middle]!;
    const trailer = largest.length - TRAILER_BYTES;
    const order = compareRanges(largest, 0, trailer, key, keyStart, keyEnd);
    if (order < 0 || (order === 0 && readTrailerSequence(largest, trailer) > sequence)) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** True when the user key lies between the table's first and last. */
export function coversUserKey(
  table: TableMetadata,
  key: Uint8Array,
  keyStart: number,
  keyEnd: number,
): boolean {
  const { smallest, largest } = table;
  return (
    compareRanges(key, keyStart, keyEnd, smallest, 0, smallest.length - TRAILER_BYTES) >= 0 &&
    compareRanges(key, keyStart, keyEnd, largest, 0, largest.length - TRAILER_BYTES) <= 0
  );
}

function overlapsUserKeys(
  table: TableMetadata,
  begin: Uint8Array | undefined,
  end: Uint8Array | undefined,
): boolean {
  if (begin !== undefined && compareUserKeys(table.largest, begin) < 0) return false;
  return end === undefined || compareUserKeys(table.smallest, end) <= 0;
}

function compareUserKeys(internalKey: Uint8Array, key: Uint8Array): number {
  return compareRanges(internalKey, 0, internalKey.length - TRAILER_BYTES, key, 0, key.length);
}

function userKey(internalKey: Uint8Array): Uint8Array {
  return internalKey.subarray(0, internalKey.length - TRAILER_BYTES);
}
