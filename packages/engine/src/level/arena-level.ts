import type { AbstractSublevelOptions } from 'abstract-level';
import { destroy } from '../db/destroy-store.ts';
import { type RepairOptions, repair } from '../db/repair-store.ts';
import type { Store } from '../db/store.ts';
import type { StoreListener } from '../events/event-sink.ts';
import type { OpenOptions as StoreOptions } from '../options/options.ts';
import type { IngestOptions, IngestReport, IngestSource } from '../public/ingest-types.ts';
import type {
  CheckpointOptions,
  CheckpointReport,
  DestroyReport,
  MasterRoot,
  RecoveryReport,
  RepairReport,
  VerifyOptions,
  VerifyReport,
} from '../public/public-types.ts';
import type { StoreStats } from '../public/stats.ts';
import type { ThreadHandle } from '../threads/control/handle.ts';
import type { ShareOptions } from '../threads/owner/share-options.ts';
import { bytesOf } from './encoded.ts';
import type { RelayedEventName } from './event-relay.ts';
import type {
  ArenaSublevel,
  BatchOperation,
  BatchOptions,
  CompactRangeOptions,
  DatabaseOptions,
  DelOptions,
  HasOptions,
  PutOptions,
  StartEndOptions,
} from './level-types.ts';
import { StoreLevel } from './store-level.ts';
import { batchNow, delNow, hasNow, putNow, type TwinHost } from './twins.ts';

/** A listener of whatever event, as node's EventEmitter has it. */
type AnyListener = Parameters<NodeJS.EventEmitter['on']>[1];

/**
 * An abstract-level database over a store of this engine: a drop-in for classic-level, over the same files, and what the engine
 * has beyond it.
 *
 * It opens by itself; what is called meanwhile waits, the blocking methods excepted. Errors carry a `code`: abstract-level's
 * (`LEVEL_…`) or the engine's own (`ARENA_…`). `open` rejects with LEVEL_DATABASE_NOT_OPEN, whose `cause` says why.
 *
 * Beside abstract-level's events it emits the engine's (`stall-begin`, `flush-started`, …; see `StoreEvents`).
 */
export class ArenaLevel<KDefault = string, VDefault = string> extends StoreLevel<KDefault, VDefault> {
  /**
   * `location` is the path of a directory, made with its parents when it is not there. Throws ARENA_INVALID_OPTION and
   * LEVEL_NOT_SUPPORTED for options that an open would be refused for.
   */
  constructor(location: string, options?: DatabaseOptions<KDefault, VDefault>) {
    super(location, options);
  }

  /** Removes the store in a directory: every file of a store's, and the directory if nothing else is in it. */
  static async destroy(location: string, options?: Pick<StoreOptions, 'forceLock'>): Promise<DestroyReport> {
    checkLocation(location);
    return await destroy(location, options);
  }

  /** Makes the store in a directory open again, with all that can be read of it. Deletes nothing; see `RepairReport`. */
  static async repair(location: string, options?: RepairOptions): Promise<RepairReport> {
    checkLocation(location);
    return await repair(location, options);
  }

  putSync(key: KDefault, value: VDefault): void;
  putSync<K = KDefault, V = VDefault>(key: K, value: V, options: PutOptions<K, V>): void;
  putSync(key: unknown, value: unknown, options?: PutOptions<unknown, unknown>): void {
    putNow(this.#twinHost, key, value, options);
  }

  delSync(key: KDefault): void;
  delSync<K = KDefault>(key: K, options: DelOptions<K>): void;
  delSync(key: unknown, options?: DelOptions<unknown>): void {
    delNow(this.#twinHost, key, options);
  }

  batchSync(operations: BatchOperation<this, KDefault, VDefault>[]): void;
  batchSync<K = KDefault, V = VDefault>(
    operations: BatchOperation<this, K, V>[],
    options: BatchOptions<K, V>,
  ): void;
  batchSync(operations: unknown, options?: BatchOptions<unknown, unknown>): void {
    batchNow(this.#twinHost, operations, options);
  }

  hasSync(key: KDefault): boolean;
  hasSync<K = KDefault>(key: K, options: HasOptions<K>): boolean;
  hasSync(key: unknown, options?: HasOptions<unknown>): boolean {
    return hasNow(this.#twinHost, key, options);
  }

  override sublevel(name: string | string[]): ArenaSublevel<this>;
  override sublevel<K = string, V = string>(
    name: string | string[],
    options: AbstractSublevelOptions<K, V>,
  ): ArenaSublevel<this, K, V>;
  override sublevel(name: string | string[], options?: object): unknown {
    return super.sublevel(name, options as object);
  }

  override on<N extends RelayedEventName>(name: N, listener: StoreListener<N>): this;
  override on(name: string | symbol, listener: AnyListener): this;
  override on(name: string | symbol, listener: AnyListener): this {
    return super.on(name, listener);
  }

  override once<N extends RelayedEventName>(name: N, listener: StoreListener<N>): this;
  override once(name: string | symbol, listener: AnyListener): this;
  override once(name: string | symbol, listener: AnyListener): this {
    return super.once(name, listener);
  }

  override off<N extends RelayedEventName>(name: N, listener: StoreListener<N>): this;
  override off(name: string | symbol, listener: AnyListener): this;
  override off(name: string | symbol, listener: AnyListener): this {
    return super.off(name, listener);
  }

  /** About how many bytes the keys from `start` up to `end`, which is not included, take in tables. */
  approximateSize(start: KDefault, end: KDefault): Promise<number>;
  approximateSize<K = KDefault>(start: K, end: K, options: StartEndOptions<K>): Promise<number>;
  async approximateSize(...bounds: [unknown, unknown, StartEndOptions<unknown>?]): Promise<number> {
    checkBounds(bounds);
    return await this.#whenOpen('approximateSize', (store) => {
      const encoding = this.keyEncoding(bounds[2]?.keyEncoding as 'utf8');
      return store.approximateSize(
        bytesOf(encoding.encode(bounds[0] as string)),
        bytesOf(encoding.encode(bounds[1] as string)),
      );
    });
  }

  /**
   * Compacts everything between two keys, both included, into the deepest level that has any of it, and flushes first. Null for a
   * bound: there is none.
   */
  compactRange(start: KDefault | null, end: KDefault | null): Promise<void>;
  compactRange<K = KDefault>(start: K | null, end: K | null, options: CompactRangeOptions<K>): Promise<void>;
  async compactRange(...bounds: [unknown, unknown, CompactRangeOptions<unknown>?]): Promise<void> {
    checkBounds(bounds);
    const [start, end, { keyEncoding, signal, onProgress } = {}] = bounds;
    await this.#whenOpen('compactRange', (store) => {
      const encoding = this.keyEncoding(keyEncoding as 'utf8');
      const encoded = (bound: unknown): Uint8Array | undefined =>
        bound == null ? undefined : bytesOf(encoding.encode(bound as string));
      return store.compactRange(encoded(start), encoded(end), {
        ...(signal === undefined ? {} : { signal }),
        ...(onProgress === undefined ? {} : { onProgress }),
      });
    });
  }

  /**
   * A property of LevelDB as text: `leveldb.num-files-at-level<N>`, `leveldb.stats`, `leveldb.sstables` or
   * `leveldb.approximate-memory-usage`. Empty for other names.
   */
  getProperty(property: string): string {
    if (typeof property !== 'string') throw new TypeError("The first argument 'property' must be a string");
    return this.openStore('getProperty').getProperty(property) ?? '';
  }

  /**
   * Stores what the parse function of a module makes of a source, in threads. Its keys and values are bytes, or text that is
   * stored as UTF-8: encodings, hooks and the listeners of `write` have no part in it. See `IngestOptions`.
   */
  ingest(source: IngestSource, options: IngestOptions): Promise<IngestReport> {
    return this.#whenOpen('ingest', (store) => store.ingest(source, options));
  }

  /** Brings everything written so far to tables: it survives a crash of the machine. */
  flush(): Promise<void> {
    return this.#whenOpen('flush', (store) => store.flush());
  }

  /** The hash over all committed tables and the last sequence number it covers; what is in MemDBs is not in it. */
  masterRoot(): Promise<MasterRoot> {
    return this.#whenOpen('masterRoot', (store) => store.masterRoot());
  }

  /** Reads every table and recomputes its root from the data blocks, in a worker; reports each that differs. */
  verify(options?: VerifyOptions): Promise<VerifyReport> {
    return this.#whenOpen('verify', (store) => store.verify(options));
  }

  /** Makes a database of its own in another directory, which must be empty or not there yet, while this one goes on. */
  checkpoint(directory: string, options?: CheckpointOptions): Promise<CheckpointReport> {
    return this.#whenOpen('checkpoint', (store) => store.checkpoint(directory, options));
  }

  /** Resolves when all levels are within their sizes and nothing is being compacted. */
  settled(): Promise<void> {
    return this.#whenOpen('settled', (store) => store.settled());
  }

  /** Tries to heal a store that stopped taking writes. Resolves when it takes writes again. */
  resume(): Promise<void> {
    return this.#whenOpen('resume', (store) => store.resume());
  }

  /** What the store has done since it was opened, and how it stands; `pressure` tells producers when to slow down. */
  stats(): StoreStats {
    return this.openStore('stats').stats();
  }

  /**
   * A handle with which one other thread of this process uses the database by itself, as bytes: send it there with its port,
   * `worker.postMessage(handle, [handle.port])`, and call `attach(handle)`. Up to 64 threads at a time.
   */
  share(options?: ShareOptions): ThreadHandle {
    return this.openStore('share').share(options, this);
  }

  /** What the last open found and did. Throws LEVEL_DATABASE_NOT_OPEN before it. */
  get recovery(): RecoveryReport {
    return this.openStore('recovery').recovery;
  }

  async #whenOpen<T>(method: string, call: (store: Store) => Promise<T>): Promise<T> {
    if (this.status === 'opening') return await this.deferAsync(() => this.#whenOpen(method, call));
    return await call(this.openStore(method));
  }

  get #twinHost(): TwinHost {
    return this as unknown as TwinHost;
  }
}

function checkLocation(location: unknown): void {
  if (typeof location !== 'string' || location === '') {
    throw new TypeError("The first argument 'location' must be a non-empty string");
  }
}

function checkBounds(bounds: readonly unknown[]): void {
  if (bounds.length < 2) throw new TypeError("The arguments 'start' and 'end' are required");
}
