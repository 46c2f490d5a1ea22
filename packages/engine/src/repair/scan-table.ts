import { EMPTY_BYTES } from '@arena-level/common/bytes/compare';
import { makeInternalKey } from '@arena-level/common/key/internal-key';
import { fromWireError } from '@arena-level/common/protocol/wire-error';
import { fileName, tableFile } from '@arena-level/common/storage/file-desc';
import type { Storage } from '@arena-level/common/storage/storage';
import { verifyTable } from '@arena-level/worker-flush/verify-table';
import type { TableMetadata } from '../manifest/table-metadata.ts';
import type { FileProblem } from '../public/public-types.ts';
import { isLoss, problemOf } from './problem.ts';
import { walkTable } from './walk-table.ts';

/** What a table holds, by its own bytes. Without entries there are no bounds. */
export interface ScannedTable extends TableMetadata {
  /** Entries that can be read. */
  readonly entries: number;
  readonly smallestSequence: number;
  readonly largestSequence: number;
  /** Empty: the table may stay as it is. */
  readonly damage: readonly FileProblem[];
}

/** Reads all of a table. `statedSize`: its bytes by the manifest, where one is trusted. */
export async function scanTable(
  storage: Storage,
  number: number,
  statedSize?: number,
): Promise<ScannedTable> {
  const damage: FileProblem[] = [];
  let entries = 0;
  let smallest: Uint8Array = EMPTY_BYTES;
  let last: Uint8Array = EMPTY_BYTES;
  let smallestSequence = Number.POSITIVE_INFINITY;
  let largestSequence = 0;
  await walkTable(storage, number, statedSize, {
    entry({ keyBytes, keyEnd, sequence, kind }) {
      last = makeInternalKey(keyBytes.subarray(0, keyEnd), sequence, kind);
      if (entries++ === 0) smallest = last;
      smallestSequence = Math.min(smallestSequence, sequence);
      largestSequence = Math.max(largestSequence, sequence);
    },
    damage: (problem) => void damage.push(problem),
  });
  const size = statedSize ?? storage.sizeNow(tableFile(number)) ?? 0;
  const scanned = { number, size, entries, smallest, largest: last, smallestSequence, largestSequence };
  if (damage.length === 0) checkTheRest(storage, scanned, damage);
  return { ...scanned, damage };
}

/** All entries can be read; what else readers need may be damaged. */
function checkTheRest(storage: Storage, table: TableMetadata, damage: FileProblem[]): void {
  const file = fileName(tableFile(table.number));
  const { number: tableNumber, size, smallest, largest } = table;
  const verified = verifyTable({ tableNumber, size, smallest, largest }, storage);
  if (verified.kind === 'failed') {
    const error = fromWireError(verified.error);
    if (!isLoss(error)) throw error;
    damage.push(problemOf(file, error));
    return;
  }
  for (const reason of verified.problems) damage.push({ file, reason });
}
