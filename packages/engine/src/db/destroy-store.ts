/**
 * Removes a store. In this order, the directory synced after each: CURRENT → side files, manifests, temporary files →
 * journals and tables; then `lost/`, LOCK, the holder file with the lock, and the directory.
 *
 * From the first step on the store does not open any more: a directory with tables or journals and no CURRENT is
 * refused. When they begin to go, nothing is left beside them that a store created in their place could take for its
 * own. So after a crash at any point `destroy` is called again, and nothing else works.
 */

import {
  CURRENT_FILE,
  type FileDesc,
  FileType,
  fileName,
  LOCK_FILE,
} from '@arena-level/common/storage/file-desc';
import { namesIn, removeDirectoryIfEmpty, whatIsAt } from '@arena-level/common/storage/node-directory';
import { NodeStorage } from '@arena-level/common/storage/node-storage';
import type { Storage } from '@arena-level/common/storage/storage';
import { lockDirectory } from '../lock/directory-lock.ts';
import { type OpenOptions, resolveOptions } from '../options/options.ts';
import type { DestroyReport } from '../public/public-types.ts';
import { directoryOf, notADirectory } from './location.ts';
import type { OpenModules } from './open-modules.ts';

const DATA: ReadonlySet<FileType> = new Set([FileType.Journal, FileType.Table]);
/** They go with the lock. */
const LOCKS: ReadonlySet<FileType> = new Set([FileType.Lock, FileType.Holder]);

/**
 * Removes the store in the directory `location`: every file whose name is one of a store's, and the directory if
 * nothing else is in it. A directory that does not exist is fine.
 *
 * Rejects with ARENA_INVALID_ARGUMENT where `location` is a file, LEVEL_LOCKED or LEVEL_IO_ERROR.
 */
export async function destroy(
  location: string,
  options?: Pick<OpenOptions, 'forceLock'>,
  modules: Pick<OpenModules, 'storage'> = {},
): Promise<DestroyReport> {
  const { forceLock } = resolveOptions(options);
  const directory = directoryOf(location);
  if (modules.storage !== undefined) {
    const removed = await removeStore(modules.storage, directory, forceLock);
    return { removed, stayed: [], directoryRemoved: false };
  }
  const found = whatIsAt(directory);
  if (found === 'other') throw notADirectory(directory);
  if (found === 'nothing') return { removed: [], stayed: [], directoryRemoved: false };
  const removed = await removeStore(new NodeStorage(directory), directory, forceLock);
  if (removeDirectoryIfEmpty(directory)) return { removed, stayed: [], directoryRemoved: true };
  return { removed, stayed: namesIn(directory), directoryRemoved: false };
}

/** Names that programs of all kinds give their files: alone they are no store. */
const COMMON: ReadonlySet<FileType> = new Set([FileType.InfoLog, FileType.OldInfoLog]);

/** Everything but the directory. What holds no store is not touched, not even by a lock. */
async function removeStore(storage: Storage, directory: string, force: boolean): Promise<string[]> {
  if (storage.listNow().every(({ type }) => COMMON.has(type))) return [];
  const lock = lockDirectory(storage, directory, { force });
  try {
    const removed = await removeFiles(storage);
    // While the holder file still keeps others out: who locks a LOCK of that name now is not the only one.
    storage.removeNow(LOCK_FILE);
    return removed;
  } finally {
    storage.closeNow();
    lock.release();
  }
}

async function removeFiles(storage: Storage): Promise<string[]> {
  const removed: string[] = [];
  const remove = async (isWanted: (file: FileDesc) => boolean): Promise<void> => {
    const files = storage.listNow().filter((file) => !LOCKS.has(file.type) && isWanted(file));
    for (const file of files) {
      await storage.remove(file);
      removed.push(fileName(file));
    }
    if (files.length > 0) await storage.syncDirectory();
  };
  await remove((file) => file.type === CURRENT_FILE.type);
  await remove((file) => !DATA.has(file.type));
  await remove((file) => DATA.has(file.type));
  return removed.concat(storage.emptyLostNow());
}
