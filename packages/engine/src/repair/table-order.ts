/**
 * Puts tables in the order of their age, oldest first, when no manifest says what it is.
 *
 * LevelDB reads the tables of level 0 from the highest number down and takes the first version of a key that it
 * finds. So for any two tables that share a user key, the one with the newer version has to come later. The highest
 * sequence number of a table does not tell: a compaction moves new entries down beside old ones, and a table of
 * level 1 may hold a newer entry than any of level 0 and still the older version of a key that both have. Where the
 * sequence numbers of two overlapping tables interleave, the keys they share are compared, two tables at a time.
 */
import { MAX_SEQUENCE } from '@arena-level/common/base/limits';
import { runLater } from '@arena-level/common/base/steps';
import { compareRanges } from '@arena-level/common/bytes/compare';
import { userKeyOf } from '@arena-level/common/key/internal-key';
import { tableFile } from '@arena-level/common/storage/file-desc';
import type { Storage } from '@arena-level/common/storage/storage';
import { uncachedBlocks } from '@arena-level/common/table/block-source';
import { TableIterator } from '@arena-level/common/table/table-iterator';
import { openTable, type TableReader } from '@arena-level/common/table/table-reader';
import type { ScannedTable } from './scan-table.ts';

export interface TableOrder {
  /** Oldest first; where nothing else decides, by the highest sequence number. */
  readonly tables: readonly ScannedTable[];
  /** False when tables contradict each other, as those of one store never do. */
  readonly isCertain: boolean;
}

/** REQUIRES: every table can be read. */
export async function orderByAge(storage: Storage, unordered: readonly ScannedTable[]): Promise<TableOrder> {
  const tables = [...unordered].sort(byLargestSequence);
  /** By index: the tables that must come before. */
  const before = tables.map(() => new Set<number>());
  for (let i = 0; i < tables.length; i++) {
    let left: TableReader | undefined;
    try {
      for (let j = i + 1; j < tables.length; j++) {
        if (!overlap(tables[i]!, tables[j]!)) continue;
        if (tables[i]!.largestSequence < tables[j]!.smallestSequence) {
          before[j]!.add(i);
          continue;
        }
        left ??= await openNumbered(storage, tables[i]!);
        const order = await compareAge(storage, left, tables[j]!);
        if (order < 0) before[j]!.add(i);
        if (order > 0) before[i]!.add(j);
      }
    } finally {
      left?.close();
    }
  }
  return sortByConstraints(tables, before);
}

function sortByConstraints(
  tables: readonly ScannedTable[],
  before: readonly ReadonlySet<number>[],
): TableOrder {
  const waiting = new Set(tables.keys());
  const ordered: ScannedTable[] = [];
  let isCertain = true;
  const isFree = (index: number): boolean => {
    for (const other of before[index]!) if (waiting.has(other)) return false;
    return true;
  };
  while (waiting.size > 0) {
    const candidates = [...waiting];
    const free = candidates.find(isFree);
    if (free === undefined) isCertain = false;
    const next = free ?? candidates[0]!;
    waiting.delete(next);
    ordered.push(tables[next]!);
  }
  return { tables: ordered, isCertain };
}

function byLargestSequence(left: ScannedTable, right: ScannedTable): number {
  return left.largestSequence - right.largestSequence || left.number - right.number;
}

function overlap(left: ScannedTable, right: ScannedTable): boolean {
  return (
    Buffer.compare(userKeyOf(left.smallest), userKeyOf(right.largest)) <= 0 &&
    Buffer.compare(userKeyOf(right.smallest), userKeyOf(left.largest)) <= 0
  );
}

async function openNumbered(storage: Storage, { number, size }: ScannedTable): Promise<TableReader> {
  const file = await storage.openRead(tableFile(number));
  try {
    return await runLater(openTable(file, size));
  } catch (error) {
    file.closeNow();
    throw error;
  }
}

/** Negative: `left` is older than `right`; positive: newer; 0: they share no key, or only the same entries. */
async function compareAge(storage: Storage, left: TableReader, right: ScannedTable): Promise<number> {
  const other = await openNumbered(storage, right);
  const leftEntry = new TableIterator(left, uncachedBlocks);
  const rightEntry = new TableIterator(other, uncachedBlocks);
  try {
    return await compareShared(leftEntry, rightEntry);
  } finally {
    leftEntry.release();
    rightEntry.release();
    other.close();
  }
}

/** Each goes to the other's key in turn, so that what only one of them has is skipped. */
async function compareShared(left: TableIterator, right: TableIterator): Promise<number> {
  left.first();
  await left.unblock();
  while (left.valid) {
    await seekTo(right, left);
    if (!right.valid) return 0;
    if (compareUserKeys(left, right) < 0) {
      await seekTo(left, right);
    } else {
      if (left.sequence !== right.sequence) return left.sequence - right.sequence;
      await leaveKey(left);
    }
  }
  return 0;
}

/** To the newest version of the user key that `target` is at, or to the key behind. */
async function seekTo(iterator: TableIterator, target: TableIterator): Promise<void> {
  iterator.seek(target.keyBytes, target.keyStart, target.keyEnd, MAX_SEQUENCE);
  await iterator.unblock();
}

async function leaveKey(iterator: TableIterator): Promise<void> {
  const key = iterator.keyBytes.slice(iterator.keyStart, iterator.keyEnd);
  do {
    iterator.next();
    await iterator.unblock();
  } while (
    iterator.valid &&
    compareRanges(iterator.keyBytes, iterator.keyStart, iterator.keyEnd, key, 0, key.length) === 0
  );
}

function compareUserKeys(left: TableIterator, right: TableIterator): number {
  return compareRanges(
    left.keyBytes,
    left.keyStart,
    left.keyEnd,
    right.keyBytes,
    right.keyStart,
    right.keyEnd,
  );
}
