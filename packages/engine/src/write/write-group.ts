import { EngineError, ErrorCode } from '@arena-level/common/base/errors';
import { KIB } from '@arena-level/common/base/limits';
import {
  deleteRecordBytes,
  encodeDeleteRecord,
  encodePutRecord,
  putRecordBytes,
} from '@arena-level/common/key/batch-record';
import { BATCH_HEADER_BYTES, writeBatchHeader } from '../journal/batch-codec.ts';
import type { BatchOperation } from '../public/public-types.ts';
import { checkRecords } from './check-entries.ts';

const FIRST_CAPACITY_BYTES = 4 * KIB;

/** A promise with its two ends in the open. */
class Acknowledgement {
  readonly promise: Promise<void>;
  resolve!: () => void;
  reject!: (error: unknown) => void;

  constructor() {
    this.promise = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
  }
}

/**
 * Writes that share one journal record: those issued in one turn of the event loop, in their order.
 *
 * `bytes` is the record as it will stand in the journal: the batch header, filled in when the sequence number is
 * known, and the batch records, which the arena takes over as they are. Keys and values are copied while they are
 * added, so the caller may reuse its buffers.
 */
export class WriteGroup {
  bytes: Uint8Array<ArrayBuffer>;
  /** End of the records in `bytes`. */
  end: number = BATCH_HEADER_BYTES;
  entries = 0;
  /** One promise serves all writers of the group that asked for the same thing. */
  #written: Acknowledgement | undefined;
  #durable: Acknowledgement | undefined;
  /** Why the group was not written. */
  failure: unknown;

  constructor(buffer?: Uint8Array<ArrayBuffer>) {
    this.bytes = buffer ?? new Uint8Array(FIRST_CAPACITY_BYTES);
  }

  get recordBytes(): number {
    return this.end - BATCH_HEADER_BYTES;
  }

  get isEmpty(): boolean {
    return this.entries === 0;
  }

  /** True when a writer waits for the disk. */
  get wantsSync(): boolean {
    return this.#durable !== undefined;
  }

  addPut(key: Uint8Array, value: Uint8Array): void {
    this.#reserve(putRecordBytes(key.length, value.length));
    this.end = encodePutRecord(this.bytes, this.end, key, value);
    this.entries++;
  }

  addDelete(key: Uint8Array): void {
    this.#reserve(deleteRecordBytes(key.length));
    this.end = encodeDeleteRecord(this.bytes, this.end, key);
    this.entries++;
  }

  /** All of a batch, or, when that throws, nothing of it. REQUIRES: checked operations that need `recordBytes`. */
  addBatch(operations: readonly BatchOperation[], recordBytes: number): void {
    this.#reserve(recordBytes);
    const { end, entries } = this;
    try {
      for (let i = 0; i < operations.length; i++) {
        const operation = operations[i]!;
        if (operation.type === 'put') this.addPut(operation.key, operation.value);
        else this.addDelete(operation.key);
      }
      if (this.end - end !== recordBytes) throw changedMeanwhile();
    } catch (error) {
      this.end = end;
      this.entries = entries;
      throw error instanceof TypeError ? changedMeanwhile(error) : error;
    }
  }

  /**
   * Records that another thread encoded: all of them or, when they are not the `entries` records they are said to be,
   * nothing. They are checked where they have come to, since what is shared may change meanwhile.
   */
  addRecords(records: Uint8Array, start: number, end: number, entries: number): void {
    const recordsEnd = this.end + (end - start);
    this.#reserve(end - start);
    this.bytes.set(records.subarray(start, end), this.end);
    checkRecords(this.bytes, this.end, recordsEnd, entries);
    this.end = recordsEnd;
    this.entries += entries;
  }

  /** Fills in the header: the group is about to be written under these sequence numbers. */
  seal(firstSequence: number): void {
    writeBatchHeader(this.bytes, 0, firstSequence, this.entries);
  }

  /** The promise of the writers that wait for the write, or for the disk. */
  promise(sync: boolean): Promise<void> {
    if (sync) {
      this.#durable ??= new Acknowledgement();
      return this.#durable.promise;
    }
    this.#written ??= new Acknowledgement();
    return this.#written.promise;
  }

  acknowledgeWritten(): void {
    this.#written?.resolve();
  }

  acknowledgeDurable(): void {
    this.#durable?.resolve();
  }

  reject(error: unknown): void {
    this.failure = error;
    this.#written?.reject(error);
    this.#durable?.reject(error);
  }

  rejectDurable(error: unknown): void {
    this.#durable?.reject(error);
  }

  #reserve(moreBytes: number): void {
    const needed = this.end + moreBytes;
    if (needed <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, 2 * this.bytes.length));
    grown.set(this.bytes.subarray(0, this.end));
    this.bytes = grown;
  }
}

/** A getter, a proxy or a view of growing memory gave one answer to the check and another one afterwards. */
function changedMeanwhile(cause?: unknown): EngineError {
  return new EngineError(ErrorCode.InvalidArgument, 'the batch changed while it was taken in', { cause });
}
