/**
 * The shared memory through which one thread writes to a store of another: a ring of frames, and the words by which
 * the owner answers. All of it is plain data that crosses to the thread by being in a message.
 *
 * Control words (Int32):
 *
 *     │ magic │ state │ progress │ written │ durable │ failures │ wants message │ message from │
 *
 * - state: set by the owner, Open → Closing → Ended. Closing: takes no new frame. Ended: nothing is answered any more.
 * - progress: grows with everything the owner tells; what a thread sleeps on. A sleeper loads it, looks at all it
 *   waits for, and sleeps only while it has not changed.
 * - written, durable: the ticket up to which all writes, or all writes with `sync`, have their answer.
 * - failures: how many messages `failed` the owner has posted. Posted and counted before the counter that covers them.
 * - wants message: set by the thread, taken back by the owner when it sends one: with progress of writes with `sync`,
 *   with a new state, or when `written` has come to the ticket in `message from`, which is set before.
 *
 * A frame in the ring (Int32 words, native byte order: both sides are one process):
 *
 *     │ mark │ flags │ record bytes │ entries │ ticket │ batch records, padded to a whole word │
 *
 * It is published whole, by the ring's one store of its write position: of a thread that dies in the middle of it
 * nothing shows. The records of a frame with the flag Apart are not in the ring, but in memory of their own that came by
 * message before.
 */

import { RingBuffer } from 'ringbuf.js';
import { allocate } from '../base/allocate.ts';
import { EngineError, ErrorCode } from '../base/errors.ts';
import { KIB, MIB } from '../base/limits.ts';

export const ControlWord = {
  Magic: 0,
  State: 1,
  Progress: 2,
  Written: 3,
  Durable: 4,
  Failures: 5,
  WantsMessage: 6,
  MessageFrom: 7,
} as const;
const CONTROL_WORDS = 8;
/** Grows with every change of the layout or of the messages. */
const CONTROL_MAGIC = 0x52_49_4e_02;

export const RingState = { Open: 0, Closing: 1, Ended: 2 } as const;
export type RingState = (typeof RingState)[keyof typeof RingState];

export const FrameWord = { Mark: 0, Flags: 1, RecordBytes: 2, Entries: 3, Ticket: 4 } as const;
export const FRAME_HEADER_WORDS = 5;
export const FRAME_MARK = 0x46_52_4d_45;

export const FrameFlag = { Sync: 1, Apart: 2 } as const;
export const KNOWN_FLAGS: number = FrameFlag.Sync | FrameFlag.Apart;

export const WORD_BYTES: number = Int32Array.BYTES_PER_ELEMENT;

export const DEFAULT_RING_BYTES: number = 1 * MIB;
/** A frame header and some more. */
export const MIN_RING_BYTES = 64;
export const MAX_RING_BYTES: number = 64 * MIB;

export interface RingMemory {
  readonly control: SharedArrayBuffer;
  readonly frames: SharedArrayBuffer;
  /** One for all rings of an owner, see `OwnerSignal`. */
  readonly signal: SharedArrayBuffer;
}

export interface RingMemoryOptions {
  /** Room for frames, a multiple of 4. Default 1 MiB. */
  readonly ringBytes?: number;
  /** Int32; the first write has the one after it. Default 0. */
  readonly lastTicket?: number;
}

/** The memory of a new ring. Throws ARENA_INVALID_ARGUMENT, ARENA_MEMORY_BUDGET. */
export function createRingMemory(signal: SharedArrayBuffer, options: RingMemoryOptions = {}): RingMemory {
  const { ringBytes = DEFAULT_RING_BYTES, lastTicket = 0 } = options;
  const isSize = Number.isInteger(ringBytes / WORD_BYTES);
  if (!isSize || ringBytes < MIN_RING_BYTES || ringBytes > MAX_RING_BYTES) {
    throw new EngineError(
      ErrorCode.InvalidArgument,
      `a ring has ${MIN_RING_BYTES} to ${MAX_RING_BYTES} bytes, in whole words, not ${ringBytes}`,
    );
  }
  const control = new SharedArrayBuffer(CONTROL_WORDS * WORD_BYTES);
  const words = new Int32Array(control);
  words[ControlWord.Magic] = CONTROL_MAGIC;
  words[ControlWord.Written] = lastTicket;
  words[ControlWord.Durable] = lastTicket;
  const frames = allocate(`a ring of ${ringBytes} bytes`, () =>
    RingBuffer.getStorageForCapacity(ringBytes / WORD_BYTES, Int32Array),
  );
  return { control, frames, signal };
}

/** The control words of memory from elsewhere. Throws ARENA_INVALID_ARGUMENT when it is no ring of this version. */
export function attachControl({ control, frames, signal }: RingMemory): Int32Array<SharedArrayBuffer> {
  for (const memory of [control, frames, signal]) {
    if (!(memory instanceof SharedArrayBuffer)) {
      throw new EngineError(ErrorCode.InvalidArgument, 'the memory of a ring is a SharedArrayBuffer');
    }
  }
  const isWhole = control.byteLength === CONTROL_WORDS * WORD_BYTES && frames.byteLength >= MIN_RING_BYTES;
  const words = isWhole ? new Int32Array(control) : undefined;
  if (words?.[ControlWord.Magic] !== CONTROL_MAGIC) {
    throw new EngineError(ErrorCode.InvalidArgument, 'not the memory of a ring, or that of another version');
  }
  return words;
}

export function wordsFor(bytes: number): number {
  return Math.ceil(bytes / WORD_BYTES);
}

/** Bytes of records, and entries, up to which the writes of one turn share a frame: it is written in one go. */
export const MAX_SHARED_FRAME_BYTES: number = 32 * KIB;
export const MAX_SHARED_FRAME_ENTRIES = 256;
