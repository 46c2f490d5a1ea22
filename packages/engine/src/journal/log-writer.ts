/**
 * Appends records to a log file (`log-format.ts`).
 *
 * A record's chunks are assembled in one buffer, reused, and leave with one positional write; a record above 1 MiB
 * leaves in several. An append has two phases, so that a blocking caller can take over an asynchronous append that
 * is under way: `prepare` once, then `write` or `writeNow` of the same bytes at the same place, as often as it
 * takes, then `commitPrepared`.
 *
 * INVARIANT: `goodSize` is the end of the last whole record. After a failure nothing is written any more; the owner
 * may cut the file there.
 *
 * Owner: whoever owns the file; one append at a time.
 */
import { ioError, isEngineError } from '@arena-level/common/base/errors';
import { invariant } from '@arena-level/common/base/invariant';
import { MIB } from '@arena-level/common/base/limits';
import { EMPTY_BYTES } from '@arena-level/common/bytes/compare';
import { fileName } from '@arena-level/common/storage/file-desc';
import type { WritableFile } from '@arena-level/common/storage/storage';
import { BLOCK_BYTES, ChunkType, HEADER_BYTES, recordBytesBound, sealChunk } from './log-format.ts';
import { requireWholeWrite } from './whole-write.ts';

/** A slice is closed when less than a block is left of this, so a record of 1 MiB still leaves in one write. */
const OUTPUT_LIMIT_BYTES = MIB + 2 * BLOCK_BYTES;
const OUTPUT_INITIAL_BYTES = BLOCK_BYTES;
/** Up to here a loop copies faster than a view can be made. */
const COPY_LOOP_BYTES = 48;

export class LogWriter {
  readonly file: WritableFile;
  #goodSize: number;
  #failure: Error | undefined;

  /** The slice being written: output[0, outputEnd) goes to `slicePosition`. */
  #output: Uint8Array<ArrayBuffer> = EMPTY_BYTES;
  #outputEnd = 0;
  #slicePosition = 0;

  /** What of the prepared record is not assembled yet; borrowed until the commit when it is not empty. */
  #record: Uint8Array = EMPTY_BYTES;
  #recordAt = 0;
  #recordEnd = 0;
  #hasBegun = false;
  #isPrepared = false;

  /** Grows with every attempt to write, so that the answer to one that was taken over is recognised. */
  #attempt = 0;
  /** The buffer that an asynchronous write under way still reads. */
  #busyOutput: Uint8Array | undefined;
  /** The last asynchronous write, and those before it that were taken over while under way. */
  #lastWrite: Promise<void> | undefined;
  #overtaken: Promise<unknown> | undefined;

  /** `position`: where the file's last whole record ends, 0 for a new file. */
  constructor(file: WritableFile, position = 0) {
    this.file = file;
    this.#goodSize = position;
  }

  /** End of the last whole record: the size of the file when nothing has failed. */
  get goodSize(): number {
    return this.#goodSize;
  }

  /** Where the prepared record will end. REQUIRES: prepared, at most 1 MiB, or wholly written. */
  get preparedEnd(): number {
    return this.#slicePosition + this.#outputEnd;
  }

  /** Why this log takes no more records. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  /** Assembles a record. A record above 1 MiB is borrowed, unchanged, until `commitPrepared`; a smaller one is copied. */
  prepare(record: Uint8Array, start: number, end: number): void {
    if (this.#failure !== undefined) throw this.#failure;
    invariant(!this.#isPrepared, 'a log record is prepared while another one is being written');
    this.#record = record;
    this.#recordAt = start;
    this.#recordEnd = end;
    this.#hasBegun = false;
    this.#isPrepared = true;
    this.#slicePosition = this.#goodSize;
    this.#assembleSlice();
  }

  /** Writes the prepared record, blocking. May be called while `write` is under way, which then counts no more. */
  writeNow(): void {
    this.#beginAttempt();
    try {
      for (;;) {
        const written = this.file.writeNow(this.#output, 0, this.#outputEnd, this.#slicePosition);
        requireWholeWrite(written, this.#outputEnd, this.file.file);
        if (!this.#hasMore()) return;
        this.#nextSlice();
      }
    } catch (error) {
      throw this.fail(error);
    }
  }

  write(): Promise<void> {
    this.#lastWrite = this.#writeSlices(this.#beginAttempt());
    return this.#lastWrite;
  }

  /** The prepared record is in the file: the next one goes behind it. */
  commitPrepared(): void {
    invariant(this.#isPrepared && !this.#hasMore(), 'a log record is committed before it is written');
    this.#goodSize = this.preparedEnd;
    this.#clearPrepared();
  }

  appendNow(record: Uint8Array, start: number, end: number): void {
    this.prepare(record, start, end);
    this.writeNow();
    this.commitPrepared();
  }

  async append(record: Uint8Array, start: number, end: number): Promise<void> {
    this.prepare(record, start, end);
    await this.write();
    this.commitPrepared();
  }

  /** Nothing is written from now on. For the owner, too: after a failed sync. Returns the first failure. */
  fail(error: unknown): Error {
    this.#failure ??= isEngineError(error) ? error : ioError('write', fileName(this.file.file), error);
    this.#clearPrepared();
    return this.#failure;
  }

  /** Resolves when no write is under way, those that were taken over included: the file may be cut and closed then. */
  async idle(): Promise<void> {
    await Promise.allSettled([this.#overtaken, this.#lastWrite]);
  }

  #beginAttempt(): number {
    if (this.#failure !== undefined) throw this.#failure;
    invariant(this.#isPrepared, 'a log record is written before it is prepared');
    if (this.#busyOutput !== undefined)
      this.#overtaken = Promise.allSettled([this.#overtaken, this.#lastWrite]);
    return ++this.#attempt;
  }

  async #writeSlices(attempt: number): Promise<void> {
    for (;;) {
      const output = this.#output;
      const length = this.#outputEnd;
      this.#busyOutput = output;
      try {
        const written = await this.file.write(output, 0, length, this.#slicePosition);
        if (attempt !== this.#attempt) return;
        requireWholeWrite(written, length, this.file.file);
      } catch (error) {
        if (attempt !== this.#attempt) return;
        throw this.fail(error);
      } finally {
        if (this.#busyOutput === output) this.#busyOutput = undefined;
      }
      if (!this.#hasMore()) return;
      this.#nextSlice();
    }
  }

  #hasMore(): boolean {
    return this.#recordAt < this.#recordEnd;
  }

  #nextSlice(): void {
    this.#slicePosition += this.#outputEnd;
    this.#assembleSlice();
  }

  #assembleSlice(): void {
    this.#makeRoom();
    const output = this.#output;
    const end = this.#recordEnd;
    let at = this.#recordAt;
    let out = 0;
    let left = BLOCK_BYTES - (this.#slicePosition % BLOCK_BYTES);
    do {
      if (left < HEADER_BYTES) {
        output.fill(0, out, out + left);
        out += left;
        left = BLOCK_BYTES;
      }
      const length = Math.min(left - HEADER_BYTES, end - at);
      copyRange(this.#record, at, length, output, out + HEADER_BYTES);
      sealChunk(output, out, length, chunkType(this.#hasBegun, at + length === end));
      this.#hasBegun = true;
      at += length;
      out += HEADER_BYTES + length;
      left -= HEADER_BYTES + length;
    } while (at < end && out + BLOCK_BYTES <= OUTPUT_LIMIT_BYTES);
    this.#recordAt = at;
    this.#outputEnd = out;
  }

  /** A buffer that holds the slice and that no write under way still reads. */
  #makeRoom(): void {
    const needed = Math.min(recordBytesBound(this.#recordEnd - this.#recordAt), OUTPUT_LIMIT_BYTES);
    let capacity = Math.max(this.#output.length, OUTPUT_INITIAL_BYTES);
    while (capacity < needed) capacity *= 2;
    if (capacity !== this.#output.length || this.#output === this.#busyOutput) {
      this.#output = new Uint8Array(Math.min(capacity, OUTPUT_LIMIT_BYTES));
    }
  }

  #clearPrepared(): void {
    this.#isPrepared = false;
    this.#record = EMPTY_BYTES;
    this.#recordAt = 0;
    this.#recordEnd = 0;
  }
}

function chunkType(hasBegun: boolean, isEnd: boolean): ChunkType {
  if (hasBegun) return isEnd ? ChunkType.Last : ChunkType.Middle;
  return isEnd ? ChunkType.Full : ChunkType.First;
}

function copyRange(
  source: Uint8Array,
  start: number,
  length: number,
  target: Uint8Array,
  offset: number,
): void {
  if (length > COPY_LOOP_BYTES) {
    target.set(source.subarray(start, start + length), offset);
    return;
  }
  for (let i = 0; i < length; i++) target[offset + i] = source[start + i]!;
}
