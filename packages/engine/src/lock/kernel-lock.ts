/**
 * The kernel's lock on LevelDB's own LOCK file, by the optional package fs-native-extensions, so that LevelDB (and so
 * classic-level) and this engine exclude each other.
 *
 * LevelDB takes a POSIX lock, which has a trap: a process loses all POSIX locks it has on a file when it closes any
 * descriptor of that file. If classic-level has this store open in this very process, opening LOCK here and closing
 * it again would silently unlock it for a third. So LOCK is opened as late and as seldom as can be:
 *
 * 1. Callers look at the holder file first.
 * 2. On Linux /proc/locks tells, without opening the file, who has it locked. It also tells where the package is
 *    missing: LevelDB is then refused to us, though we are not refused to it.
 * 3. Only then LOCK is opened, and locked with an open-file-description lock: those conflict with POSIX locks even
 *    within a process, and are lost only with their own descriptor.
 * 4. Where the lock is held all the same (no /proc, or taken this moment), the descriptor stays open for good and is
 *    used for the next attempt: one leaks per store. A worker's are closed when it ends; nothing prevents that.
 * 5. A lock that was got is given up by closing its descriptor. Nobody can have a POSIX lock on the file until then.
 *
 * On macOS the package takes a BSD lock, which LevelDB's does not see.
 */
import { closeSync, constants, fstatSync, openSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { errnoOf, ioError } from '@arena-level/common/base/errors';
import { loadOptional } from '@arena-level/common/base/load-optional';
import { fileName, LOCK_FILE } from '@arena-level/common/storage/file-desc';
import { fileIdentity } from './file-identity.ts';
import { heldByKernel } from './locked-error.ts';
import { kernelLockOwner } from './proc-locks.ts';

const LOCK_NAME = fileName(LOCK_FILE);
const OPEN_LOCK =
  constants.O_RDWR | constants.O_CREAT | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

interface NativeLocks {
  /** False when somebody else has it. */
  tryLock(descriptor: number): boolean;
}

/** A lock on LOCK that is held until `release`. */
export interface KernelLock {
  /** Identity of the LOCK file. */
  readonly lockFile: string;
  release(): void;
}

/** Descriptors of LOCK files that may not be closed, by identity of the file. */
const keptOpen = new Map<string, number>();

/**
 * Locks LOCK, or gives undefined where that is not supported. Throws LEVEL_LOCKED when somebody else has it.
 * `ownerOf` tells who has a file locked without opening it, or undefined where that cannot be told.
 */
export function lockLevelFile(
  directory: string,
  ownerOf: (path: string) => string | undefined = kernelLockOwner,
): KernelLock | undefined {
  const path = join(directory, LOCK_NAME);
  const owner = ownerOf(path);
  if (owner !== undefined) throw heldByKernel(directory, owner);
  const native = loadOptional<NativeLocks>('fs-native-extensions', import.meta.url);
  if (native === undefined) return undefined;
  try {
    return lockFile(directory, path, native);
  } catch (error) {
    throw errnoOf(error) === undefined ? error : ioError('locking', LOCK_NAME, error);
  }
}

function lockFile(directory: string, path: string, native: NativeLocks): KernelLock | undefined {
  for (;;) {
    const descriptor = keptOpen.get(identityOf(path) ?? '') ?? openSync(path, OPEN_LOCK, 0o644);
    const lockFile = fileIdentity(fstatSync(descriptor, { bigint: true }));
    const outcome = tryLock(native, descriptor);
    if (outcome === 'held') {
      keptOpen.set(lockFile, descriptor);
      throw heldByKernel(directory, 'LevelDB or another process');
    }
    keptOpen.delete(lockFile);
    // Somebody may have removed the file between its opening and its locking; a lock on that would exclude nobody.
    if (outcome === 'locked' && identityOf(path) === lockFile) {
      return { lockFile, release: () => closeSync(descriptor) };
    }
    closeSync(descriptor);
    if (outcome === 'unsupported') return undefined;
  }
}

function tryLock(native: NativeLocks, descriptor: number): 'locked' | 'held' | 'unsupported' {
  try {
    return native.tryLock(descriptor) ? 'locked' : 'held';
  } catch {
    // A file system without locks: LevelDB cannot lock there either.
    return 'unsupported';
  }
}

function identityOf(path: string): string | undefined {
  const stats = statSync(path, { bigint: true, throwIfNoEntry: false });
  return stats === undefined ? undefined : fileIdentity(stats);
}
