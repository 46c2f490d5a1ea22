/**
 * An iterator as the user has it: user keys and values of one moment, in one direction, within bounds.
 *
 * Asynchronous methods load blocks without blocking the thread and let the event loop turn; their `Sync` twins do
 * neither. One call at a time: a second one meanwhile meets LEVEL_ITERATOR_BUSY. `close` may come at any time and
 * lets go of memtables, tables and blocks at once; a call that is under way then meets LEVEL_ITERATOR_NOT_OPEN. A
 * read that fails (damage, a failing disk) leaves the iterator failed: every later call meets the same error.
 *
 * Nothing is opened or read before the first entry is asked for. Main thread only.
 */
import { EngineError, ErrorCode } from '@arena-level/common/base/errors';
import { nameOf } from '../options/call-options.ts';
import { type CursorBatch, type Entry, EntryBatch } from './entry-batch.ts';
import type { ResolvedIteratorOptions } from './iterator-options.ts';
import { FillStop, type IteratorSource, RangeReader } from './range-reader.ts';
import type { Turns } from './turns.ts';

/** Entries that iteration takes at a time. */
const ENTRIES_PER_BATCH = 1000;
/** `next` reads ahead: one entry at first, then four times as many each time, up to this. */
const MAX_READ_AHEAD = 1024;

export class StoreIterator {
  readonly #reader: RangeReader;
  readonly #turns: Turns;
  readonly #options: ResolvedIteratorOptions;
  readonly #onClose: (iterator: StoreIterator) => void;
  #isBusy = false;
  #isClosed = false;
  #failure: { readonly error: unknown } | undefined;

  /** Entries read ahead for `next`; those from #aheadAt on are not handed out yet. */
  #ahead: readonly Entry[] = [];
  #aheadAt = 0;
  #readAhead = 1;

  /** Takes over `source`, which holds the moment to read. `onClose` is called once. */
  constructor(
    source: IteratorSource,
    sequence: number,
    options: ResolvedIteratorOptions,
    turns: Turns,
    onClose: (iterator: StoreIterator) => void,
  ) {
    this.#reader = new RangeReader(source, sequence, options);
    this.#turns = turns;
    this.#options = options;
    this.#onClose = onClose;
  }

  get closed(): boolean {
    return this.#isClosed;
  }

  /** The next entry; undefined at the end. */
  async next(): Promise<Entry | undefined> {
    this.#assertUsable();
    if (this.#aheadAt === this.#ahead.length) {
      const entries = await this.#fillLater(this.#readAhead);
      this.#setAhead(entries);
    }
    return this.#takeAhead();
  }

  nextSync(): Entry | undefined {
    this.#assertUsable();
    if (this.#aheadAt === this.#ahead.length) this.#setAhead(this.#fillNow(this.#readAhead));
    return this.#takeAhead();
  }

  /**
   * Up to `size` entries: fewer where the high-water mark is met or what was read ahead is used up, none at the end.
   */
  async nextv(size: number): Promise<Entry[]> {
    this.#assertUsable();
    assertSize(size);
    return this.#aheadAt < this.#ahead.length ? this.#takeManyAhead(size) : this.#fillLater(size);
  }

  nextvSync(size: number): Entry[] {
    this.#assertUsable();
    assertSize(size);
    return this.#aheadAt < this.#ahead.length ? this.#takeManyAhead(size) : this.#fillNow(size);
  }

  /**
   * Fills a batch of the caller's own form, which then holds nothing at the end. A signal ends it early.
   * REQUIRES: none of the methods above is used on this iterator. @internal
   */
  fill(batch: CursorBatch, signal?: AbortSignal): Promise<void> {
    this.#assertUsable();
    return this.#fill(batch, signal);
  }

  /**
   * The next entry will be the first at or behind `target` in the direction of the iterator; none if the target
   * lies outside the bounds. Entries handed out before still count towards the limit. Copies `target`.
   */
  seek(target: Uint8Array): void {
    this.#assertUsable();
    if (!(target instanceof Uint8Array)) {
      const what = nameOf(target);
      throw new EngineError(ErrorCode.InvalidKey, `a seek target must be a Uint8Array, not ${what}`);
    }
    this.#reader.left += this.#ahead.length - this.#aheadAt;
    this.#setAhead([]);
    this.#readAhead = 1;
    this.#reader.seek(new Uint8Array(target));
  }

  /** Closing it again does nothing. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#setAhead([]);
    if (this.#failure === undefined) this.#reader.release();
    this.#onClose(this);
  }

  /** All that is left, closing the iterator at the end. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Entry, void, undefined> {
    try {
      for (;;) {
        const entries = await this.nextv(ENTRIES_PER_BATCH);
        if (entries.length === 0) return;
        yield* entries;
      }
    } finally {
      this.close();
    }
  }

  /** The same without waiting. */
  *[Symbol.iterator](): Generator<Entry, void, undefined> {
    try {
      for (;;) {
        const entries = this.nextvSync(ENTRIES_PER_BATCH);
        if (entries.length === 0) return;
        yield* entries;
      }
    } finally {
      this.close();
    }
  }

  [Symbol.dispose](): void {
    this.close();
  }

  async #fillLater(size: number): Promise<Entry[]> {
    const batch = this.#newBatch(size);
    await this.#fill(batch);
    return batch.entries;
  }

  async #fill(batch: CursorBatch, signal?: AbortSignal): Promise<void> {
    this.#isBusy = true;
    try {
      for (;;) {
        const stop = this.#reader.fill(batch);
        if (stop === FillStop.Blocked) await this.#reader.unblock();
        if (this.#turns.isDue()) await this.#turns.next();
        if (this.#isClosed) throw notOpen();
        if (stop === FillStop.Done) return;
        if (signal?.aborted === true) return;
      }
    } catch (error) {
      throw this.#isClosed ? notOpen() : this.#fail(error);
    } finally {
      this.#isBusy = false;
    }
  }

  #fillNow(size: number): Entry[] {
    const batch = this.#newBatch(size);
    try {
      for (;;) {
        const stop = this.#reader.fill(batch);
        if (stop === FillStop.Blocked) this.#reader.unblockNow();
        if (stop === FillStop.Done) return batch.entries;
      }
    } catch (error) {
      throw this.#fail(error);
    }
  }

  #newBatch(size: number): EntryBatch {
    const { highWaterMarkBytes, keys, values } = this.#options;
    return new EntryBatch(size, highWaterMarkBytes, keys, values);
  }

  #setAhead(entries: readonly Entry[]): void {
    this.#ahead = entries;
    this.#aheadAt = 0;
    this.#readAhead = Math.min(this.#readAhead * 4, MAX_READ_AHEAD);
  }

  #takeAhead(): Entry | undefined {
    return this.#aheadAt < this.#ahead.length ? this.#ahead[this.#aheadAt++] : undefined;
  }

  #takeManyAhead(size: number): Entry[] {
    const entries = this.#ahead.slice(this.#aheadAt, this.#aheadAt + size);
    this.#aheadAt += entries.length;
    return entries;
  }

  #fail(error: unknown): unknown {
    this.#failure = { error };
    this.#reader.release();
    return error;
  }

  #assertUsable(): void {
    if (this.#isClosed) throw notOpen();
    if (this.#isBusy)
      throw new EngineError(ErrorCode.IteratorBusy, 'the iterator is busy: await its last call first');
    if (this.#failure !== undefined) throw this.#failure.error;
  }
}

function notOpen(): EngineError {
  return new EngineError(ErrorCode.IteratorNotOpen, 'the iterator is closed');
}

function assertSize(size: number): void {
  if (size >= 1 && (Number.isInteger(size) || size === Number.POSITIVE_INFINITY)) return;
  throw new EngineError(ErrorCode.InvalidArgument, `size must be an integer from 1, not ${String(size)}`);
}
