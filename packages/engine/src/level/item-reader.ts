import { throwIfAborted } from '@arena-level/common/base/aborting';
import { KIB } from '@arena-level/common/base/limits';
import type { StoreIterator } from '../iterator/store-iterator.ts';
import { bytesOf, type Encoded, formOf } from './encoded.ts';
import type { ForwardedIteratorOptions } from './forwarded-options.ts';
import type { EntryForms, ItemBatch } from './item-batches.ts';

/** Items that `next` reads at a time, from the second call on: often only the first is wanted. */
const ITEMS_AHEAD = 1000;

const HIGH_WATER_MARK_BYTES = 16 * KIB;

export type BatchClass<T> = new (maxItems: number, maxBytes: number, forms: EntryForms) => ItemBatch<T>;

/** What iterators of entries, of keys and of values have in common. abstract-level sees to it that calls do not overlap. */
export class ItemReader<T> {
  readonly #iterator: StoreIterator;
  readonly #batchClass: BatchClass<T>;
  readonly #forms: EntryForms;
  readonly #maxBytes: number;
  readonly #signal: AbortSignal | undefined;
  #isFirst = true;
  /** Read for `next`; those from #aheadAt on are not handed out yet. */
  #ahead: readonly T[] = [];
  #aheadAt = 0;

  /** Takes over `iterator`, which was opened with these options. */
  constructor(iterator: StoreIterator, options: ForwardedIteratorOptions, batchClass: BatchClass<T>) {
    this.#iterator = iterator;
    this.#batchClass = batchClass;
    this.#forms = { keys: formOf(options.keyEncoding), values: formOf(options.valueEncoding) };
    this.#maxBytes = options.highWaterMarkBytes ?? HIGH_WATER_MARK_BYTES;
    this.#signal = options.signal ?? undefined;
  }

  /** The next item; reads no more than `most` ahead. */
  next(most: number): T | undefined | Promise<T | undefined> {
    return this.#aheadAt < this.#ahead.length ? this.#ahead[this.#aheadAt++] : this.#readAhead(most);
  }

  nextv(size: number): T[] | Promise<T[]> {
    this.#isFirst = false;
    if (this.#aheadAt === this.#ahead.length) return this.#read(size, this.#maxBytes);
    const items = this.#ahead.slice(this.#aheadAt, this.#aheadAt + size);
    this.#aheadAt += items.length;
    return items;
  }

  /** Up to `size` that are left. */
  async all(size: number): Promise<T[]> {
    const ahead = this.#ahead.slice(this.#aheadAt, this.#aheadAt + size);
    this.#ahead = [];
    this.#aheadAt = 0;
    if (ahead.length === size) return ahead;
    const rest = await this.#read(size - ahead.length, Number.POSITIVE_INFINITY);
    return ahead.length === 0 ? rest : ahead.concat(rest);
  }

  seek(target: Encoded): void {
    this.#isFirst = true;
    this.#ahead = [];
    this.#aheadAt = 0;
    this.#iterator.seek(bytesOf(target));
  }

  close(): void {
    this.#ahead = [];
    this.#aheadAt = 0;
    this.#iterator.close();
  }

  async #readAhead(most: number): Promise<T | undefined> {
    const size = this.#isFirst ? 1 : Math.min(ITEMS_AHEAD, most);
    this.#isFirst = false;
    this.#ahead = await this.#read(size, this.#maxBytes);
    this.#aheadAt = 0;
    return this.#ahead[this.#aheadAt++];
  }

  async #read(size: number, maxBytes: number): Promise<T[]> {
    const batch = new this.#batchClass(size, maxBytes, this.#forms);
    await this.#iterator.fill(batch, this.#signal);
    // Also where the items were at hand: whoever has aborted meanwhile does not want them.
    throwIfAborted(this.#signal, 'the iteration was aborted');
    return batch.items;
  }
}
