import { BATCH_HEADER_BYTES, encodePutRecord, putRecordBytes } from '@arena-level/common/key/batch-record';
import type { BatchSizes, EncodedBatch } from '@arena-level/common/protocol/ingest-protocol';
import type { EntrySink } from './parse-piece.ts';

const FIRST_CAPACITY_BYTES: number = 64 * 1024;

/** Encodes entries as batches, their headers left free for whoever knows the sequence number. One owner. */
export class BatchEncoder implements EntrySink {
  readonly #sizes: BatchSizes;
  readonly #batches: EncodedBatch[] = [];
  #bytes: Uint8Array<ArrayBuffer>;
  #end = BATCH_HEADER_BYTES;
  #entries = 0;

  constructor(sizes: BatchSizes) {
    this.#sizes = sizes;
    this.#bytes = new Uint8Array(FIRST_CAPACITY_BYTES);
  }

  put(key: Uint8Array, value: Uint8Array): void {
    const needed = this.#end + putRecordBytes(key.length, value.length);
    if (needed > this.#bytes.length) this.#grow(needed);
    this.#end = encodePutRecord(this.#bytes, this.#end, key, value);
    this.#entries++;
    const { batchBytes, batchEntries } = this.#sizes;
    if (this.#end >= batchBytes || this.#entries >= batchEntries) this.#finish();
  }

  /** All of them, each in memory of its own. */
  batches(): EncodedBatch[] {
    this.#finish();
    return this.#batches;
  }

  #finish(): void {
    if (this.#entries === 0) return;
    this.#batches.push({ bytes: this.#bytes.slice(0, this.#end), entries: this.#entries });
    this.#end = BATCH_HEADER_BYTES;
    this.#entries = 0;
  }

  #grow(needed: number): void {
    const grown = new Uint8Array(Math.max(needed, 2 * this.#bytes.length));
    grown.set(this.#bytes.subarray(0, this.#end));
    this.#bytes = grown;
  }
}

/** The records of a batch are bytes[start, end). */
export function recordsOf({ bytes }: EncodedBatch): { readonly start: number; readonly end: number } {
  return { start: BATCH_HEADER_BYTES, end: bytes.length };
}
