import { RingBuffer } from 'ringbuf.js';
import { MAX_ARENA_ENTRIES } from '../arena/layout.ts';
import { EngineError, ErrorCode } from '../base/errors.ts';
import { MAX_BATCH_BYTES } from '../base/limits.ts';
import {
  FRAME_HEADER_WORDS,
  FRAME_MARK,
  FrameFlag,
  FrameWord,
  KNOWN_FLAGS,
  WORD_BYTES,
  wordsFor,
} from './ring-memory.ts';
import { ticketAfter } from './tickets.ts';

/** Private memory of the owner into which frames are copied, one at a time, before anything in them is believed. */
export class FrameStaging {
  #words = new Int32Array(1024);
  #bytes = new Uint8Array(this.#words.buffer);

  get bytes(): Uint8Array<ArrayBuffer> {
    return this.#bytes;
  }

  words(least: number): Int32Array<ArrayBuffer> {
    if (this.#words.length < least) {
      this.#words = new Int32Array(Math.max(least, 2 * this.#words.length));
      this.#bytes = new Uint8Array(this.#words.buffer);
    }
    return this.#words;
  }
}

/**
 * The owner's side of a ring: takes frames out of it. What another thread has written is checked: a header that cannot
 * be throws, and the ring is of no use any more. One thread only.
 */
export class FrameReader {
  readonly #ring: RingBuffer;
  readonly #staging: FrameStaging;
  readonly #header = new Int32Array(FRAME_HEADER_WORDS);
  readonly #maxWords: number;
  /** The header of the next frame is out of the ring, its records are not. */
  #hasHeader = false;
  #lastTicket: number;

  constructor(frames: SharedArrayBuffer, staging: FrameStaging, lastTicket: number) {
    this.#ring = new RingBuffer(frames, Int32Array);
    this.#staging = staging;
    this.#maxWords = this.#ring.capacity() - FRAME_HEADER_WORDS;
    this.#lastTicket = lastTicket;
  }

  /** Whether there is a whole frame; the other properties speak of it until it is taken. Throws ARENA_INTERNAL. */
  hasFrame(): boolean {
    const ring = this.#ring;
    if (!this.#hasHeader) {
      if (ring.availableRead() < FRAME_HEADER_WORDS) return false;
      ring.pop(this.#header);
      this.#checkHeader();
      this.#hasHeader = true;
    }
    return this.isApart || ring.availableRead() >= wordsFor(this.recordBytes);
  }

  /** Bytes in the ring that were not taken. */
  get waitingBytes(): number {
    return this.#ring.availableRead() * WORD_BYTES;
  }

  get recordBytes(): number {
    return this.#header[FrameWord.RecordBytes]!;
  }

  get entries(): number {
    return this.#header[FrameWord.Entries]!;
  }

  get ticket(): number {
    return this.#header[FrameWord.Ticket]!;
  }

  get isSync(): boolean {
    return (this.#header[FrameWord.Flags]! & FrameFlag.Sync) !== 0;
  }

  get isApart(): boolean {
    return (this.#header[FrameWord.Flags]! & FrameFlag.Apart) !== 0;
  }

  /**
   * Takes the frame out. Its records are the first `recordBytes` bytes of what is returned, valid until the next is taken;
   * none of a frame whose records travel apart. REQUIRES: a frame.
   */
  take(): Uint8Array {
    this.#hasHeader = false;
    this.#lastTicket = this.ticket;
    if (!this.isApart) {
      const length = wordsFor(this.recordBytes);
      this.#ring.pop(this.#staging.words(length), length);
    }
    return this.#staging.bytes;
  }

  #checkHeader(): void {
    const header = this.#header;
    const flags = header[FrameWord.Flags]!;
    const { recordBytes, entries, ticket } = this;
    const expected = ticketAfter(this.#lastTicket);
    const most = this.isApart ? MAX_BATCH_BYTES : this.#maxWords * WORD_BYTES;
    if (header[FrameWord.Mark] !== FRAME_MARK) throw damaged('a frame does not begin with its mark');
    if ((flags & ~KNOWN_FLAGS) !== 0) throw damaged(`flags ${flags} of a frame`);
    if (recordBytes <= 0 || recordBytes > most) throw damaged(`a frame of ${recordBytes} bytes`);
    if (entries <= 0 || entries > MAX_ARENA_ENTRIES) throw damaged(`a frame of ${entries} entries`);
    if (ticket !== expected) throw damaged(`ticket ${ticket} instead of ${expected}`);
  }
}

function damaged(what: string): EngineError {
  return new EngineError(ErrorCode.Internal, `the ring of a writing thread is damaged: ${what}`);
}
