/**
 * Memory for blocks that come and go. Memory of its own for each costs more than the read: the allocator's lock, which the
 * collector has meanwhile on another thread as it frees the last ones, and pages that are touched for the first time.
 */
import { KIB } from '../base/limits.ts';

export interface BlockMemory {
  /** So many bytes, which hold anything. */
  bytes(length: number): Uint8Array<ArrayBuffer>;
}

/** For blocks that are held for long. */
export const ownMemory: BlockMemory = { bytes: (length) => new Uint8Array(length) };

/** More is not kept: one large block must not cost its memory for good. */
const MAX_SCRATCH_BYTES: number = 256 * KIB;

/** For one block after the other: each is good until the next. */
export class BlockScratch implements BlockMemory {
  #kept: Uint8Array<ArrayBuffer> = new Uint8Array(0);

  bytes(length: number): Uint8Array<ArrayBuffer> {
    if (length > MAX_SCRATCH_BYTES) return new Uint8Array(length);
    if (length > this.#kept.length) this.#kept = new Uint8Array(Math.min(2 * length, MAX_SCRATCH_BYTES));
    return this.#kept.subarray(0, length);
  }
}

const SLAB_BYTES: number = 64 * KIB;
/** A larger block would leave too much of a slab unused. */
const MAX_PART_BYTES: number = SLAB_BYTES / 8;
/** `set` copies by words where both sides are aligned. */
const ALIGN = 8;

/** For blocks that are held for a short time: one that is not let go of keeps its neighbours in memory, too. */
export class BlockSlabs implements BlockMemory {
  #slab: Uint8Array<ArrayBuffer> = new Uint8Array(0);
  #used = 0;

  bytes(length: number): Uint8Array<ArrayBuffer> {
    if (length > MAX_PART_BYTES) return new Uint8Array(length);
    if (this.#used + length > this.#slab.length) {
      this.#slab = new Uint8Array(SLAB_BYTES);
      this.#used = 0;
    }
    const start = this.#used;
    this.#used = Math.ceil((start + length) / ALIGN) * ALIGN;
    return this.#slab.subarray(start, start + length);
  }
}
