/**
 * What streams need of a database: both a `Store` and a database of abstract-level, a sublevel too, have it. Keys and values
 * are what it takes: bytes, or whatever its encodings make of them.
 */

/** A put, as an object or as an entry that another stream has read, or a deletion. The stream keeps it until it is written. */
export type IngestRecord<K = Uint8Array, V = Uint8Array> =
  | { readonly type?: 'put'; readonly key: K; readonly value: V }
  | { readonly type: 'del'; readonly key: K }
  | readonly [key: K, value: V];

export type IngestOperation<K, V> =
  | { readonly type: 'put'; readonly key: K; readonly value: V }
  | { readonly type: 'del'; readonly key: K };

export interface IngestDatabase<K, V> {
  /** `options` has `sync`: true when the batch is to survive a crash of the machine. */
  batch(operations: IngestOperation<K, V>[], options: object): Promise<void>;
  /** Needed for `durability: 'flushed'` alone. */
  flush?(): Promise<void>;
}

export interface EntryIterator<K, V> {
  /** At least one entry unless the end is reached. */
  nextv(size: number): Promise<[key: K, value: V][]>;
  close(): void | Promise<void>;
}

export interface IterableDatabase<K, V> {
  /** Takes `RangeOptions`. */
  iterator(options: object): EntryIterator<K, V>;
}

/** What to read; whatever else is there goes to the iterator of the database as it is (`snapshot`, `fillCache`, …). */
export interface RangeOptions<K> {
  readonly gt?: K | undefined;
  readonly gte?: K | undefined;
  readonly lt?: K | undefined;
  readonly lte?: K | undefined;
  /** Descending. Default false. */
  readonly reverse?: boolean | undefined;
  /** At most so many entries; -1: any number. Default -1. */
  readonly limit?: number | undefined;
}

/**
 * For the types of keys and values of a database whose other methods are overloaded and do not give them away. Signatures are
 * matched from the last one up, and a sublevel has three of this method: so the first tells, whatever follows.
 */
export interface TypedDatabase<K, V> {
  getSync(key: K): V | undefined;
  getSync(key: never, options: never): unknown;
  getSync(key: never, options: never, more: never): unknown;
}
