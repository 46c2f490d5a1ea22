/** The parts of a CompactionJob that follow from a pick and its version. Key ranges are copies: they cross to a thread. */
import { LEVELS } from '@arena-level/common/base/limits';
import { compareBytes } from '@arena-level/common/bytes/compare';
import { userKeyOf } from '@arena-level/common/key/internal-key';
import type {
  InputTable,
  SizedKeyRange,
  UserKeyRange,
} from '@arena-level/common/protocol/compaction-protocol';
import type { TableMetadata } from '../manifest/table-metadata.ts';
import { type LevelSizes, maxGrandparentBytes } from '../options/level-sizes.ts';
import { type Levels, overlappingTables } from '../version/version.ts';
import { type CompactionPick, userKeyRangeOf } from './compaction-pick.ts';
import { totalSize } from './level-scores.ts';

/** Outputs per table's worth of input bytes that numbers are set aside for; see `tempNumberCount`. */
const OUTPUTS_PER_TABLE_BYTES = 4;
const SPARE_OUTPUTS = 16;

/** What is to be cut into parts. */
export type SplitPick = Pick<CompactionPick, 'level' | 'inputs' | 'nextInputs'>;

export function compactionBytes(pick: CompactionPick): number {
  return totalSize(pick.inputs) + totalSize(pick.nextInputs);
}

/** The inputs as runs, newest first: each table of level 0, or the tables of a deeper level; then those of the next level. */
export function toRuns(pick: CompactionPick): InputTable[][] {
  const own =
    pick.level === 0
      ? [...pick.inputs].sort((left, right) => right.number - left.number).map((table) => [table])
      : [[...pick.inputs]];
  return pick.nextInputs.length === 0 ? own : [...own, [...pick.nextInputs]];
}

/**
 * The ranges of all tables deeper than the output level that overlap the user keys [begin, end], both included: one
 * list per level that has any, upper levels first.
 */
export function belowRanges(
  levels: Levels,
  outputLevel: number,
  begin: Uint8Array | undefined,
  end: Uint8Array | undefined,
): UserKeyRange[][] {
  const ranges: UserKeyRange[][] = [];
  for (let level = outputLevel + 1; level < LEVELS; level++) {
    const tables = overlappingTables(levels, level, begin, end);
    if (tables.length > 0) ranges.push(tables.map(keyRangeOf));
  }
  return ranges;
}

export function grandparentRanges(pick: CompactionPick): SizedKeyRange[] {
  return pick.grandparents.map((table) => ({ ...keyRangeOf(table), size: table.size }));
}

/**
 * How many temporary files to set numbers aside for. An output ends behind a table's bytes, or where it overlaps too many
 * grandparents. Outputs may have more bytes than the inputs, which may be compressed better: four times as many are allowed
 * for. More than that is no failure: the last output takes what is left.
 */
export function tempNumberCount(pick: CompactionPick, sizes: LevelSizes): number {
  const bySize = Math.ceil(compactionBytes(pick) / sizes.tableBytes);
  const byGrandparents = Math.ceil(totalSize(pick.grandparents) / maxGrandparentBytes(sizes));
  return OUTPUTS_PER_TABLE_BYTES * bySize + byGrandparents + SPARE_OUTPUTS;
}

/**
 * User keys that cut the work into at most `parts` parts of about equal bytes: the first keys of some tables, ascending, none
 * of them the first or the last key of all. A part has the keys from one cut on, up to the next. Fewer come back where
 * the tables do not allow more.
 *
 * Where a table lies across several borders, its bytes are taken to be spread evenly over the pieces between them.
 */
export function splitPoints(pick: SplitPick, parts: number): Uint8Array[] {
  const all = pick.inputs.concat(pick.nextInputs);
  const borders = bordersOf(pick, userKeyRangeOf(all));
  if (parts <= 1 || borders.length === 0) return [];
  const before = bytesBefore(all, borders);
  const total = totalSize(all);
  const points: Uint8Array[] = [];
  let next = 0;
  for (let part = 1; part < parts && next < borders.length; part++) {
    const target = (total * part) / parts;
    let best = next;
    while (best + 1 < borders.length && isNearer(before[best + 1]!, before[best]!, target)) best++;
    points.push(borders[best]!);
    next = best + 1;
  }
  return points;
}

/**
 * Where the work can be cut. Tables of level 0 tend to have all keys from first to last: their first keys lie close
 * together and say nothing of where the bytes are, so they count only when the next level has no borders to offer.
 */
function bordersOf(pick: SplitPick, whole: UserKeyRange): Uint8Array[] {
  const next = innerKeys(pick.nextInputs, whole);
  return pick.level === 0 && next.length > 0 ? next : innerKeys(pick.inputs.concat(pick.nextInputs), whole);
}

/** The first user keys of the tables that lie inside of the range, ascending, each once. */
function innerKeys(tables: readonly TableMetadata[], whole: UserKeyRange): Uint8Array[] {
  const keys = tables.map(({ smallest }) => new Uint8Array(userKeyOf(smallest))).sort(compareBytes);
  return keys.filter(
    (key, at) =>
      compareBytes(key, whole.smallest) > 0 &&
      compareBytes(key, whole.largest) < 0 &&
      (at === 0 || compareBytes(keys[at - 1]!, key) < 0),
  );
}

/** About how many bytes lie before each border. */
function bytesBefore(tables: readonly TableMetadata[], borders: readonly Uint8Array[]): number[] {
  const inPiece: number[] = new Array(borders.length + 1).fill(0);
  for (const { smallest, largest, size } of tables) {
    const first = pieceOf(borders, userKeyOf(smallest));
    const last = pieceOf(borders, userKeyOf(largest));
    for (let piece = first; piece <= last; piece++) inPiece[piece]! += size / (last - first + 1);
  }
  let sum = 0;
  return borders.map((_, piece) => {
    sum += inPiece[piece]!;
    return sum;
  });
}

/** How many borders lie at or before a key: the number of the piece that it is in. */
function pieceOf(borders: readonly Uint8Array[], key: Uint8Array): number {
  let low = 0;
  let high = borders.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compareBytes(borders[middle]!, key) <= 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

function isNearer(bytes: number, than: number, target: number): boolean {
  return Math.abs(bytes - target) < Math.abs(than - target);
}

function keyRangeOf({ smallest, largest }: TableMetadata): UserKeyRange {
  return { smallest: new Uint8Array(userKeyOf(smallest)), largest: new Uint8Array(userKeyOf(largest)) };
}
