/**
 * The owner's end of the ring through which the batches of one task come while a thread is at it: one piece that is
 * parsed, or one table that is turned back to batches. A ring serves one task at a time; a thread that dies leaves its
 * memory behind, half a frame included, and the next attempt gets new one.
 *
 * The owner sleeps only on the ring of the oldest task: it says so, looks once more, and waits for a message, or the answer.
 * Main thread only.
 */
import { EngineError, ErrorCode, messageOf } from '@arena-level/common/base/errors';
import type { BatchTransport } from '@arena-level/common/protocol/ingest-protocol';
import { FrameReader, type FrameStaging } from '@arena-level/common/rings/frame-reader';
import { OwnerSignal } from '@arena-level/common/rings/owner-signal';
import {
  ControlWord,
  createRingMemory,
  type RingMemory,
  RingState,
} from '@arena-level/common/rings/ring-memory';

export interface RingBatch {
  /** Batch records: the first `recordBytes` bytes, until the next batch of any ring of the ingest is taken. */
  readonly records: Uint8Array;
  readonly recordBytes: number;
  readonly entries: number;
}

/** A task whose batches come through a ring while it runs; without one, they come with the answer. */
export interface StreamedTask<R> {
  readonly ring: PieceRing | undefined;
  readonly answer: Promise<R>;
}

/** Turns of the event loop in which the records of a batch come that the answer has overtaken: they have another port. */
const MAX_LATE_TURNS = 10;

interface Attempt {
  readonly memory: RingMemory;
  readonly control: Int32Array<SharedArrayBuffer>;
  readonly signal: OwnerSignal;
  readonly reader: FrameReader;
  /** Records that came by message, by the ticket of their frame. */
  readonly apart: Map<number, SharedArrayBuffer>;
}

export class PieceRing {
  readonly #id: number;
  readonly #bytes: number;
  readonly #staging: FrameStaging;
  #attempt: Attempt;
  #isUsed = false;
  #entriesTaken = 0;
  #isSettled = false;
  #isClosed = false;
  #wake: () => void = () => {};

  /** `staging`: of all rings of the ingest, of which one is emptied at a time. */
  constructor(id: number, bytes: number, staging: FrameStaging) {
    this.#id = id;
    this.#bytes = bytes;
    this.#staging = staging;
    this.#attempt = this.#newAttempt();
  }

  /** For each attempt at the task anew: what was taken of those before stays taken, what else came of them is forgotten. */
  begin(): BatchTransport {
    if (this.#isUsed) {
      this.#attempt = this.#newAttempt();
      // Whoever sleeps does so on the word of the attempt before.
      this.#wake();
    }
    this.#isUsed = true;
    if (this.#isClosed) this.close();
    return { ring: { id: this.#id, memory: this.#attempt.memory }, skipEntries: this.#entriesTaken };
  }

  /** Makes it ready for another task. REQUIRES: its task was answered, and nothing is left in it. */
  reuse(): void {
    this.#isUsed = false;
    this.#isSettled = false;
    this.#entriesTaken = 0;
  }

  /** The task has its answer: whatever is in the ring is all. */
  settle(): void {
    this.#isSettled = true;
    this.#wake();
  }

  /** Of the batches taken, all attempts together. */
  get entriesTaken(): number {
    return this.#entriesTaken;
  }

  get isSettled(): boolean {
    return this.#isSettled;
  }

  /** A thread that waits for room is to stop. Final. */
  close(): void {
    this.#isClosed = true;
    const { control } = this.#attempt;
    Atomics.store(control, ControlWord.State, RingState.Ended);
    this.#tellThread();
    this.#wake();
  }

  /** The next batch; undefined while there is none. Throws ARENA_WORKER_FAILED where the ring is damaged. */
  take(): RingBatch | undefined {
    const { reader, control, apart } = this.#attempt;
    if (!this.#hasFrame()) return undefined;
    const { ticket, recordBytes, entries, isApart } = reader;
    if (isApart && !apart.has(ticket)) return undefined;
    const inRing = reader.take();
    const records = isApart ? new Uint8Array(apart.get(ticket)!) : inRing;
    apart.delete(ticket);
    if (isApart && records.length !== recordBytes) throw noBatch('it is not as large as it was said to be');
    this.#entriesTaken += entries;
    // Where the thread of the next task begins to count.
    Atomics.store(control, ControlWord.Written, ticket);
    this.#tellThread();
    return { records, recordBytes, entries };
  }

  /** Whether a batch is there without its records, which come by message. */
  get lacksRecords(): boolean {
    return (
      this.#hasFrame() &&
      this.#attempt.reader.isApart &&
      !this.#attempt.apart.has(this.#attempt.reader.ticket)
    );
  }

  /** Resolves when they are there. Throws ARENA_WORKER_FAILED where they do not come. REQUIRES: the task has its answer. */
  async lateRecords(): Promise<void> {
    for (let turn = 0; this.lacksRecords; turn++) {
      if (turn === MAX_LATE_TURNS) throw noBatch('its records did not come');
      await new Promise(setImmediate);
    }
  }

  /** Resolves when there may be another batch, or the task has its answer. */
  async news(): Promise<void> {
    const { signal } = this.#attempt;
    signal.sleep();
    // A thread that published before it could see the word has sent no message.
    const isAwake = this.#isSettled || this.#isClosed || (this.#hasFrame() && !this.lacksRecords);
    if (!isAwake) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    signal.wakeUp();
  }

  /** The thread says that there is more. */
  onWake(): void {
    this.#wake();
  }

  /** The records of a frame have come. */
  onRecords(ticket: number, records: SharedArrayBuffer): void {
    this.#attempt.apart.set(ticket, records);
    this.#wake();
  }

  #hasFrame(): boolean {
    try {
      return this.#attempt.reader.hasFrame();
    } catch (error) {
      throw noBatch(messageOf(error), error);
    }
  }

  #newAttempt(): Attempt {
    const signal = new OwnerSignal();
    const memory = createRingMemory(signal.shared, { ringBytes: this.#bytes });
    const reader = new FrameReader(memory.frames, this.#staging, 0);
    return { memory, signal, reader, control: new Int32Array(memory.control), apart: new Map() };
  }

  #tellThread(): void {
    const { control } = this.#attempt;
    Atomics.add(control, ControlWord.Progress, 1);
    Atomics.notify(control, ControlWord.Progress);
  }
}

export function noBatch(reason: string, cause?: unknown): EngineError {
  return new EngineError(
    ErrorCode.WorkerFailed,
    `a thread of the ingest sent a batch that is none: ${reason}`,
    {
      cause,
    },
  );
}
