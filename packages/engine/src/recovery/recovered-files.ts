/** What a manifest asks of the files beside it. */
import { corruption, type EngineError } from '@arena-level/common/base/errors';
import {
  type FileDesc,
  FileType,
  fileName,
  journalFile,
  tableFile,
} from '@arena-level/common/storage/file-desc';
import type { Storage } from '@arena-level/common/storage/storage';
import type { VersionSet } from '../version/version-set.ts';
import type { JournalProblem } from './journal-replay.ts';

/** Journals that are not wholly in tables, in the order in which they were written. */
export function liveJournals(files: readonly FileDesc[], versions: VersionSet): number[] {
  const { prevLogNumber } = versions.recovered;
  return files
    .filter((file) => file.type === FileType.Journal)
    .map((file) => file.number)
    .filter((number) => number >= versions.logNumber || (prevLogNumber !== 0 && number === prevLogNumber))
    .sort((a, b) => a - b);
}

/** The journal that the manifest names had a durable name before that: gone, it has taken with it what it held. */
export function missingJournal(files: readonly FileDesc[], versions: VersionSet): EngineError | undefined {
  const { logNumber } = versions;
  const isThere = files.some(({ type, number }) => type === FileType.Journal && number === logNumber);
  if (logNumber === 0 || isThere) return undefined;
  return corruption(
    "the manifest names this journal, and it is missing (see option 'recover')",
    fileName(journalFile(logNumber)),
  );
}

export function problemOf({ file, message }: EngineError): JournalProblem {
  return { file: file!, offset: 0, reason: message };
}

export function checkTablesExist(storage: Storage, versions: VersionSet): void {
  for (const { number, size } of versions.current.levels.flat()) {
    const found = storage.sizeNow(tableFile(number));
    if (found === undefined)
      throw corruption('the manifest lists this table, and it is missing', fileName(tableFile(number)));
    // LevelDB finds the footer at the end by the manifest; a longer file is read as if cut there.
    if (found < size) {
      throw corruption(
        `it has ${found} bytes, and the manifest states ${size}`,
        fileName(tableFile(number)),
        found,
      );
    }
  }
}
