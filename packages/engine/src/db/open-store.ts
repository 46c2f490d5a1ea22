/**
 * Opens a store. In this order: options → directory → lock → CURRENT and manifest → tables are there → journals
 * are replayed into tables → the files behind a tear are set aside → a new journal → one commit with everything →
 * leftovers are removed. A crash at any point leaves a store that opens to the same contents.
 */
import { type Clock, systemClock } from '@arena-level/common/base/clock';
import { createDirectory, whatIsAt } from '@arena-level/common/storage/node-directory';
import { NodeStorage } from '@arena-level/common/storage/node-storage';
import type { Storage } from '@arena-level/common/storage/storage';
import { tellOfOpen } from '../channels/open-channel.ts';
import { type DirectoryLock, lockDirectory } from '../lock/directory-lock.ts';
import { type OpenOptions, type ResolvedOptions, resolveOptions } from '../options/options.ts';
import { assembleStore } from './assemble-store.ts';
import { directoryOf, notADirectory } from './location.ts';
import type { OpenModules } from './open-modules.ts';
import { openReadOnly } from './open-read-only.ts';
import { Store } from './store.ts';
import { checkContents, missingStore } from './store-contents.ts';
import { makeStoreCore, type StoreCore } from './store-core.ts';

type Modules = OpenModules & { readonly clock: Clock };

/**
 * Opens the store in the directory `location`, creating it when there is none (see `createIfMissing`), or to read it
 * only (see `readOnly`).
 *
 * Rejects with ARENA_INVALID_OPTION, ARENA_STORE_MISSING, ARENA_STORE_EXISTS, LEVEL_LOCKED, LEVEL_CORRUPTION,
 * LEVEL_IO_ERROR or LEVEL_NOT_SUPPORTED.
 */
export async function open(
  location: string,
  options?: OpenOptions,
  modules: OpenModules = {},
): Promise<Store> {
  const resolved = resolveOptions(options);
  const directory = directoryOf(location);
  const clock = modules.clock ?? systemClock;
  const where = modules.storage?.location ?? directory;
  return await tellOfOpen(where, resolved.readOnly, clock, async () => {
    if (modules.storage === undefined) prepareDirectory(directory, resolved);
    const storage = modules.storage ?? new NodeStorage(directory);
    const core = await openCore(storage, directory, resolved, { ...modules, clock });
    return { result: new Store(core), opened: core };
  });
}

async function openCore(
  storage: Storage,
  directory: string,
  resolved: ResolvedOptions,
  modules: Modules,
): Promise<StoreCore> {
  let lock: DirectoryLock | undefined;
  try {
    // A first look: what is refused by it leaves no trace, not even of a lock. The one that counts is behind the lock.
    checkContents(storage, resolved);
    if (resolved.readOnly) return await openReadOnly(storage, resolved, modules);
    lock = lockDirectory(storage, directory, { force: resolved.forceLock });
    return await openIn(storage, lock, resolved, modules);
  } catch (error) {
    storage.closeNow();
    lock?.release();
    throw error;
  }
}

async function openIn(
  storage: Storage,
  lock: DirectoryLock,
  options: ResolvedOptions,
  modules: Modules,
): Promise<StoreCore> {
  checkContents(storage, options);
  return makeStoreCore(await assembleStore(storage, lock, options, modules));
}

/** The directory exists afterwards, durably where a store may be created in it. */
function prepareDirectory(directory: string, options: ResolvedOptions): void {
  const found = whatIsAt(directory);
  if (found === 'other') throw notADirectory(directory);
  if (options.createIfMissing) createDirectory(directory);
  else if (found === 'nothing') throw missingStore(directory);
}
