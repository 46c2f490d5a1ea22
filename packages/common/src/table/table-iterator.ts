/**
 * A position in a table: an `InternalIterator` over its data blocks.
 *
 * A move asks the `BlockSource` for the block it needs; when that is not at hand the move stops, `blocked`, and
 * `unblock` brings the block and goes on with it, through further blocks where one holds nothing for the move. A
 * load that fails leaves the iterator blocked: it may be tried again. The table must stay open until `release`.
 */
import { assertNever } from '../base/invariant.ts';
import type { Block } from '../block/block.ts';
import { BlockIterator } from '../block/block-iterator.ts';
import { copyRange, withCapacity } from '../block/copy-range.ts';
import { EMPTY_BYTES } from '../bytes/compare.ts';
import type { InternalIterator } from '../iterator/internal-iterator.ts';
import type { BlockSource } from './table-lookup.ts';
import type { TableReader } from './table-reader.ts';

/** What a move does in the block it arrives at. */
const Arrival = { First: 0, Last: 1, Seek: 2, SeekBefore: 3 } as const;
type Arrival = (typeof Arrival)[keyof typeof Arrival];

const NO_BLOCK = -1;

export class TableIterator implements InternalIterator {
  readonly #reader: TableReader;
  readonly #source: BlockSource;
  readonly #entry: BlockIterator = new BlockIterator();
  /** The block that #entry is in, or that the move under way needs. */
  #block = NO_BLOCK;
  #blocked = false;
  #arrival: Arrival = Arrival.First;
  /** Target of a seek under way: target[targetStart, targetEnd); our own copy while blocked. */
  #target: Uint8Array;
  #targetStart = 0;
  #targetEnd = 0;
  #targetSequence = 0;
  #ownTarget: Uint8Array<ArrayBuffer> = EMPTY_BYTES;

  constructor(reader: TableReader, source: BlockSource) {
    this.#reader = reader;
    this.#source = source;
    this.#target = this.#ownTarget;
  }

  get valid(): boolean {
    return this.#entry.valid;
  }

  get blocked(): boolean {
    return this.#blocked;
  }

  get keyBytes(): Uint8Array {
    return this.#entry.keyBytes;
  }

  get keyStart(): number {
    return 0;
  }

  get keyEnd(): number {
    return this.#entry.keyEnd;
  }

  get sequence(): number {
    return this.#entry.sequence;
  }

  get kind(): number {
    return this.#entry.kind;
  }

  get valueBytes(): Uint8Array {
    return this.#entry.valueBytes;
  }

  get valueStart(): number {
    return this.#entry.valueStart;
  }

  get valueEnd(): number {
    return this.#entry.valueEnd;
  }

  first(): void {
    this.#goTo(0, Arrival.First);
  }

  last(): void {
    this.#goTo(this.#reader.blocks - 1, Arrival.Last);
  }

  seek(key: Uint8Array, keyStart: number, keyEnd: number, sequence: number): void {
    this.#aim(key, keyStart, keyEnd, sequence);
    this.#goTo(this.#reader.findBlock(key, keyStart, keyEnd, sequence), Arrival.Seek);
  }

  seekBefore(key: Uint8Array, keyStart: number, keyEnd: number, sequence: number): void {
    const block = this.#reader.findBlock(key, keyStart, keyEnd, sequence);
    if (block < 0) {
      this.last();
      return;
    }
    this.#aim(key, keyStart, keyEnd, sequence);
    this.#goTo(block, Arrival.SeekBefore);
  }

  next(): void {
    this.#entry.next();
    if (!this.#entry.valid) this.#goTo(this.#block + 1, Arrival.First);
  }

  prev(): void {
    this.#entry.prev();
    if (!this.#entry.valid) this.#goTo(this.#block - 1, Arrival.Last);
  }

  async unblock(): Promise<void> {
    while (this.#blocked) {
      const wanted = this.#block;
      const block = await this.#source.load(this.#reader, wanted);
      // A blocking twin may have finished the move while this one waited.
      if (this.#blocked && this.#block === wanted) this.#arrive(block);
    }
  }

  unblockNow(): void {
    while (this.#blocked) this.#arrive(this.#source.loadNow(this.#reader, this.#block));
  }

  release(): void {
    this.#blocked = false;
    this.#block = NO_BLOCK;
    this.#entry.detach();
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
    if (this.#target === this.#ownTarget || length === 0) return;
    this.#ownTarget = withCapacity(this.#ownTarget, length);
    copyRange(this.#ownTarget, 0, this.#target, this.#targetStart, this.#targetEnd);
    this.#aim(this.#ownTarget, 0, length, this.#targetSequence);
  }

  #goTo(block: number, arrival: Arrival): void {
    this.#block = block;
    this.#arrival = arrival;
    this.#arrive(undefined);
  }

  /** Goes on with the move, with the block it waited for if there is one, until it ends or needs another block. */
  #arrive(loaded: Block | undefined): void {
    this.#entry.detach();
    this.#blocked = false;
    let block = loaded;
    while (this.#block >= 0 && this.#block < this.#reader.blocks) {
      block ??= this.#source.peek(this.#reader, this.#block);
      if (block === undefined) {
        this.#keepTarget();
        this.#blocked = true;
        return;
      }
      this.#enter(block);
      if (this.#entry.valid) return;
      block = undefined;
      this.#passOn();
    }
  }

  #enter(block: Block): void {
    const entry = this.#entry;
    entry.attach(block);
    switch (this.#arrival) {
      case Arrival.First:
        entry.first();
        break;
      case Arrival.Last:
        entry.last();
        break;
      case Arrival.Seek:
        entry.seek(this.#target, this.#targetStart, this.#targetEnd, this.#targetSequence);
        break;
      case Arrival.SeekBefore:
        entry.seekBefore(this.#target, this.#targetStart, this.#targetEnd, this.#targetSequence);
        break;
      default:
        assertNever(this.#arrival);
    }
  }

  /** The block holds nothing for the move: what is wanted is at the near end of the one beyond. */
  #passOn(): void {
    const forward = this.#arrival === Arrival.First || this.#arrival === Arrival.Seek;
    this.#block += forward ? 1 : -1;
    this.#arrival = forward ? Arrival.First : Arrival.Last;
  }
}
