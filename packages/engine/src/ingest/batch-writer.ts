/**
 * Writes batches that threads have encoded, in the order in which they are handed over. Several share a group, and so a journal
 * write; each is whole in it. Main thread only.
 */
import { MAX_ARENA_ENTRIES } from '@arena-level/common/arena/layout';
import { ErrorCode, hasCode, messageOf } from '@arena-level/common/base/errors';
import { MAX_BATCH_BYTES, MIB } from '@arena-level/common/base/limits';
import { BATCH_HEADER_BYTES } from '@arena-level/common/key/batch-record';
import type { EncodedBatch } from '@arena-level/common/protocol/ingest-protocol';
import type { WriteGroup } from '../write/write-group.ts';
import type { WritePath } from '../write/write-path.ts';
import { noBatch, type PieceRing, type StreamedTask } from './piece-ring.ts';

/** Record bytes that are handed to the write path before what became of them is waited for. */
const MAX_TAKEN_BYTES = 1 * MIB;

export class BatchWriter {
  /** Entries that were acknowledged. */
  entries = 0;
  readonly #writes: WritePath;
  readonly #sync: boolean;
  /** Throws when nothing more is to be written. */
  readonly #requireGoing: () => void;
  /** Groups that are not acknowledged yet, and what of them is ours. */
  #groups: { readonly group: WriteGroup; readonly written: Promise<void>; entries: number }[] = [];
  #takenBytes = 0;

  constructor(writes: WritePath, sync: boolean, requireGoing: () => void) {
    this.#writes = writes;
    this.#sync = sync;
    this.#requireGoing = requireGoing;
  }

  /**
   * Writes what comes of a task while it runs, and resolves with its answer. Throws ARENA_WORKER_FAILED for what is no batch:
   * that, and what is behind it, is not written.
   */
  async drain<R>({ ring, answer }: StreamedTask<R>): Promise<R> {
    if (ring !== undefined) {
      try {
        while (await this.#takeSome(ring)) await this.#written();
      } finally {
        await this.#written();
      }
    }
    return await answer;
  }

  /** Batches that came with an answer. */
  async write(batches: readonly EncodedBatch[]): Promise<void> {
    try {
      for (const { bytes, entries } of batches) {
        await this.#take(bytes, BATCH_HEADER_BYTES, bytes.length, entries);
        if (this.#takenBytes >= MAX_TAKEN_BYTES) await this.#written();
      }
    } finally {
      await this.#written();
    }
  }

  /** Takes what is in the ring, or waits for it. False when there is no more to come. */
  async #takeSome(ring: PieceRing): Promise<boolean> {
    for (;;) {
      // What a thread sent before it answered is in the ring when the answer is here.
      const isAll = ring.isSettled;
      while (this.#takenBytes < MAX_TAKEN_BYTES) {
        const batch = ring.take();
        if (batch === undefined) break;
        await this.#take(batch.records, 0, batch.recordBytes, batch.entries);
      }
      if (this.#takenBytes > 0) return true;
      this.#requireGoing();
      if (ring.lacksRecords && isAll) await ring.lateRecords();
      else if (isAll) return false;
      else await ring.news();
    }
  }

  /** Hands a batch to the write path, when that has room: other writes may fill the backlog. */
  async #take(records: Uint8Array, start: number, end: number, entries: number): Promise<void> {
    if (entries === 0) throw noBatch('it has no entries');
    if (entries > MAX_ARENA_ENTRIES || end - start > MAX_BATCH_BYTES) throw noBatch('it is over the limits');
    for (;;) {
      this.#requireGoing();
      try {
        this.#append(records, start, end, entries);
        return;
      } catch (error) {
        if (hasCode(error, ErrorCode.InvalidArgument)) throw noBatch(messageOf(error), error);
        if (!hasCode(error, ErrorCode.WriteBacklog)) throw error;
        await this.#writes.idle();
      }
    }
  }

  #append(records: Uint8Array, start: number, end: number, entries: number): void {
    const group = this.#writes.append(records, start, end, entries);
    const last = this.#groups.at(-1);
    if (last?.group === group) last.entries += entries;
    else {
      const written = group.promise(this.#sync);
      // Whoever waits for it hears of a failure.
      written.catch(() => {});
      this.#groups.push({ group, written, entries });
    }
    this.#takenBytes += end - start;
  }

  /** Resolves when all that was handed over is written. */
  async #written(): Promise<void> {
    this.#takenBytes = 0;
    for (const { written, entries } of this.#groups.splice(0)) {
      await written;
      this.entries += entries;
    }
  }
}
