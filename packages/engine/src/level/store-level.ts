import { EngineError, ErrorCode } from '@arena-level/common/base/errors';
import type { AbstractResource, AbstractSublevelOptions } from 'abstract-level';
import { ArenaIterator, ArenaKeyIterator, ArenaValueIterator } from './arena-iterators.ts';
import { ArenaSnapshot } from './arena-snapshot.ts';
import { LevelBase } from './base-classes.ts';
import { clearSeenBy } from './clear-seen.ts';
import { bytesOf, type Encoded, formOf, textOf } from './encoded.ts';
import {
  boundsOf,
  type ForwardedClearOptions,
  type ForwardedEntryOptions,
  type ForwardedIteratorOptions,
  type ForwardedReadOptions,
  type ForwardedWriteOptions,
  iteratorOptions,
  readOptions,
  writeOptions,
} from './forwarded-options.ts';
import { EntryItems, KeyedItems, KeyItems, KeylessItems, ValueItems } from './item-batches.ts';
import { ItemReader } from './item-reader.ts';
import type { LevelStore } from './level-store.ts';
import { OpenResources } from './open-resources.ts';
import { type EncodedOperation, storeOperations } from './operations.ts';
import { SublevelWithTwins } from './sublevel-with-twins.ts';

/**
 * What abstract-level asks of an implementation, over a store that is opened and closed with the database. abstract-level
 * checks and encodes keys and values, defers what is called while the database is opening, and calls these methods only
 * while it is open.
 */
export abstract class StoreLevel<
  TStore extends LevelStore,
  TOpenOptions extends object,
  KDefault,
  VDefault,
> extends LevelBase<TOpenOptions, KDefault, VDefault> {
  readonly #resources = new OpenResources(
    (resource) => super.attachResource(resource),
    (resource) => super.detachResource(resource),
  );
  #store: TStore | undefined;
  /** Closing has failed in part, and has let go of everything all the same. */
  #isLeft = false;

  /** Opens what the database is over, with options as abstract-level forwards them. */
  protected abstract openOver(options: TOpenOptions): TStore | Promise<TStore>;

  /** The store that is open. Throws LEVEL_DATABASE_NOT_OPEN, naming the method that wants it. */
  protected openStore(method: string): TStore {
    if (this.status !== 'open' || this.#store === undefined) {
      throw new EngineError(
        ErrorCode.DatabaseNotOpen,
        `the database is not open: ${method}() cannot be called`,
      );
    }
    return this.#store;
  }

  override attachResource(resource: AbstractResource): void {
    this.#resources.attach(resource);
  }

  override detachResource(resource: AbstractResource): void {
    this.#resources.detach(resource);
  }

  async _open(options: TOpenOptions): Promise<void> {
    this.#store = await this.openOver(options);
    this.#isLeft = false;
  }

  /** abstract-level holds a database open whose closing fails: a second try finds nothing left to do. */
  async _close(): Promise<void> {
    if (this.#isLeft) return;
    this.#isLeft = true;
    await this.#store!.close();
  }

  _put(key: Encoded, value: Encoded, options: ForwardedWriteOptions): Promise<void> {
    return this.#store!.put(bytesOf(key), bytesOf(value), writeOptions(options));
  }

  _del(key: Encoded, options: ForwardedWriteOptions): Promise<void> {
    return this.#store!.del(bytesOf(key), writeOptions(options));
  }

  _batch(operations: readonly EncodedOperation[], options: ForwardedWriteOptions): Promise<void> {
    return this.#store!.batch(storeOperations(operations), writeOptions(options));
  }

  _putSync(key: Encoded, value: Encoded, options: ForwardedWriteOptions): void {
    this.#store!.putSync(bytesOf(key), bytesOf(value), writeOptions(options));
  }

  _delSync(key: Encoded, options: ForwardedWriteOptions): void {
    this.#store!.delSync(bytesOf(key), writeOptions(options));
  }

  _batchSync(operations: readonly EncodedOperation[], options: ForwardedWriteOptions): void {
    this.#store!.batchSync(storeOperations(operations), writeOptions(options));
  }

  _get(key: Encoded, options: ForwardedReadOptions): Promise<Encoded | undefined> {
    const value = this.#store!.get(bytesOf(key), readOptions(options));
    return formOf(options.valueEncoding) === 'utf8' ? value.then(textOf) : value;
  }

  _getSync(key: Encoded, options: ForwardedReadOptions): Encoded | undefined {
    const value = this.#store!.getSync(bytesOf(key), readOptions(options));
    return formOf(options.valueEncoding) === 'utf8' ? textOf(value) : value;
  }

  async _getMany(
    keys: readonly Encoded[],
    options: ForwardedReadOptions,
  ): Promise<readonly (Encoded | undefined)[]> {
    const values = await this.#store!.getMany(keys.map(bytesOf), readOptions(options));
    return formOf(options.valueEncoding) === 'utf8' ? values.map(textOf) : values;
  }

  _has(key: Encoded, options: ForwardedReadOptions): Promise<boolean> {
    return this.#store!.has(bytesOf(key), readOptions(options));
  }

  _hasSync(key: Encoded, options: ForwardedReadOptions): boolean {
    return this.#store!.hasSync(bytesOf(key), readOptions(options));
  }

  _hasMany(keys: readonly Encoded[], options: ForwardedReadOptions): Promise<boolean[]> {
    return this.#store!.hasMany(keys.map(bytesOf), readOptions(options));
  }

  async _clear(options: ForwardedClearOptions): Promise<void> {
    const { reverse, limit, snapshot } = options;
    if (snapshot != null) {
      await clearSeenBy(ArenaSnapshot.behind(snapshot), this.#store!, options);
      return;
    }
    await this.#store!.clear({ ...boundsOf(options), reverse, limit }, writeOptions(options));
  }

  _iterator(options: ForwardedEntryOptions): ArenaIterator<this, KDefault, VDefault> {
    const batchClass = !options.values ? KeyedItems : options.keys ? EntryItems : KeylessItems;
    const iterator = this.#store!.iterator(iteratorOptions(options, options.keys, options.values));
    return new ArenaIterator(this, options, new ItemReader(iterator, options, batchClass));
  }

  _keys(options: ForwardedIteratorOptions): ArenaKeyIterator<this, KDefault> {
    const iterator = this.#store!.iterator(iteratorOptions(options, true, false));
    return new ArenaKeyIterator(this, options, new ItemReader(iterator, options, KeyItems));
  }

  _values(options: ForwardedIteratorOptions): ArenaValueIterator<this, KDefault, VDefault> {
    const iterator = this.#store!.iterator(iteratorOptions(options, false, true));
    return new ArenaValueIterator(this, options, new ItemReader(iterator, options, ValueItems));
  }

  _snapshot(options: { readonly owner: object }): ArenaSnapshot {
    return new ArenaSnapshot(this.#store!.snapshot(), options);
  }

  _sublevel(name: string, options: AbstractSublevelOptions<never, never>): SublevelWithTwins<this> {
    return new SublevelWithTwins(this, name, options);
  }
}
