import type { InternalIterator } from '@arena-level/common/iterator/internal-iterator';
import { BackwardCursor } from './backward-cursor.ts';
import type { CursorBatch } from './entry-batch.ts';
import { ForwardCursor } from './forward-cursor.ts';
import type { ResolvedIteratorOptions } from './iterator-options.ts';
import { CursorState, type VisibleCursor } from './visible-cursor.ts';

/** What an iterator reads from: the memtables and tables of one moment, held until `release`. */
export interface IteratorSource {
  /** One bounded piece of the work that makes `open` cheap, and whether any is left. */
  orderStep(): boolean;
  /** Every version of every entry. Called once; the result is released before the source. */
  open(): InternalIterator;
  /** Throws when the source is not held any more. */
  check(): void;
  release(): void;
}

/** Why a fill stopped. */
export const FillStop = {
  /** The batch is full, or there are no further entries. */
  Done: 0,
  /** A block is missing: `unblock`, then go on. */
  Blocked: 1,
  /** A bounded piece of work is done: look at the clock, then go on. */
  Step: 2,
} as const;
export type FillStop = (typeof FillStop)[keyof typeof FillStop];

const ENTRIES_PER_STEP = 64;

/** Fills batches with what a reader sees of a source, in bounded steps that never wait by themselves. */
export class RangeReader {
  /** Entries that may still be handed out. */
  left: number;
  readonly #source: IteratorSource;
  readonly #sequence: number;
  readonly #options: ResolvedIteratorOptions;
  #merged: InternalIterator | undefined;
  #cursor: VisibleCursor | undefined;
  #seekTarget: Uint8Array | undefined;
  /** The cursor's entry is in a batch already. */
  #isTaken = false;

  /** Takes over `source`. */
  constructor(source: IteratorSource, sequence: number, options: ResolvedIteratorOptions) {
    this.#source = source;
    this.#sequence = sequence;
    this.#options = options;
    this.left = options.limit;
  }

  /** The next fill begins at `target`, which is kept. REQUIRES: not blocked. */
  seek(target: Uint8Array): void {
    this.#seekTarget = target;
  }

  /** Adds entries to `batch`. REQUIRES: not blocked. */
  fill(batch: CursorBatch): FillStop {
    this.#source.check();
    const cursor = this.#cursor ?? this.#open();
    if (cursor === undefined) return FillStop.Step;
    for (let i = 0; i < ENTRIES_PER_STEP; i++) {
      if (batch.isFull || this.left === 0) return FillStop.Done;
      this.#move(cursor);
      switch (cursor.state) {
        case CursorState.Entry:
          batch.add(cursor);
          this.#isTaken = true;
          this.left--;
          break;
        case CursorState.Blocked:
          return FillStop.Blocked;
        case CursorState.Paused:
          return FillStop.Step;
        default:
          return FillStop.Done;
      }
    }
    return FillStop.Step;
  }

  /** Loads what the last fill waits for. REQUIRES: it stopped as Blocked. */
  unblock(): Promise<void> {
    return this.#cursor!.unblock();
  }

  unblockNow(): void {
    this.#cursor!.unblockNow();
  }

  release(): void {
    this.#merged?.release();
    this.#source.release();
  }

  #open(): VisibleCursor | undefined {
    if (this.#source.orderStep()) return undefined;
    const { range, reverse, values } = this.#options;
    this.#merged = this.#source.open();
    this.#cursor = reverse
      ? new BackwardCursor(this.#merged, this.#sequence, range, values)
      : new ForwardCursor(this.#merged, this.#sequence, range);
    return this.#cursor;
  }

  /** Brings the cursor to the next entry, if it is not there already. */
  #move(cursor: VisibleCursor): void {
    const target = this.#seekTarget;
    if (target !== undefined) {
      this.#seekTarget = undefined;
      this.#isTaken = false;
      cursor.seek(target);
    } else if (cursor.state === CursorState.Unpositioned) {
      cursor.start();
    } else if (cursor.state === CursorState.Paused) {
      cursor.resume();
    } else if (this.#isTaken) {
      this.#isTaken = false;
      cursor.next();
    }
  }
}
