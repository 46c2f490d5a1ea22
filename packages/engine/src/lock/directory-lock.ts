/**
 * One opener per store, among the threads of this process, other processes and LevelDB.
 *
 * Two locks together. The holder file is always there: it works without native code and names the holder in errors.
 * The kernel's lock on LevelDB's LOCK file is added where a native package allows it: it also excludes LevelDB, ends
 * with its thread, and proves death across containers.
 *
 * Owned by the thread that took it; released last when a store is closed.
 */
import { realpathSync } from 'node:fs';
import { join } from 'node:path';
import { ioError } from '@arena-level/common/base/errors';
import { fileName, HOLDER_FILE } from '@arena-level/common/storage/file-desc';
import type { Storage } from '@arena-level/common/storage/storage';
import { claimHolder } from './holder-claim.ts';
import { type FoundHolder, readHolder } from './holder-file.ts';
import { judgeHolder } from './holder-verdict.ts';
import { lockLevelFile } from './kernel-lock.ts';
import { heldBy, heldInMemory, holderDamaged } from './locked-error.ts';
import { thisProcess } from './this-process.ts';

export interface LockOptions {
  /**
   * Replaces a holder that is not known to be dead. For a person who knows better. A lock that the kernel says is
   * held is not broken: that holder lives.
   */
  readonly force?: boolean;
}

export interface DirectoryLock {
  /** A second call does nothing. */
  release(): void;
}

/**
 * Locks a store. Throws LEVEL_LOCKED, naming the holder, when it is open elsewhere.
 *
 * A storage that no other thread can reach is locked as an object; `directory` is then not looked at.
 */
export function lockDirectory(storage: Storage, directory: string, options: LockOptions = {}): DirectoryLock {
  const force = options.force ?? false;
  return storage.spec === undefined ? lockObject(storage, force) : lockOnDisk(realPath(directory), force);
}

function lockOnDisk(directory: string, force: boolean): DirectoryLock {
  if (!force) refuseBeforeLocking(directory);
  const kernelLock = lockLevelFile(directory);
  try {
    const claim = claimHolder(directory, kernelLock?.lockFile, (found) => {
      if (!force) refuseUnlessDead(directory, found, kernelLock?.lockFile);
    });
    return releasingOnce(() => {
      try {
        claim.release();
      } finally {
        kernelLock?.release();
      }
    });
  } catch (error) {
    kernelLock?.release();
    throw error;
  }
}

/** A first look, so that LOCK is not opened where it need not be; see kernel-lock.ts. */
function refuseBeforeLocking(directory: string): void {
  const found = readHolder(join(directory, fileName(HOLDER_FILE)));
  if (found === undefined) return;
  if (found.holder === undefined) throw holderDamaged(directory);
  const here = thisProcess();
  const verdict = judgeHolder(found.holder, here, undefined);
  if (verdict.state === 'alive') throw heldBy(directory, found.holder, verdict, here);
}

function refuseUnlessDead(directory: string, found: FoundHolder, lockFile: string | undefined): void {
  if (found.holder === undefined) throw holderDamaged(directory);
  const here = thisProcess();
  const verdict = judgeHolder(found.holder, here, lockFile);
  if (verdict.state !== 'dead') throw heldBy(directory, found.holder, verdict, here);
}

function realPath(directory: string): string {
  try {
    return realpathSync(directory);
  } catch (error) {
    throw ioError('locking', directory, error);
  }
}

/** Which lock holds a storage object. */
const lockedObjects = new WeakMap<Storage, DirectoryLock>();

function lockObject(storage: Storage, force: boolean): DirectoryLock {
  if (lockedObjects.has(storage) && !force) throw heldInMemory(storage.location);
  const lock: DirectoryLock = releasingOnce(() => {
    if (lockedObjects.get(storage) === lock) lockedObjects.delete(storage);
  });
  lockedObjects.set(storage, lock);
  return lock;
}

function releasingOnce(release: () => void): DirectoryLock {
  let held = true;
  return {
    release() {
      if (!held) return;
      held = false;
      release();
    },
  };
}
