import { destroy } from '../db/destroy-store.ts';
import { open } from '../db/open-store.ts';
import { type RepairOptions, repair } from '../db/repair-store.ts';
import type { Store } from '../db/store.ts';
import type { StoreListener } from '../events/event-sink.ts';
import type { OpenOptions as StoreOptions } from '../options/options.ts';
import type { IngestOptions, IngestReport, IngestSource } from '../public/ingest-types.ts';
import type { DestroyReport, RecoveryReport, RepairReport } from '../public/public-types.ts';
import type { StoreStats } from '../public/stats.ts';
import type { ThreadHandle } from '../threads/control/handle.ts';
import type { ShareOptions } from '../threads/owner/share-options.ts';
import { EngineLevel } from './engine-level.ts';
import { EventRelay, type RelayedEventName } from './event-relay.ts';
import { checkOptions, storeOptions } from './level-options.ts';
import type { DatabaseOptions, OpenOptions } from './level-types.ts';
import { MANIFEST } from './manifest.ts';

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
export class ArenaLevel<KDefault = string, VDefault = string> extends EngineLevel<
  Store,
  OpenOptions,
  KDefault,
  VDefault
> {
  readonly #location: string;
  readonly #relay: EventRelay;

  /**
   * `location` is the path of a directory, made with its parents when it is not there. Throws ARENA_INVALID_OPTION and
   * LEVEL_NOT_SUPPORTED for options that an open would be refused for.
   */
  constructor(location: string, options?: DatabaseOptions<KDefault, VDefault>) {
    checkLocation(location);
    const given = options ?? {};
    checkOptions(given);
    super(MANIFEST, given);
    this.#location = location;
    this.#relay = new EventRelay(this);
  }

  /** The location that was given to the constructor, as it was given. */
  get location(): string {
    return this.#location;
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
    return this.whenOpen('ingest', (store) => store.ingest(source, options));
  }

  /** Resolves when all levels are within their sizes and nothing is being compacted. */
  settled(): Promise<void> {
    return this.whenOpen('settled', (store) => store.settled());
  }

  /** Tries to heal a store that stopped taking writes. Resolves when it takes writes again. */
  resume(): Promise<void> {
    return this.whenOpen('resume', (store) => store.resume());
  }

  /** What the store has done since it was opened, and how it stands; `pressure` tells producers when to slow down. */
  stats(): StoreStats {
    return this.openStore('stats').stats();
  }

  /**
   * A handle with which one other thread of this process uses the database by itself: send it there with its port,
   * `worker.postMessage(handle, [handle.port])`, and make an `AttachedLevel` of it, or, for plain bytes, `attach(handle)`. Up to
   * 64 threads at a time. Throws LEVEL_NOT_SUPPORTED for a storage that no other thread can open, LEVEL_READONLY and
   * ARENA_TOO_MANY_THREADS.
   */
  share(options?: ShareOptions): ThreadHandle {
    return this.openStore('share').share(options, this);
  }

  /** What the last open found and did. Throws LEVEL_DATABASE_NOT_OPEN before it. */
  get recovery(): RecoveryReport {
    return this.openStore('recovery').recovery;
  }

  /** Opens what the database is over. Whoever has a storage of its own overrides it. */
  protected openEngine(options: StoreOptions): Promise<Store> {
    return open(this.#location, options);
  }

  protected override async openOver(options: OpenOptions): Promise<Store> {
    const store = await this.openEngine(storeOptions(options));
    this.#relay.attach(store);
    return store;
  }

  protected override controlOf(store: Store): Store {
    return store;
  }
}

function checkLocation(location: unknown): void {
  if (typeof location !== 'string' || location === '') {
    throw new TypeError("The first argument 'location' must be a non-empty string");
  }
}
