import { systemClock } from '@arena-level/common/base/clock';
import { EngineError, ErrorCode } from '@arena-level/common/base/errors';
import { FileType } from '@arena-level/common/storage/file-desc';
import { whatIsAt } from '@arena-level/common/storage/node-directory';
import { NodeStorage } from '@arena-level/common/storage/node-storage';
import type { Storage } from '@arena-level/common/storage/storage';
import { type DirectoryLock, lockDirectory } from '../lock/directory-lock.ts';
import { checkCallOptions, type OptionKinds } from '../options/call-options.ts';
import { type OpenOptions, resolveOptions } from '../options/options.ts';
import type { RepairProgress, RepairReport } from '../public/public-types.ts';
import { repairFiles } from '../repair/repair-files.ts';
import { directoryOf, notADirectory } from './location.ts';
import type { OpenModules } from './open-modules.ts';

const STORE_FILES: ReadonlySet<FileType> = new Set([
  FileType.Current,
  FileType.Manifest,
  FileType.Table,
  FileType.Journal,
]);

const REPAIR_OPTIONS: OptionKinds = {
  onProgress: { fits: (value) => typeof value === 'function', wanted: 'a function' },
};

export interface RepairOptions extends OpenOptions {
  /** Called at the beginning, and after each table and the journals. */
  readonly onProgress?: (progress: RepairProgress) => void;
}

/**
 * Makes the store in the directory `location` open again, with all that can be read of it: rebuilds a manifest that is
 * missing or damaged, tables of which parts are damaged, and journals. Deletes nothing: what is of no use goes to
 * `lost/`. Of the options, those count that say how tables are built, and `forceLock`.
 *
 * Rejects with ARENA_INVALID_OPTION, ARENA_INVALID_ARGUMENT, ARENA_STORE_MISSING, LEVEL_LOCKED, LEVEL_IO_ERROR or
 * LEVEL_NOT_SUPPORTED.
 */
export async function repair(
  location: string,
  options: RepairOptions = {},
  modules: Pick<OpenModules, 'storage' | 'clock'> = {},
): Promise<RepairReport> {
  const { onProgress, ...openOptions } = options;
  checkCallOptions('repair', { onProgress }, REPAIR_OPTIONS);
  const resolved = resolveOptions(openOptions);
  const directory = directoryOf(location);
  if (modules.storage === undefined) requireDirectory(directory);
  const storage = modules.storage ?? new NodeStorage(directory);
  let lock: DirectoryLock | undefined;
  try {
    // As in an open: what is refused leaves no trace, not even of a lock.
    requireStore(storage);
    lock = lockDirectory(storage, directory, { force: resolved.forceLock });
    requireStore(storage);
    return await repairFiles(storage, modules.clock ?? systemClock, resolved, onProgress);
  } finally {
    storage.closeNow();
    lock?.release();
  }
}

function requireDirectory(directory: string): void {
  const found = whatIsAt(directory);
  if (found === 'other') throw notADirectory(directory);
  if (found === 'nothing') throw noStoreIn(directory);
}

function requireStore(storage: Storage): void {
  if (!storage.listNow().some(({ type }) => STORE_FILES.has(type))) throw noStoreIn(storage.location);
}

function noStoreIn(location: string): EngineError {
  return new EngineError(ErrorCode.StoreMissing, `there is no store in ${location} to repair`);
}
