import { BATCH_HEADER_BYTES, encodePutRecord, putRecordBytes } from '@arena-level/common/key/batch-record';
import type { BatchSizes, EncodedBatch } from '@arena-level/common/protocol/ingest-protocol';
import type { EntrySink } from './parse-piece.ts';

const FIRST_CAPACITY_BYTES: number = 64 * 1024;

/** Takes batches over, in their order. */
export interface BatchSink {
  /** The records are bytes[BATCH_HEADER_BYTES, end); they change once the call has returned. */
  add(bytes: Uint8Array<ArrayBuffer>, end: number, entries: number): void;
}

/** Encodes entries as batches, their headers left free for whoever knows the sequence number. One owner. */
export class BatchEncoder implements EntrySink {
  readonly #sizes: BatchSizes;
  readonly #sink: BatchSink;
  #bytes: Uint8Array<ArrayBuffer>;
  #end = BATCH_HEADER_BYTES;
  #entries = 0;
  /** Entries to come that somebody has already. */
  #skips: number;

  constructor(sizes: BatchSizes, sink: BatchSink, skipEntries = 0) {
    this.#sizes = sizes;
    this.#sink = sink;
    this.#skips = skipEntries;
    this.#bytes = new Uint8Array(FIRST_CAPACITY_BYTES);
  }

  put(key: Uint8Array, value: Uint8Array): void {
    if (this.#skips > 0) {
      this.#skips--;
      return;
    }
    const needed = this.#end + putRecordBytes(key.length, value.length);
    if (needed > this.#bytes.length) this.#grow(needed);
    this.#end = encodePutRecord(this.#bytes, this.#end, key, value);
    this.#entries++;
    const { batchBytes, batchEntries } = this.#sizes;
    if (this.#end >= batchBytes || this.#entries >= batchEntries) this.finish();
  }

  /** Gives the last batch away, which may be a small one. */
  finish(): void {
    if (this.#entries === 0) return;
    this.#sink.add(this.#bytes, this.#end, this.#entries);
    this.#end = BATCH_HEADER_BYTES;
    this.#entries = 0;
  }

  #grow(needed: number): void {
    const grown = new Uint8Array(Math.max(needed, 2 * this.#bytes.length));
    grown.set(this.#bytes.subarray(0, this.#end));
    this.#bytes = grown;
  }
}

/** Keeps batches, each in memory of its own. */
export class BatchList implements BatchSink {
  readonly batches: EncodedBatch[] = [];

  add(bytes: Uint8Array<ArrayBuffer>, end: number, entries: number): void {
    this.batches.push({ bytes: bytes.slice(0, end), entries });
  }
}
