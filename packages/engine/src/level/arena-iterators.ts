/** Iterators of entries, of keys and of values: abstract-level's, over one of the engine each. */
import { AbstractIterator, AbstractKeyIterator, AbstractValueIterator } from 'abstract-level';
import type { Encoded } from './encoded.ts';
import type { ForwardedIteratorOptions } from './forwarded-options.ts';
import type { LevelEntry } from './item-batches.ts';
import type { ItemReader } from './item-reader.ts';

export class ArenaIterator<TDatabase, K, V> extends AbstractIterator<TDatabase, K, V> {
  readonly #reader: ItemReader<LevelEntry>;

  constructor(db: TDatabase, options: ForwardedIteratorOptions, reader: ItemReader<LevelEntry>) {
    super(db, options as object);
    this.#reader = reader;
  }

  get _held(): ItemReader<LevelEntry> {
    return this.#reader;
  }

  _next(): LevelEntry | undefined | Promise<LevelEntry | undefined> {
    return this.#reader.next(this.limit - this.count);
  }

  _nextv(size: number): LevelEntry[] | Promise<LevelEntry[]> {
    return this.#reader.nextv(size);
  }

  _all(): Promise<LevelEntry[]> {
    return this.#reader.all(this.limit - this.count);
  }

  _seek(target: Encoded): void {
    this.#reader.seek(target);
  }

  async _close(): Promise<void> {
    this.#reader.close();
  }
}

export class ArenaKeyIterator<TDatabase, K> extends AbstractKeyIterator<TDatabase, K> {
  readonly #reader: ItemReader<Encoded>;

  constructor(db: TDatabase, options: ForwardedIteratorOptions, reader: ItemReader<Encoded>) {
    super(db, options as object);
    this.#reader = reader;
  }

  get _held(): ItemReader<Encoded> {
    return this.#reader;
  }

  _next(): Encoded | undefined | Promise<Encoded | undefined> {
    return this.#reader.next(this.limit - this.count);
  }

  _nextv(size: number): Encoded[] | Promise<Encoded[]> {
    return this.#reader.nextv(size);
  }

  _all(): Promise<Encoded[]> {
    return this.#reader.all(this.limit - this.count);
  }

  _seek(target: Encoded): void {
    this.#reader.seek(target);
  }

  async _close(): Promise<void> {
    this.#reader.close();
  }
}

export class ArenaValueIterator<TDatabase, K, V> extends AbstractValueIterator<TDatabase, K, V> {
  readonly #reader: ItemReader<Encoded>;

  constructor(db: TDatabase, options: ForwardedIteratorOptions, reader: ItemReader<Encoded>) {
    super(db, options as object);
    this.#reader = reader;
  }

  get _held(): ItemReader<Encoded> {
    return this.#reader;
  }

  _next(): Encoded | undefined | Promise<Encoded | undefined> {
    return this.#reader.next(this.limit - this.count);
  }

  _nextv(size: number): Encoded[] | Promise<Encoded[]> {
    return this.#reader.nextv(size);
  }

  _all(): Promise<Encoded[]> {
    return this.#reader.all(this.limit - this.count);
  }

  _seek(target: Encoded): void {
    this.#reader.seek(target);
  }

  async _close(): Promise<void> {
    this.#reader.close();
  }
}
