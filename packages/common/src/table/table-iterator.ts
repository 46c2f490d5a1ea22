/**
 * A position in a table: an `InternalIterator` over its data blocks.
 *
 * A move asks the `BlockRunSource` for the block it needs; when that is not at hand the move stops, `blocked`, and
 * `unblock` brings the block and goes on with it, through further blocks where one holds nothing for the move. A
 * load that fails leaves the iterator blocked: it may be tried again. The table must stay open until `release`.
 *
 * A walk from block to block reads ahead: the further it has come, the more blocks at once. Seeks end that.
 */
import { assertNever } from '../base/invariant.ts';
import { KIB } from '../base/limits.ts';
import type { Block } from '../block/block.ts';
import { BlockIterator } from '../block/block-iterator.ts';
import { copyRange, withCapacity } from '../block/copy-range.ts';
import { EMPTY_BYTES } from '../bytes/compare.ts';
import type { InternalIterator } from '../iterator/internal-iterator.ts';
import { type BlockRun, runHas } from './block-run.ts';
import type { BlockRunSource } from './block-source.ts';
import type { TableReader } from './table-reader.ts';

/** What a move does in the block it arrives at. */
const Arrival = { First: 0, Last: 1, Seek: 2, SeekBefore: 3 } as const;
type Arrival = (typeof Arrival)[keyof typeof Arrival];

const NO_BLOCK = -1;

/** What is read at once where a walk comes to its second block that is not at hand; twice as much each time. */
const FIRST_AHEAD_BYTES: number = 8 * KIB;
const MAX_AHEAD_BYTES: number = 128 * KIB;

export class TableIterator implements InternalIterator {
  readonly #reader: TableReader;
  readonly #source: BlockRunSource;
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
  /** Blocks read ahead. INVARIANT: while a read is under way its bytes belong to that, and there is no run. */
  #run: BlockRun | undefined;
  /** How much the next read takes; 0: one block, as nobody walks. */
  #aheadBytes = 0;

  constructor(reader: TableReader, source: BlockRunSource) {
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
    this.#aheadBytes = 0;
    this.#goTo(0, Arrival.First);
  }

  last(): void {
    this.#aheadBytes = 0;
    this.#goTo(this.#reader.blocks - 1, Arrival.Last);
  }

  seek(key: Uint8Array, keyStart: number, keyEnd: number, sequence: number): void {
    this.#aheadBytes = 0;
    this.#aim(key, keyStart, keyEnd, sequence);
    this.#goTo(this.#reader.findBlock(key, keyStart, keyEnd, sequence), Arrival.Seek);
  }

  seekBefore(key: Uint8Array, keyStart: number, keyEnd: number, sequence: number): void {
    const block = this.#reader.findBlock(key, keyStart, keyEnd, sequence);
    if (block < 0) {
      this.last();
      return;
    }
    this.#aheadBytes = 0;
    this.#aim(key, keyStart, keyEnd, sequence);
    this.#goTo(block, Arrival.SeekBefore);
  }

  next(): void {
    this.#entry.next();
    if (!this.#entry.valid) this.#walkTo(this.#block + 1, Arrival.First);
  }

  prev(): void {
    this.#entry.prev();
    if (!this.#entry.valid) this.#walkTo(this.#block - 1, Arrival.Last);
  }

  async unblock(): Promise<void> {
    while (this.#blocked) {
      const wanted = this.#block;
      const block = await this.#load(wanted);
      // A blocking twin may have finished the move while this one waited.
      if (this.#blocked && this.#block === wanted) this.#arrive(block);
    }
  }

  unblockNow(): void {
    while (this.#blocked) {
      this.#arrive(
        this.#aheadBytes === 0
          ? this.#source.loadNow(this.#reader, this.#block)
          : this.#loadRunNow(this.#block),
      );
    }
  }

  release(): void {
    this.#blocked = false;
    this.#block = NO_BLOCK;
    this.#run = undefined;
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

  /** To the next block in the direction of a walk. */
  #walkTo(block: number, arrival: Arrival): void {
    if (this.#aheadBytes === 0) this.#aheadBytes = FIRST_AHEAD_BYTES;
    this.#goTo(block, arrival);
  }

  /** The block if that costs no wait. */
  #peek(block: number): Block | undefined {
    const source = this.#source;
    if (this.#aheadBytes === 0) return source.peek(this.#reader, block);
    if (runHas(this.#run, block)) return source.blockOf(this.#reader, this.#run, block);
    const cached = source.cached(this.#reader, block);
    if (cached !== undefined) return cached;
    return source.isDirect ? this.#loadRunNow(block) : undefined;
  }

  async #load(block: number): Promise<Block> {
    if (this.#aheadBytes === 0) return this.#source.load(this.#reader, block);
    const [first, end] = this.#nextRun(block);
    const spare = this.#run?.bytes;
    this.#run = undefined;
    const run = await this.#source.loadRun(this.#reader, first, end, spare);
    // Nobody looks at this run after a blocking twin has gone on with one of its own, or after the release.
    if (this.#blocked && this.#block === block) this.#run = run;
    return this.#source.blockOf(this.#reader, run, block);
  }

  #loadRunNow(block: number): Block {
    const [first, end] = this.#nextRun(block);
    this.#run = this.#source.loadRunNow(this.#reader, first, end, this.#run?.bytes);
    return this.#source.blockOf(this.#reader, this.#run, block);
  }

  /** What to read for a walk that comes to `block`, in its direction. */
  #nextRun(block: number): readonly [first: number, end: number] {
    const bytes = this.#aheadBytes;
    this.#aheadBytes = Math.min(2 * bytes, MAX_AHEAD_BYTES);
    return this.#arrival === Arrival.First
      ? [block, this.#reader.runEnd(block, bytes)]
      : [this.#reader.runStart(block, bytes), block + 1];
  }

  /** Goes on with the move, with the block it waited for if there is one, until it ends or needs another block. */
  #arrive(loaded: Block | undefined): void {
    this.#entry.detach();
    this.#blocked = false;
    let block = loaded;
    while (this.#block >= 0 && this.#block < this.#reader.blocks) {
      block ??= this.#peek(this.#block);
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
