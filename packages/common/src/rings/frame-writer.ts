import { RingBuffer } from 'ringbuf.js';
import { allocate } from '../base/allocate.ts';
import { EMPTY_BYTES } from '../bytes/compare.ts';
import { FRAME_HEADER_WORDS, FRAME_MARK, FrameFlag, FrameWord, WORD_BYTES, wordsFor } from './ring-memory.ts';

/** Below this a loop copies faster than set(), which needs a view of the range. */
const LOOP_COPY_BYTES = 48;

/**
 * The producing side of a ring: puts frames into it, each whole and with one store that publishes it. One thread only.
 *
 * The ring's own `push` copies element by element; this one hands out its storage instead.
 */
export class FrameWriter {
  /** Batch records that a frame in the ring can hold, in bytes. */
  readonly maxRecordBytes: number;
  readonly #ring: RingBuffer;
  /** The storage as bytes; known from the first frame on. */
  #bytes: Uint8Array = EMPTY_BYTES;
  readonly #header = new Int32Array(FRAME_HEADER_WORDS);
  /** What `#copyIn` copies: the ring calls it back. */
  #records: Uint8Array = this.#bytes;
  #start = 0;
  #end = 0;

  constructor(frames: SharedArrayBuffer) {
    this.#ring = new RingBuffer(frames, Int32Array);
    this.maxRecordBytes = (this.#ring.capacity() - FRAME_HEADER_WORDS) * WORD_BYTES;
    this.#header[FrameWord.Mark] = FRAME_MARK;
  }

  hasRoomFor(recordBytes: number): boolean {
    return this.#ring.availableWrite() >= FRAME_HEADER_WORDS + wordsFor(recordBytes);
  }

  /** Room for a batch, wherever its records travel. */
  hasRoomForBatch(recordBytes: number): boolean {
    return this.hasRoomFor(recordBytes > this.maxRecordBytes ? 0 : recordBytes);
  }

  /**
   * Publishes a batch of records[start, end): in the ring or, where they are larger than that, in memory of their own, which
   * `post` sends before. REQUIRES: room for it. Throws ARENA_MEMORY_BUDGET where there is no such memory: nothing was published.
   */
  pushBatch(
    flags: number,
    entries: number,
    ticket: number,
    records: Uint8Array,
    start: number,
    end: number,
    post: (ticket: number, records: SharedArrayBuffer) => void,
  ): void {
    const recordBytes = end - start;
    if (recordBytes <= this.maxRecordBytes) {
      this.push(flags, recordBytes, entries, ticket, records, start, end);
      return;
    }
    const apart = allocate(
      `a batch of ${recordBytes} bytes that travels apart`,
      () => new SharedArrayBuffer(recordBytes),
    );
    new Uint8Array(apart).set(records.subarray(start, end));
    post(ticket, apart);
    this.push(flags | FrameFlag.Apart, recordBytes, entries, ticket, EMPTY_BYTES, 0, 0);
  }

  /**
   * Publishes a frame with records[start, end), which may be none of the frame's `recordBytes`: those that travel apart.
   * REQUIRES: room.
   */
  push(
    flags: number,
    recordBytes: number,
    entries: number,
    ticket: number,
    records: Uint8Array,
    start: number,
    end: number,
  ): void {
    const header = this.#header;
    header[FrameWord.Flags] = flags;
    header[FrameWord.RecordBytes] = recordBytes;
    header[FrameWord.Entries] = entries;
    header[FrameWord.Ticket] = ticket;
    this.#records = records;
    this.#start = start;
    this.#end = end;
    this.#ring.writeCallbackWithOffset(FRAME_HEADER_WORDS + wordsFor(end - start), this.#copyIn);
  }

  /** The free words are storage[at, at + length) and storage[0, …). Returns how many were filled: all. */
  readonly #copyIn = (
    storage: ArrayLike<number>,
    at: number,
    length: number,
    _second: number,
    secondLength: number,
  ): number => {
    const words = storage as Int32Array;
    if (this.#bytes.length === 0)
      this.#bytes = new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
    const header = this.#header;
    for (let i = 0; i < FRAME_HEADER_WORDS; i++) words[i < length ? at + i : i - length] = header[i]!;
    const firstBytes = (length - FRAME_HEADER_WORDS) * WORD_BYTES;
    if (firstBytes <= 0) {
      this.#copy(-firstBytes, this.#start, this.#end);
    } else {
      const split = Math.min(this.#end, this.#start + firstBytes);
      this.#copy((at + FRAME_HEADER_WORDS) * WORD_BYTES, this.#start, split);
      this.#copy(0, split, this.#end);
    }
    return length + secondLength;
  };

  #copy(to: number, start: number, end: number): void {
    const records = this.#records;
    const bytes = this.#bytes;
    if (end - start <= LOOP_COPY_BYTES) {
      for (let i = start; i < end; i++) bytes[to + i - start] = records[i]!;
    } else {
      bytes.set(records.subarray(start, end), to);
    }
  }
}
