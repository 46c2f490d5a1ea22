/** The public types of `ArenaLevel` and `AttachedLevel`: classic-level's under their names, and what comes on top. */
import type {
  AbstractBatchOperation,
  AbstractBatchOptions,
  AbstractChainedBatch,
  AbstractChainedBatchWriteOptions,
  AbstractDatabaseOptions,
  AbstractDelOptions,
  AbstractGetManyOptions,
  AbstractGetOptions,
  AbstractHasManyOptions,
  AbstractHasOptions,
  AbstractIterator,
  AbstractIteratorOptions,
  AbstractKeyIterator,
  AbstractKeyIteratorOptions,
  AbstractLevel,
  AbstractOpenOptions,
  AbstractPutOptions,
  AbstractSnapshot,
  AbstractSublevel,
  AbstractSublevelOptions,
  AbstractValueIterator,
  AbstractValueIteratorOptions,
  Transcoder,
} from 'abstract-level';
import type { OpenOptions as StoreOptions } from '../options/options.ts';
import type { CompactRangeOptions as StoreCompactRangeOptions } from '../public/public-types.ts';
import type { AttachOptions } from '../threads/attached/attach.ts';
import type { Encoded } from './encoded.ts';

/** Every option of the engine, `undefined` standing for the default. */
type EngineOptions = {
  readonly [Name in keyof Omit<StoreOptions, 'compression'>]?: StoreOptions[Name] | undefined;
};

export interface OpenOptions extends AbstractOpenOptions, Omit<EngineOptions, keyof AbstractOpenOptions> {
  /**
   * Block compression as in the engine, or, as in classic-level, true for snappy and false for none, in all levels. Default none
   * in levels 0 and 1, snappy below.
   */
  readonly compression?: boolean | StoreOptions['compression'] | undefined;
  /** A store belongs to the thread that opened it: true is refused with LEVEL_NOT_SUPPORTED. */
  readonly multithreading?: boolean | undefined;
}

export interface DatabaseOptions<K, V> extends AbstractDatabaseOptions<K, V>, Omit<OpenOptions, 'passive'> {}

/** Of `AttachedLevel`: what belongs to a thread. All else was decided by the thread that has the store open. */
export interface AttachedOpenOptions extends AbstractOpenOptions, AttachOptions {}

export interface AttachedDatabaseOptions<K, V>
  extends Pick<AbstractDatabaseOptions<K, V>, 'keyEncoding' | 'valueEncoding'>,
    AttachOptions {}

interface ReadOptions {
  /** Keep the blocks that are read in the cache. Default true. */
  readonly fillCache?: boolean | undefined;
}

export interface GetOptions<K, V> extends AbstractGetOptions<K, V>, ReadOptions {}
export interface GetManyOptions<K, V> extends AbstractGetManyOptions<K, V>, ReadOptions {}
export interface HasOptions<K> extends AbstractHasOptions<K>, ReadOptions {}
export interface HasManyOptions<K> extends AbstractHasManyOptions<K>, ReadOptions {}

export interface AdditionalIteratorOptions {
  /** Keep the blocks that are read in the cache. Default: those at which a scan begins, and no others. */
  readonly fillCache?: boolean | undefined;
  /** A call of `nextv` ends once what it has is this large, and `next` reads no further ahead. Bytes, default 16 KiB. */
  readonly highWaterMarkBytes?: number | undefined;
}

export interface WriteOptions {
  /** Acknowledge only when the write survives a crash of the machine. Default false. */
  readonly sync?: boolean | undefined;
}

export interface PutOptions<K, V> extends AbstractPutOptions<K, V>, WriteOptions {}
export interface DelOptions<K> extends AbstractDelOptions<K>, WriteOptions {}
export interface BatchOptions<K, V> extends AbstractBatchOptions<K, V>, WriteOptions {}
export interface ChainedBatchWriteOptions extends AbstractChainedBatchWriteOptions, WriteOptions {}

export interface ChainedBatch<TDatabase, K, V> extends AbstractChainedBatch<TDatabase, K, V> {
  write(): Promise<void>;
  write(options: ChainedBatchWriteOptions): Promise<void>;
}

export interface StartEndOptions<K> {
  /** Encodes `start` and `end` instead of the database's key encoding. */
  readonly keyEncoding?: string | Transcoder.PartialEncoder<K> | undefined;
}

export interface CompactRangeOptions<K> extends StartEndOptions<K> {
  /** See `StoreCompactRangeOptions`. */
  readonly signal?: StoreCompactRangeOptions['signal'] | undefined;
  readonly onProgress?: StoreCompactRangeOptions['onProgress'] | undefined;
}

export type BatchOperation<TDatabase, K, V> = AbstractBatchOperation<TDatabase, K, V>;
export type Iterator<TDatabase, K, V> = AbstractIterator<TDatabase, K, V>;
export type KeyIterator<TDatabase, K> = AbstractKeyIterator<TDatabase, K>;
export type ValueIterator<TDatabase, K, V> = AbstractValueIterator<TDatabase, K, V>;
export type IteratorOptions<K, V> = AbstractIteratorOptions<K, V> & AdditionalIteratorOptions;
export type KeyIteratorOptions<K> = AbstractKeyIteratorOptions<K> & AdditionalIteratorOptions;
export type ValueIteratorOptions<K, V> = AbstractValueIteratorOptions<K, V> & AdditionalIteratorOptions;
export type Snapshot = AbstractSnapshot;

/** The blocking twins, which databases and sublevels have. */
export interface Twins<KDefault, VDefault> {
  putSync(key: KDefault, value: VDefault): void;
  putSync<K = KDefault, V = VDefault>(key: K, value: V, options: PutOptions<K, V>): void;

  delSync(key: KDefault): void;
  delSync<K = KDefault>(key: K, options: DelOptions<K>): void;

  batchSync(operations: BatchOperation<this, KDefault, VDefault>[]): void;
  batchSync<K = KDefault, V = VDefault>(
    operations: BatchOperation<this, K, V>[],
    options: BatchOptions<K, V>,
  ): void;

  hasSync(key: KDefault): boolean;
  hasSync<K = KDefault>(key: K, options: HasOptions<K>): boolean;

  sublevel(name: string | string[]): ArenaSublevel<this>;
  sublevel<K = string, V = string>(
    name: string | string[],
    options: AbstractSublevelOptions<K, V>,
  ): ArenaSublevel<this, K, V>;
}

/**
 * A sublevel of a database or of another sublevel. It hands options on, so its methods take those of the database, too. In this
 * order: what abstract-level declares comes first, since that knows of which sublevel it is.
 */
export type ArenaSublevel<TDatabase, KDefault = string, VDefault = string> = Twins<KDefault, VDefault> &
  AbstractSublevel<TDatabase, Encoded, KDefault, VDefault> &
  Omit<LevelMethods<OpenOptions, KDefault, VDefault>, 'open' | 'sublevel'>;

/** The methods that abstract-level implements, with the options that this database takes. */
export interface LevelMethods<TOpenOptions extends object, KDefault, VDefault>
  extends AbstractLevel<Encoded, KDefault, VDefault> {
  open(): Promise<void>;
  open(options: TOpenOptions): Promise<void>;

  get(key: KDefault): Promise<VDefault | undefined>;
  get<K = KDefault, V = VDefault>(key: K, options: GetOptions<K, V>): Promise<V | undefined>;

  getSync(key: KDefault): VDefault | undefined;
  getSync<K = KDefault, V = VDefault>(key: K, options: GetOptions<K, V>): V | undefined;

  getMany(keys: KDefault[]): Promise<(VDefault | undefined)[]>;
  getMany<K = KDefault, V = VDefault>(keys: K[], options: GetManyOptions<K, V>): Promise<(V | undefined)[]>;

  has(key: KDefault): Promise<boolean>;
  has<K = KDefault>(key: K, options: HasOptions<K>): Promise<boolean>;

  hasMany(keys: KDefault[]): Promise<boolean[]>;
  hasMany<K = KDefault>(keys: K[], options: HasManyOptions<K>): Promise<boolean[]>;

  put(key: KDefault, value: VDefault): Promise<void>;
  put<K = KDefault, V = VDefault>(key: K, value: V, options: PutOptions<K, V>): Promise<void>;

  del(key: KDefault): Promise<void>;
  del<K = KDefault>(key: K, options: DelOptions<K>): Promise<void>;

  batch(operations: BatchOperation<this, KDefault, VDefault>[]): Promise<void>;
  batch<K = KDefault, V = VDefault>(
    operations: BatchOperation<this, K, V>[],
    options: BatchOptions<K, V>,
  ): Promise<void>;
  batch(): ChainedBatch<this, KDefault, VDefault>;

  iterator(): Iterator<this, KDefault, VDefault>;
  iterator<K = KDefault, V = VDefault>(options: IteratorOptions<K, V>): Iterator<this, K, V>;

  keys(): KeyIterator<this, KDefault>;
  keys<K = KDefault>(options: KeyIteratorOptions<K>): KeyIterator<this, K>;

  values(): ValueIterator<this, KDefault, VDefault>;
  values<K = KDefault, V = VDefault>(options: ValueIteratorOptions<K, V>): ValueIterator<this, K, V>;
}
