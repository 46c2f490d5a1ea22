/**
 * Checkpoints of an open store: copies of it in other directories, made while writes, flushes and compactions go on.
 *
 * Each holds one version from the flush to its end, and nothing else of the store: what a version has, no compaction
 * takes away. The directory is locked meanwhile, so that nobody opens half a store. A failure changes nothing in the
 * source, and what was made of the copy is removed.
 *
 * Main thread only.
 */

import { throwIfAborted } from '@arena-level/common/base/aborting';
import type { Clock } from '@arena-level/common/base/clock';
import { EngineError, ErrorCode } from '@arena-level/common/base/errors';
import { LEVELS } from '@arena-level/common/base/limits';
import { FileType, LOCK_FILE } from '@arena-level/common/storage/file-desc';
import {
  createDirectory,
  isInside,
  namesIn,
  removeDirectoryIfEmpty,
  whatIsAt,
} from '@arena-level/common/storage/node-directory';
import { NodeStorage } from '@arena-level/common/storage/node-storage';
import type { Storage } from '@arena-level/common/storage/storage';
import { type CheckpointSource, removeCheckpoint, writeCheckpoint } from '../checkpoint/write-checkpoint.ts';
import type { Health } from '../health/health.ts';
import { lockDirectory } from '../lock/directory-lock.ts';
import { bestEffort } from '../manifest/best-effort.ts';
import type { CheckpointOptions, CheckpointReport, MasterRoot } from '../public/public-types.ts';
import type { RootKeeper } from '../roots/root-keeper.ts';
import type { Version } from '../version/version.ts';
import type { VersionSet } from '../version/version-set.ts';
import { directoryOf, notADirectory } from './location.ts';
import type { OpenModules } from './open-modules.ts';
import type { Verification } from './verification.ts';

export interface CheckpointModules {
  readonly storage: Storage;
  readonly versions: VersionSet;
  readonly roots: RootKeeper;
  readonly verification: Verification;
  readonly health: Health;
  readonly clock: Clock;
  /** Resolves when everything that was acknowledged before the call is in tables. */
  readonly flush: () => Promise<void>;
}

export class Checkpoints {
  readonly #modules: CheckpointModules;
  readonly #running = new Set<Promise<unknown>>();

  constructor(modules: CheckpointModules) {
    this.#modules = modules;
  }

  /** See `Store.checkpoint`. */
  create(
    location: string,
    options: CheckpointOptions,
    modules: Pick<OpenModules, 'storage'>,
  ): Promise<CheckpointReport> {
    const letGo = this.#modules.clock.keepAlive();
    const running = this.#create(location, options, modules).finally(() => {
      this.#running.delete(running);
      letGo();
    });
    this.#running.add(running);
    return running;
  }

  /** Resolves when those under way have given up. REQUIRES: the store is marked as closed. */
  async close(): Promise<void> {
    await Promise.allSettled(this.#running);
  }

  async #create(
    location: string,
    options: CheckpointOptions,
    modules: Pick<OpenModules, 'storage'>,
  ): Promise<CheckpointReport> {
    const directory = directoryOf(location);
    const { storage, versions } = this.#modules;
    this.#checkWanted(options);
    if (modules.storage === undefined) requireFree(storage, directory);
    await this.#modules.flush();
    const version = versions.current;
    const sequence = versions.lastSequence;
    version.retain();
    try {
      const masterRoot = await this.#modules.verification.masterRootOf(version, sequence);
      return await this.#writeInto(directory, modules.storage, options, version, masterRoot);
    } finally {
      version.release();
    }
  }

  /** Makes the directory, unless the storage is given, and takes it back when the rest fails. */
  async #writeInto(
    directory: string,
    given: Storage | undefined,
    options: CheckpointOptions,
    version: Version,
    masterRoot: MasterRoot,
  ): Promise<CheckpointReport> {
    const made = given === undefined ? createDirectory(directory) : [];
    const target = given ?? new NodeStorage(directory);
    try {
      const { root, sequence, tables } = masterRoot;
      return {
        sequence,
        root,
        tables,
        ...(await this.#writeLocked(directory, target, options, version, masterRoot)),
      };
    } catch (error) {
      for (const one of made.reverse()) bestEffort(() => removeDirectoryIfEmpty(one));
      throw error;
    } finally {
      target.closeNow();
    }
  }

  async #writeLocked(
    directory: string,
    target: Storage,
    options: CheckpointOptions,
    version: Version,
    masterRoot: MasterRoot,
  ): Promise<Pick<CheckpointReport, 'linked' | 'copied' | 'bytes'>> {
    const { link = true, onProgress } = options;
    const lock = lockDirectory(target, directory);
    let isOurs = false;
    try {
      requireEmpty(target, directory);
      isOurs = true;
      return await writeCheckpoint(this.#sourceOf(version, masterRoot), target, {
        link,
        checkWanted: () => this.#checkWanted(options),
        onProgress,
      });
    } catch (error) {
      if (isOurs) removeCheckpoint(target);
      // While the holder file still keeps others out, as in `destroy`.
      bestEffort(() => target.removeNow(LOCK_FILE));
      throw error;
    } finally {
      lock.release();
    }
  }

  #checkWanted({ signal }: CheckpointOptions): void {
    this.#modules.health.checkOpen();
    throwIfAborted(signal, 'the checkpoint was aborted, and nothing is left of it');
  }

  #sourceOf(version: Version, { root, sequence }: MasterRoot): CheckpointSource {
    const { storage, versions, roots } = this.#modules;
    return {
      storage,
      levels: version.levels,
      lastSequence: sequence,
      nextFileNumber: versions.nextFileNumber,
      compactPointers: Array.from({ length: LEVELS }, (_, level) => level).flatMap((level) => {
        const key = versions.compactPointer(level);
        return key === undefined ? [] : [{ level, key }];
      }),
      masterRoot: root,
      tableRoot: (table) => roots.rootOf(table)!,
    };
  }
}

/** Throws unless a checkpoint may be made at a path. Changes nothing. */
function requireFree(storage: Storage, directory: string): void {
  const found = whatIsAt(directory);
  if (found === 'other') throw notADirectory(directory);
  const store = storage.spec?.directory;
  if (store !== undefined && isInside(directory, store)) {
    throw new EngineError(
      ErrorCode.InvalidArgument,
      `${directory} is in the directory of the store itself; a checkpoint is made elsewhere`,
    );
  }
  if (found === 'directory' && namesIn(directory).length > 0) throw notEmpty(directory);
}

/** Behind the lock: nothing but the lock is there. */
function requireEmpty(target: Storage, directory: string): void {
  const isLock = ({ type }: { readonly type: FileType }): boolean =>
    type === FileType.Lock || type === FileType.Holder;
  if (!target.listNow().every(isLock)) throw notEmpty(directory);
}

function notEmpty(directory: string): EngineError {
  return new EngineError(
    ErrorCode.InvalidArgument,
    `${directory} is not empty; a checkpoint is made in a directory that is empty, or not there yet`,
  );
}
