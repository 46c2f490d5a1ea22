import type { Clock } from '@arena-level/common/base/clock';
import { runLater, type Steps } from '@arena-level/common/base/steps';
import type { UserKeyRange } from '@arena-level/common/protocol/compaction-protocol';
import { BlockCache } from '../cache/block-cache.ts';
import { BlockLoader } from '../cache/block-loader.ts';
import { ReadScheduler } from '../cache/read-scheduler.ts';
import { NO_SHARED_CACHE, type SharedBlockCache } from '../cache/shared/shared-block-cache.ts';
import type { SharedCachePlace } from '../cache/shared/shared-cache-place.ts';
import { TableCache, type TableFiles } from '../cache/table-cache.ts';
import type { Health } from '../health/health.ts';
import type { StoreIteratorOptions } from '../iterator/iterator-options.ts';
import type { StoreIterator } from '../iterator/store-iterator.ts';
import type { Turns } from '../iterator/turns.ts';
import type { MemtableSet } from '../memtable/memtable-set.ts';
import type { ReadView } from '../memtable/read-view.ts';
import type { ResolvedOptions } from '../options/options.ts';
import type { ReadOptions } from '../public/public-types.ts';
import type { HitStats, StoreStats } from '../public/stats.ts';
import { approximateSize } from './approximate-size.ts';
import { Lookup, type Value } from './lookup.ts';
import { openIterator } from './open-iterator.ts';
import { isEmptyRange } from './range-emptiness.ts';
import { SeekWatch } from './seek-watch.ts';
import type { SnapshotList } from './snapshot-list.ts';

export type ReadPathOptions = Pick<
  ResolvedOptions,
  'maxOpenFiles' | 'cacheBytes' | 'reads' | 'seekCompaction'
>;

export interface ReadPathModules {
  readonly storage: TableFiles;
  readonly clock: Clock;
  readonly turns: Turns;
  readonly memtables: Pick<MemtableSet, 'view'>;
  readonly health: Pick<Health, 'checkOpen'>;
  readonly snapshots: Pick<SnapshotList, 'sequenceOf'>;
  readonly sharedCache: SharedCachePlace;
  /** The greatest sequence number that may be read in the view that was just taken. */
  readonly lastSequence: () => number;
  /** See `LookupParts.flushedFrom`. */
  readonly flushedFrom: number;
  /** Reads have looked into this table in vain too often. Called only where the option `seekCompaction` is on. */
  readonly onSeeksUsedUp: (table: number) => void;
}

export interface StoreIteratorReadOptions extends StoreIteratorOptions {
  readonly snapshot?: ReadOptions['snapshot'];
}

/**
 * Where reads come in: each takes the current view and a sequence number, now or a snapshot's, in the same turn in
 * which it is called, and so sees one moment.
 */
export class ReadPath {
  readonly tables: TableCache;
  readonly #cache: BlockCache;
  readonly #blocks: BlockLoader;
  readonly #lookup: Lookup;
  readonly #seeks: SeekWatch | undefined;
  readonly #modules: ReadPathModules;
  readonly #iterators = new Set<StoreIterator>();
  /** Reads that wait, each of which holds its view. */
  readonly #waiting = new Set<Promise<unknown>>();

  constructor(options: ReadPathOptions, modules: ReadPathModules) {
    this.#modules = modules;
    this.tables = new TableCache(modules.storage, options.maxOpenFiles);
    this.#cache = new BlockCache(options.cacheBytes);
    const scheduler = new ReadScheduler(modules.clock, options.reads);
    this.#blocks = new BlockLoader(this.#cache, scheduler, modules.sharedCache);
    this.#seeks = options.seekCompaction ? new SeekWatch(modules.onSeeksUsedUp) : undefined;
    this.#lookup = new Lookup({
      tables: this.tables,
      blocks: this.#blocks,
      turns: modules.turns,
      flushedFrom: modules.flushedFrom,
      seeks: this.#seeks,
    });
  }

  get blockCacheStats(): StoreStats['blockCache'] {
    return { bytes: this.#cache.bytes, ...hitStats(this.#cache) };
  }

  /** Of all threads that share it. */
  get sharedCacheStats(): StoreStats['sharedCache'] {
    const counters = this.#blocks.shared.cache?.counters ?? NO_SHARED_CACHE;
    return { bytes: counters.bytes, blocks: counters.blocks, ...hitStats(counters) };
  }

  get tableCacheStats(): StoreStats['tableCache'] {
    return hitStats(this.tables);
  }

  get openTables(): number {
    return this.tables.openTables;
  }

  get openIterators(): number {
    return this.#iterators.size;
  }

  /** Answers that are at hand wait their turn like any other, so that a loop over them lets the event loop turn. */
  async get(key: Uint8Array, options: ReadOptions): Promise<Value> {
    const answer = this.#lookup.get(this.#view(), key, this.#sequence(options), options.fillCache ?? true);
    if (answer instanceof Promise) return await this.#untilRead(answer);
    const { turns } = this.#modules;
    if (turns.isDue()) await turns.next();
    return answer;
  }

  getNow(key: Uint8Array, options: ReadOptions): Value {
    return this.#lookup.getNow(this.#view(), key, this.#sequence(options), options.fillCache ?? true);
  }

  async has(key: Uint8Array, options: ReadOptions): Promise<boolean> {
    const answer = this.#lookup.has(this.#view(), key, this.#sequence(options), options.fillCache ?? true);
    if (answer instanceof Promise) return await this.#untilRead(answer);
    const { turns } = this.#modules;
    if (turns.isDue()) await turns.next();
    return answer;
  }

  hasNow(key: Uint8Array, options: ReadOptions): boolean {
    return this.#lookup.hasNow(this.#view(), key, this.#sequence(options), options.fillCache ?? true);
  }

  async getMany(keys: readonly Uint8Array[], options: ReadOptions): Promise<Value[]> {
    const { fillCache = true } = options;
    return await this.#untilRead(
      this.#lookup.getMany(this.#view(), keys, this.#sequence(options), fillCache),
    );
  }

  async hasMany(keys: readonly Uint8Array[], options: ReadOptions): Promise<boolean[]> {
    const { fillCache = true } = options;
    return await this.#untilRead(
      this.#lookup.hasMany(this.#view(), keys, this.#sequence(options), fillCache),
    );
  }

  iterator(options: StoreIteratorReadOptions = {}): StoreIterator {
    const { snapshot, ...rest } = options;
    const view = this.#view();
    return this.iteratorOver(view, this.#sequence(snapshot === undefined ? {} : { snapshot }), rest);
  }

  /** The same over a view of the caller's, which may let go of it then. */
  iteratorOver(view: ReadView, sequence: number, options: StoreIteratorOptions): StoreIterator {
    const parts = { tables: this.tables, blocks: this.#blocks, turns: this.#modules.turns };
    const iterator = openIterator(view, sequence, options, parts, (closed) => this.#iterators.delete(closed));
    this.#iterators.add(iterator);
    return iterator;
  }

  /** See `approximateSize`. Copies the keys. */
  async approximateSize(start: Uint8Array, end: Uint8Array): Promise<number> {
    const { version } = this.#view();
    const own = [new Uint8Array(start), new Uint8Array(end)] as const;
    version.retain();
    return await this.#untilRead(
      runLater(approximateSize(version, this.tables, ...own)).finally(() => version.release()),
    );
  }

  /** See `isEmptyRange`. */
  isEmpty(view: ReadView, range: UserKeyRange): Steps<boolean> {
    return isEmptyRange(view, range, this.tables, this.#blocks.source(false));
  }

  /** What threads that come share with this one; undefined: nothing. Throws ARENA_MEMORY_BUDGET. */
  sharedCache(): SharedBlockCache | undefined {
    return this.#blocks.shared.made();
  }

  /** A table that no version has any more: its file may go. What others share of it ages out. */
  evict(table: number): void {
    this.tables.evict(table);
    this.#cache.evictTable(table);
    this.#seeks?.forget(table);
  }

  /**
   * Closes what is open. Reads that wait, for the disk or their next turn, end first: when this resolves no view is held, so
   * arenas and files may be somebody else's. REQUIRES: no new read comes.
   */
  async close(): Promise<void> {
    for (const iterator of [...this.#iterators]) iterator.close();
    await Promise.allSettled(this.#waiting);
    await this.tables.close();
    this.#blocks.shared.clear();
  }

  async #untilRead<T>(read: Promise<T>): Promise<T> {
    this.#waiting.add(read);
    try {
      return await read;
    } finally {
      this.#waiting.delete(read);
    }
  }

  #view(): MemtableSet['view'] {
    this.#modules.health.checkOpen();
    return this.#modules.memtables.view;
  }

  #sequence({ snapshot }: ReadOptions): number {
    const { lastSequence, snapshots } = this.#modules;
    return snapshot === undefined ? lastSequence() : snapshots.sequenceOf(snapshot);
  }
}

function hitStats({ hits, misses }: Pick<HitStats, 'hits' | 'misses'>): HitStats {
  const asked = hits + misses;
  return { hits, misses, hitRate: asked === 0 ? 0 : hits / asked };
}
