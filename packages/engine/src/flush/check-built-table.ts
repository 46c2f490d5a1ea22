import { EngineError, ErrorCode } from '@arena-level/common/base/errors';
import type { Steps } from '@arena-level/common/base/steps';
import { compareBytes } from '@arena-level/common/bytes/compare';
import { type FileDesc, fileName } from '@arena-level/common/storage/file-desc';
import type { Storage } from '@arena-level/common/storage/storage';
import { statedRootOf } from '@arena-level/common/table/stated-root';
import { tableBoundsOf } from '@arena-level/common/table/table-bounds';
import type { TableSummary } from '@arena-level/common/table/table-options';

/**
 * Checks what a builder says of its table before anything depends on it: against the arena (no entry is missing)
 * and against the file (size, footer, root, bounds). Throws ARENA_WORKER_FAILED. But for the first and the last, the data
 * blocks are not read again: their checksums are verified by every reader, their root by `verify`.
 */
export function* checkBuiltTable(
  storage: Storage,
  file: FileDesc,
  arenaEntries: number,
  table: TableSummary,
  dropped: number,
): Steps<void> {
  if (table.entries + dropped !== arenaEntries || table.entries < 1) {
    throw mismatch(
      fileName(file),
      `${table.entries} entries and ${dropped} dropped, and the arena has ${arenaEntries}`,
    );
  }
  yield* checkTableFile(storage, file, table);
}

/** Checks what is said of a table against its file. Throws ARENA_WORKER_FAILED. */
export function* checkTableFile(storage: Storage, file: FileDesc, table: TableSummary): Steps<void> {
  const name = fileName(file);
  const size = storage.sizeNow(file);
  if (size !== table.size)
    throw mismatch(name, `a table of ${table.size} bytes, and the file has ${size ?? 'gone'}`);
  // Not a step: of an open that was taken over, nobody would close the file.
  const readable = storage.openReadNow(file);
  try {
    const stated = yield* statedRootOf(readable);
    if (stated?.blocks !== table.blocks || compareBytes(stated.root, table.root) !== 0) {
      throw mismatch(name, 'another root than the file');
    }
    const { smallest, largest } = yield* tableBoundsOf(readable);
    if (compareBytes(smallest, table.smallest) !== 0 || compareBytes(largest, table.largest) !== 0) {
      throw mismatch(name, 'other bounds than the file');
    }
  } catch (error) {
    if (error instanceof EngineError && error.code === ErrorCode.Corruption)
      throw mismatch(name, error.message);
    throw error;
  } finally {
    readable.closeNow();
  }
}

export function mismatch(name: string, what: string): EngineError {
  return new EngineError(
    ErrorCode.WorkerFailed,
    `the answer of the worker does not match ${name}: it states ${what}`,
    {
      file: name,
    },
  );
}
