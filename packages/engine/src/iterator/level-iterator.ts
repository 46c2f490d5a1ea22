/**
 * The tables of one level as one run: ordered, disjoint, opened one at a time when the walk comes to them. A single
 * table of level 0 is a level of its own here.
 *
 * A move is blocked when it comes to a table that is not open, or to a block that is not at hand; `unblock` goes on
 * with it through as many tables as it takes. A load that fails leaves the iterator blocked.
 *
 * INVARIANT: the table at `#at` is pinned while `#table` is defined; no other is.
 */
import { runLater, runNow } from '@arena-level/common/base/steps';
import { EMPTY_BYTES } from '@arena-level/common/bytes/compare';
import { copyTo } from '@arena-level/common/bytes/owned-bytes';
import type { InternalIterator } from '@arena-level/common/iterator/internal-iterator';
import type { BlockRunSource } from '@arena-level/common/table/block-source';
import { TableIterator } from '@arena-level/common/table/table-iterator';
import type { TableReader } from '@arena-level/common/table/table-reader';
import type { TableCache } from '../cache/table-cache.ts';
import type { TableMetadata } from '../manifest/table-metadata.ts';
import { findTable } from '../version/version.ts';

/** What a move does in the table it comes to. */
const Arrival = { First: 0, Last: 1, Seek: 2, SeekBefore: 3 } as const;
type Arrival = (typeof Arrival)[keyof typeof Arrival];

const NO_TABLE = -1;

export class LevelIterator implements InternalIterator {
  blocked = false;
  readonly #tables: readonly TableMetadata[];
  readonly #cache: TableCache;
  readonly #blocks: BlockRunSource;
  /** The table that the walk is in, or that the move under way comes to. */
  #at = NO_TABLE;
  #reader: TableReader | undefined;
  #table: TableIterator | undefined;
  #arrival: Arrival = Arrival.First;
  /** Target of a seek under way: target[targetStart, targetEnd); our own copy while blocked. */
  #target: Uint8Array = EMPTY_BYTES;
  #targetStart = 0;
  #targetEnd = 0;
  #targetSequence = 0;
  #ownTarget: Uint8Array = EMPTY_BYTES;

  /** The tables must stay in the store until `release`: whoever makes the iterator holds a version with them. */
  constructor(tables: readonly TableMetadata[], cache: TableCache, blocks: BlockRunSource) {
    this.#tables = tables;
    this.#cache = cache;
    this.#blocks = blocks;
  }

  get valid(): boolean {
    return this.#table?.valid ?? false;
  }

  get keyBytes(): Uint8Array {
    return this.#table?.keyBytes ?? EMPTY_BYTES;
  }

  get keyStart(): number {
    return this.#table?.keyStart ?? 0;
  }

  get keyEnd(): number {
    return this.#table?.keyEnd ?? 0;
  }

  get sequence(): number {
    return this.#table?.sequence ?? 0;
  }

  get kind(): number {
    return this.#table?.kind ?? 0;
  }

  get valueBytes(): Uint8Array {
    return this.#table?.valueBytes ?? EMPTY_BYTES;
  }

  get valueStart(): number {
    return this.#table?.valueStart ?? 0;
  }

  get valueEnd(): number {
    return this.#table?.valueEnd ?? 0;
  }

  first(): void {
    this.#goTo(0, Arrival.First);
  }

  last(): void {
    this.#goTo(this.#tables.length - 1, Arrival.Last);
  }

  seek(key: Uint8Array, keyStart: number, keyEnd: number, sequence: number): void {
    this.#aim(key, keyStart, keyEnd, sequence);
    this.#goTo(findTable(this.#tables, key, keyStart, keyEnd, sequence), Arrival.Seek);
  }

  seekBefore(key: Uint8Array, keyStart: number, keyEnd: number, sequence: number): void {
    const index = findTable(this.#tables, key, keyStart, keyEnd, sequence);
    if (index === this.#tables.length) {
      this.last();
      return;
    }
    this.#aim(key, keyStart, keyEnd, sequence);
    this.#goTo(index, Arrival.SeekBefore);
  }

  next(): void {
    this.#arrival = Arrival.First;
    this.#table!.next();
    this.#settle();
  }

  prev(): void {
    this.#arrival = Arrival.Last;
    this.#table!.prev();
    this.#settle();
  }

  async unblock(): Promise<void> {
    while (this.blocked) {
      const at = this.#at;
      if (this.#table === undefined) {
        const reader = await runLater(this.#cache.acquire(this.#tables[at]!));
        // Released meanwhile, or a blocking twin has finished the move.
        if (this.blocked && this.#table === undefined && this.#at === at) {
          this.#enter(reader);
          this.#run();
        } else {
          this.#cache.release(reader);
        }
      } else {
        await this.#table.unblock();
        if (this.blocked && this.#at === at) this.#settle();
      }
    }
  }

  unblockNow(): void {
    while (this.blocked) {
      if (this.#table === undefined) {
        this.#enter(runNow(this.#cache.acquire(this.#tables[this.#at]!)));
        this.#run();
      } else {
        this.#table.unblockNow();
        this.#settle();
      }
    }
  }

  release(): void {
    this.blocked = false;
    this.#leave();
  }

  #aim(key: Uint8Array, keyStart: number, keyEnd: number, sequence: number): void {
    this.#target = key;
    this.#targetStart = keyStart;
    this.#targetEnd = keyEnd;
    this.#targetSequence = sequence;
  }

  /** The caller may reuse its key once the move has returned; a move that goes on later needs a copy. */
  #keepTarget(): void {
    const length = this.#targetEnd - this.#targetStart;
    if (length > this.#ownTarget.length) this.#ownTarget = new Uint8Array(length * 2);
    copyTo(this.#ownTarget, 0, this.#target, this.#targetStart, this.#targetEnd);
    this.#aim(this.#ownTarget, 0, length, this.#targetSequence);
  }

  #goTo(index: number, arrival: Arrival): void {
    if (index !== this.#at) this.#leave();
    this.#at = index;
    this.#arrival = arrival;
    this.#run();
  }

  /** Goes on with the move from the start of table `#at`, until it ends or has to wait. */
  #run(): void {
    while (this.#isInTable()) {
      this.#arrive(this.#table!);
      this.blocked = this.#table!.blocked;
      if (this.blocked || this.#table!.valid) return;
      this.#passOn();
    }
  }

  /** After a move inside the table: goes on to the next one if this one holds nothing more. */
  #settle(): void {
    this.blocked = this.#table!.blocked;
    if (this.blocked || this.#table!.valid) return;
    this.#passOn();
    this.#run();
  }

  /** Whether there is a table `#at` and it is open; where it is not, the move is blocked. */
  #isInTable(): boolean {
    this.blocked = false;
    if (this.#table !== undefined) return true;
    const metadata = this.#tables[this.#at];
    if (metadata === undefined) return false;
    const reader = this.#cache.tryAcquire(metadata.number);
    if (reader === undefined) {
      this.#keepTarget();
      this.blocked = true;
      return false;
    }
    this.#enter(reader);
    return true;
  }

  /** Takes over a pinned reader of table `#at`. */
  #enter(reader: TableReader): void {
    this.#reader = reader;
    this.#table = new TableIterator(reader, this.#blocks);
  }

  #leave(): void {
    this.#table?.release();
    this.#table = undefined;
    if (this.#reader !== undefined) this.#cache.release(this.#reader);
    this.#reader = undefined;
  }

  #arrive(table: TableIterator): void {
    const arrival = this.#arrival;
    if (arrival === Arrival.First) table.first();
    else if (arrival === Arrival.Last) table.last();
    else if (arrival === Arrival.Seek) {
      table.seek(this.#target, this.#targetStart, this.#targetEnd, this.#targetSequence);
    } else {
      table.seekBefore(this.#target, this.#targetStart, this.#targetEnd, this.#targetSequence);
    }
  }

  /** The table holds nothing for the move: what is wanted is at the near end of the one beyond. */
  #passOn(): void {
    this.#leave();
    const isForward = this.#arrival === Arrival.First || this.#arrival === Arrival.Seek;
    this.#at += isForward ? 1 : -1;
    this.#arrival = isForward ? Arrival.First : Arrival.Last;
  }
}
