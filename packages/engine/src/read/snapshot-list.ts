import { EngineError, ErrorCode } from '@arena-level/common/base/errors';
import type { SnapshotHandle } from '../public/public-types.ts';

/** Snapshots that other threads have open, where they are. */
export interface ForeignSnapshots {
  readonly size: number;
  /** The lowest sequence number that one of them reads at, or `horizon`; from now on none is opened below `horizon`. */
  oldest(horizon: number): number;
  /** Runs `step` if there are none, while none can be opened. False: there are some, and nothing was done. */
  ifNone(step: () => void): boolean;
}

/**
 * The explicit snapshots that are open: which sequence numbers a flush or a compaction must keep readable.
 *
 * Iterators and reads in progress are not listed. They hold the memtables and the version they read from, in which
 * nothing is dropped; an explicit snapshot reads from whatever memtables and version there are at that moment.
 */
export class SnapshotList {
  /** Distinct sequence numbers, ascending, and how many snapshots each has. */
  readonly #sequences: number[] = [];
  readonly #counts: number[] = [];
  /** Those that this list gave, closed ones too. */
  readonly #given = new WeakSet<object>();
  readonly #onChange: () => void;
  /** Undefined: no other thread can have any. */
  #foreign: ForeignSnapshots | undefined;

  /** `onChange` is called when a snapshot was opened or closed. */
  constructor(onChange: () => void = () => {}) {
    this.#onChange = onChange;
  }

  /** From now on, those of other threads count, too. */
  watch(foreign: ForeignSnapshots): void {
    this.#foreign = foreign;
  }

  /** Snapshots that are open. */
  get size(): number {
    let size = this.#foreign?.size ?? 0;
    for (const count of this.#counts) size += count;
    return size;
  }

  /** Opens a snapshot of everything up to `sequence`. */
  open(sequence: number): Snapshot {
    const at = lowerBound(this.#sequences, sequence);
    if (this.#sequences[at] === sequence) {
      this.#counts[at]! += 1;
    } else {
      this.#sequences.splice(at, 0, sequence);
      this.#counts.splice(at, 0, 1);
    }
    const snapshot = new Snapshot(sequence, (closed) => this.#close(closed));
    this.#given.add(snapshot);
    this.#onChange();
    return snapshot;
  }

  /**
   * The sequence number that a snapshot of this list reads at. Throws ARENA_INVALID_ARGUMENT for anything else, one
   * of another store included, and LEVEL_SNAPSHOT_NOT_OPEN after its `close`.
   */
  sequenceOf(snapshot: SnapshotHandle): number {
    if (!this.#given.has(snapshot)) {
      throw new EngineError(
        ErrorCode.InvalidArgument,
        'a snapshot must be one that snapshot() of this store gave',
      );
    }
    return snapshot.sequence;
  }

  /** The lowest sequence number that a snapshot reads at, or `defaultSequence` when that is lower or none is open. */
  oldest(defaultSequence: number): number {
    const oldest = Math.min(this.#sequences[0] ?? defaultSequence, defaultSequence);
    return this.#foreign === undefined ? oldest : this.#foreign.oldest(oldest);
  }

  /** Runs `step` if no snapshot is open, while none can be opened. False: nothing was done. */
  ifNone(step: () => void): boolean {
    if (this.#sequences.length > 0) return false;
    if (this.#foreign !== undefined) return this.#foreign.ifNone(step);
    step();
    return true;
  }

  #close(sequence: number): void {
    const at = lowerBound(this.#sequences, sequence);
    this.#counts[at]! -= 1;
    if (this.#counts[at] === 0) {
      this.#sequences.splice(at, 1);
      this.#counts.splice(at, 1);
    }
    this.#onChange();
  }
}

/** One moment of a store. Holds old versions of keys on disk until it is closed. */
export class Snapshot {
  readonly #sequence: number;
  #onClose: ((sequence: number) => void) | undefined;

  /** Snapshots come from `SnapshotList.open`. */
  constructor(sequence: number, onClose: (sequence: number) => void) {
    this.#sequence = sequence;
    this.#onClose = onClose;
  }

  /** Entries up to this sequence number are seen. Throws LEVEL_SNAPSHOT_NOT_OPEN after `close`. */
  get sequence(): number {
    if (this.#onClose === undefined)
      throw new EngineError(ErrorCode.SnapshotNotOpen, 'the snapshot is closed');
    return this.#sequence;
  }

  get closed(): boolean {
    return this.#onClose === undefined;
  }

  /** Closing it again does nothing. */
  close(): void {
    const onClose = this.#onClose;
    this.#onClose = undefined;
    onClose?.(this.#sequence);
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** Index of the first element of an ascending array that is at least `value`. */
function lowerBound(ascending: readonly number[], value: number): number {
  let low = 0;
  let high = ascending.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (ascending[middle]! < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
