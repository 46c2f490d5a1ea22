import { throwIfAborted, unlessAborted } from '@arena-level/common/base/aborting';
import { EngineError, ErrorCode } from '@arena-level/common/base/errors';
import { COMPACTION_ABORTED } from '../compaction/range-compaction.ts';
import type { StoreListener } from '../events/event-sink.ts';
import type { StoreEventName } from '../events/events.ts';
import { checkClearRange } from '../iterator/clear-range.ts';
import { checkIteratorOptions } from '../iterator/iterator-options.ts';
import type { StoreIterator } from '../iterator/store-iterator.ts';
import {
  CHECKPOINT_OPTIONS,
  checkCallOptions,
  nameOf,
  SIGNAL_AND_PROGRESS,
} from '../options/call-options.ts';
import type { IngestOptions, IngestReport, IngestSource } from '../public/ingest-types.ts';
import type {
  BatchOperation,
  CheckpointOptions,
  CheckpointReport,
  ClearRange,
  CompactRangeOptions,
  MasterRoot,
  ReadOptions,
  RecoveryReport,
  RotateOptions,
  VerifyOptions,
  VerifyReport,
  WriteOptions,
} from '../public/public-types.ts';
import type { StoreStats } from '../public/stats.ts';
import { checkKeys, checkReadOptions } from '../read/check-reads.ts';
import type { StoreIteratorReadOptions } from '../read/read-path.ts';
import type { Snapshot } from '../read/snapshot-list.ts';
import type { ThreadHandle } from '../threads/control/handle.ts';
import type { ShareOptions } from '../threads/owner/share-options.ts';
import { checkBatch, checkKey, checkValue, wantsSync } from '../write/check-entries.ts';
import { checkListener, checkRotateOptions } from './check-calls.ts';
import type { OpenModules } from './open-modules.ts';
import { propertyText } from './properties.ts';
import type { StoreCore } from './store-core.ts';

/**
 * An open store: an ordered map from bytes to bytes, in a directory of LevelDB files.
 *
 * Keys and values are `Uint8Array`s (a Buffer is one), borrowed during the call; results are the caller's own.
 * Asynchronous methods reject, and their blocking twins (`…Sync`) throw, an `EngineError` with a `code`. Both keep
 * one order of writes: a twin first completes what was issued before it.
 *
 * Made by `open`. A store belongs to the thread that opened it.
 */
export class Store {
  readonly #core: StoreCore;

  constructor(core: StoreCore) {
    this.#core = core;
  }

  /** The directory. */
  get location(): string {
    return this.#core.storage.location;
  }

  /** What the open found and did. */
  get recovery(): RecoveryReport {
    return this.#core.recovery;
  }

  /** Stores a value under a key, replacing the one before. */
  put(key: Uint8Array, value: Uint8Array, options?: WriteOptions): Promise<void> {
    try {
      checkKey(key);
      checkValue(value);
      return this.#core.writes.put(key, value, wantsSync(options));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  putSync(key: Uint8Array, value: Uint8Array, options?: WriteOptions): void {
    checkKey(key);
    checkValue(value);
    this.#core.writes.putNow(key, value, wantsSync(options));
  }

  /** Deletes a key; one that is not there is no error. */
  del(key: Uint8Array, options?: WriteOptions): Promise<void> {
    try {
      checkKey(key);
      return this.#core.writes.del(key, wantsSync(options));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  delSync(key: Uint8Array, options?: WriteOptions): void {
    checkKey(key);
    this.#core.writes.delNow(key, wantsSync(options));
  }

  /** Applies all operations, in their order, or none of them. */
  batch(operations: readonly BatchOperation[], options?: WriteOptions): Promise<void> {
    try {
      const recordBytes = checkBatch(operations);
      const sync = wantsSync(options);
      if (operations.length === 0) {
        this.#core.health.checkOpen();
        this.#core.checkWritable('batch');
        return Promise.resolve();
      }
      return this.#core.writes.batch(operations, recordBytes, sync);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  batchSync(operations: readonly BatchOperation[], options?: WriteOptions): void {
    const recordBytes = checkBatch(operations);
    const sync = wantsSync(options);
    if (operations.length === 0) {
      this.#core.health.checkOpen();
      this.#core.checkWritable('batchSync');
    } else this.#core.writes.batchNow(operations, recordBytes, sync);
  }

  /**
   * Deletes all keys of a range, the whole store without one. It covers what was written before the call; what is
   * written to the range meanwhile may be deleted, too. Not atomic: after a failure or a crash in the middle each key is there
   * as it was, or gone. Tables inside of the range are dropped unread while no snapshot is open.
   */
  async clear(range: ClearRange = {}, options?: WriteOptions): Promise<void> {
    await this.#core.clearing.clear(checkClearRange(range), wantsSync(options));
  }

  /**
   * Stores what the parse function of a module makes of a source, in threads; see `IngestOptions`. Of entries with the same key
   * the last one of the source stays.
   *
   * Where the store has nothing between the first and the last of the keys, the threads build tables, and one commit puts all
   * of them in: until then nothing is seen of them, snapshots that are open do not see them afterwards, and writes wait while
   * it lasts. Otherwise batches are written in the order of the source, as they come.
   *
   * Rejects with ARENA_INVALID_ARGUMENT, LEVEL_INVALID_KEY, LEVEL_INVALID_VALUE or ARENA_TOO_LARGE for what cannot be
   * parsed, naming line or record, with LEVEL_ABORTED, and as `batch` and `flush` do; the message says what is stored.
   */
  async ingest(source: IngestSource, options: IngestOptions): Promise<IngestReport> {
    this.#core.checkWritable('ingest');
    return await this.#core.ingests.run(source, options);
  }

  /** The value of a key, or undefined. */
  get(key: Uint8Array, options?: ReadOptions): Promise<Uint8Array<ArrayBuffer> | undefined> {
    try {
      checkKey(key);
      return this.#core.reads.get(key, checkReadOptions(options));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  getSync(key: Uint8Array, options?: ReadOptions): Uint8Array<ArrayBuffer> | undefined {
    checkKey(key);
    return this.#core.reads.getNow(key, checkReadOptions(options));
  }

  /** The values of several keys as of one moment, in the order of the keys. */
  getMany(
    keys: readonly Uint8Array[],
    options?: ReadOptions,
  ): Promise<(Uint8Array<ArrayBuffer> | undefined)[]> {
    try {
      checkKeys('getMany', keys);
      return this.#core.reads.getMany(keys, checkReadOptions(options));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Whether a key has a value. */
  has(key: Uint8Array, options?: ReadOptions): Promise<boolean> {
    try {
      checkKey(key);
      return this.#core.reads.has(key, checkReadOptions(options));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  hasSync(key: Uint8Array, options?: ReadOptions): boolean {
    checkKey(key);
    return this.#core.reads.hasNow(key, checkReadOptions(options));
  }

  /** Which of several keys have a value as of one moment, in the order of the keys. */
  hasMany(keys: readonly Uint8Array[], options?: ReadOptions): Promise<boolean[]> {
    try {
      checkKeys('hasMany', keys);
      return this.#core.reads.hasMany(keys, checkReadOptions(options));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Iterates over a range as of now, or of a snapshot. Close it, or iterate it to its end. */
  iterator(options?: StoreIteratorReadOptions): StoreIterator {
    if (options !== undefined) checkIteratorOptions(options);
    return this.#core.reads.iterator(options);
  }

  /** The store as of now, readable until it is closed. Holds old versions on disk meanwhile. */
  snapshot(): Snapshot {
    this.#core.health.checkOpen();
    return this.#core.snapshots.open(this.#core.writes.lastSequence);
  }

  /** Brings everything written so far to tables: it survives a crash of the machine, and the journal is empty. */
  async flush(): Promise<void> {
    this.#core.checkWritable('flush');
    await this.#core.writes.rotate(0);
    await this.#core.flush.committed();
  }

  /** Freezes the MemDB, if it holds anything, and installs a fresh one. */
  async rotateMemtable(options: RotateOptions = {}): Promise<void> {
    const { minBytes, waitForFlush } = checkRotateOptions(options);
    this.#core.checkWritable('rotateMemtable');
    await this.#core.writes.rotate(minBytes);
    if (waitForFlush) await this.#core.flush.committed();
  }

  /**
   * Tries to heal a store that stopped taking writes, and to compact again what could not be. Resolves when it takes
   * writes again.
   */
  async resume(): Promise<void> {
    this.#core.checkWritable('resume');
    await this.#core.healer.resume();
    this.#core.compactions.retry();
  }

  /**
   * Resolves when all levels are within their sizes and nothing is being compacted. Rejects when a compaction fails, or a
   * damaged table is in the way. Writes that go on meanwhile put it off.
   */
  settled(): Promise<void> {
    try {
      this.#core.health.checkOpen();
      return this.#core.compactions.settled();
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * Merges everything between two user keys, both included, into the deepest level that has any of it; what is deleted
   * or replaced there, and no snapshot sees, is gone from the disk afterwards. `undefined`: unbounded.
   */
  async compactRange(start?: Uint8Array, end?: Uint8Array, options: CompactRangeOptions = {}): Promise<void> {
    for (const bound of [start, end]) if (bound !== undefined) checkKey(bound);
    checkCallOptions('compactRange', options, SIGNAL_AND_PROGRESS);
    const { signal, onProgress } = options;
    // The caller may reuse its keys once the call has returned.
    const [from, to] = [start, end].map((bound) => bound && new Uint8Array(bound));
    this.#core.checkWritable('compactRange');
    throwIfAborted(signal, COMPACTION_ABORTED);
    await unlessAborted(this.flush(), signal, COMPACTION_ABORTED);
    throwIfAborted(signal, COMPACTION_ABORTED);
    await this.#core.compactions.compactRange(from, to, signal, onProgress);
  }

  /**
   * About how many bytes the user keys from `start` up to `end`, which is not included, take in tables; what is still in MemDBs
   * does not count. 0 where `start` is above `end`.
   */
  approximateSize(start: Uint8Array, end: Uint8Array): Promise<number> {
    try {
      checkKey(start);
      checkKey(end);
      return this.#core.reads.approximateSize(start, end);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * Makes a store of its own in another directory, with everything that was acknowledged before the call, while writes,
   * flushes and compactions go on. The directory must be empty or not be there yet, and outside that of the store.
   * Durable when it resolves; after a failure, or a crash, there is no store in it. `modules`: as in `open`.
   *
   * Rejects with ARENA_INVALID_ARGUMENT, LEVEL_LOCKED, LEVEL_CORRUPTION, LEVEL_IO_ERROR, and as `flush` does.
   */
  async checkpoint(
    directory: string,
    options: CheckpointOptions = {},
    modules: Pick<OpenModules, 'storage'> = {},
  ): Promise<CheckpointReport> {
    checkCallOptions('checkpoint', options, CHECKPOINT_OPTIONS);
    this.#core.health.checkOpen();
    this.#core.checkWritable('checkpoint');
    return await this.#core.checkpoints.create(directory, options, modules);
  }

  /** The hash over all committed tables and the last sequence number it covers; what is in MemDBs is not in it. */
  masterRoot(): Promise<MasterRoot> {
    return this.#core.verification.masterRoot();
  }

  /** Reads every table and recomputes its root from the data blocks, in a worker; reports each that differs. */
  async verify(options: VerifyOptions = {}): Promise<VerifyReport> {
    checkCallOptions('verify', options, SIGNAL_AND_PROGRESS);
    return await this.#core.verification.verify(options);
  }

  /**
   * A handle with which one other thread of this process uses the store by itself: send it there with its port,
   * `worker.postMessage(handle, [handle.port])`, and call `attach(handle)`. Up to 64 threads at a time.
   *
   * Throws ARENA_INVALID_ARGUMENT, ARENA_TOO_MANY_THREADS, LEVEL_READONLY where the store is open for reading only, and
   * LEVEL_NOT_SUPPORTED over a storage that is only in memory. `owner`: what `control.close()` of the thread
   * closes, when it is not the store alone.
   */
  share(options: ShareOptions = {}, owner: Pick<Store, 'close'> = this): ThreadHandle {
    return this.#core.threads.share(options, { store: this, close: () => owner.close() });
  }

  stats(): StoreStats {
    return this.#core.stats();
  }

  /**
   * A property of LevelDB as text: `leveldb.num-files-at-level<N>`, `leveldb.stats`, `leveldb.sstables` or
   * `leveldb.approximate-memory-usage` (cached blocks and arenas). Undefined for other names.
   */
  getProperty(name: string): string | undefined {
    if (typeof name !== 'string') {
      throw new EngineError(
        ErrorCode.InvalidArgument,
        `a property has a string as its name, not ${nameOf(name)}`,
      );
    }
    this.#core.health.checkOpen();
    return propertyText(name, () => ({
      levels: this.#core.versions.current.levels,
      stats: this.#core.stats(),
    }));
  }

  on<N extends StoreEventName>(name: N, listener: StoreListener<N>): this {
    checkListener(name, listener);
    this.#core.events.on(name, listener);
    return this;
  }

  off<N extends StoreEventName>(name: N, listener: StoreListener<N>): this {
    this.#core.events.off(name, listener);
    return this;
  }

  /**
   * Takes no new work, finishes the writes that were issued, stops a running flush (the journal covers it), syncs
   * the journal and lets go of the directory. A second call is the same promise.
   */
  close(): Promise<void> {
    return this.#core.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
