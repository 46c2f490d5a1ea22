/**
 * The shared memory of one compaction: a word by which its owner pauses and cancels it, and a ring by which it tells
 * how far it has come.
 *
 * The owner writes the word, the thread that compacts looks at it between blocks, and sleeps while it says pause.
 * Cancelled is final. The ring has one producer, the thread, and one consumer, the owner; a report that finds it full
 * is left out, since the next one says more.
 */
import { RingBuffer } from 'ringbuf.js';

export const CompactionState = { Running: 0, Paused: 1, Cancelled: 2 } as const;
export type CompactionState = (typeof CompactionState)[keyof typeof CompactionState];

/** Numbers of one report: bytes of the inputs done, milliseconds paused. */
const REPORT_NUMBERS = 2;
const RING_REPORTS = 32;

export interface CompactionReport {
  readonly bytesDone: number;
  readonly pausedMs: number;
}

export interface CompactionMemory {
  readonly control: SharedArrayBuffer;
  readonly progress: SharedArrayBuffer;
}

/** The owner's side. */
export class CompactionHandle {
  readonly memory: CompactionMemory;
  readonly #word: Int32Array<SharedArrayBuffer>;
  readonly #ring: RingBuffer;
  readonly #numbers: Float64Array<ArrayBuffer> = new Float64Array(REPORT_NUMBERS * RING_REPORTS);
  #last: CompactionReport = { bytesDone: 0, pausedMs: 0 };

  constructor() {
    const progress = RingBuffer.getStorageForCapacity(REPORT_NUMBERS * RING_REPORTS, Float64Array);
    this.memory = { control: new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT), progress };
    this.#word = new Int32Array(this.memory.control);
    this.#ring = new RingBuffer(progress, Float64Array);
  }

  pause(): void {
    Atomics.compareExchange(this.#word, 0, CompactionState.Running, CompactionState.Paused);
  }

  resume(): void {
    Atomics.compareExchange(this.#word, 0, CompactionState.Paused, CompactionState.Running);
    Atomics.notify(this.#word, 0);
  }

  cancel(): void {
    Atomics.store(this.#word, 0, CompactionState.Cancelled);
    Atomics.notify(this.#word, 0);
  }

  /** The last report, those that came since the call before taken in. */
  report(): CompactionReport {
    const count = this.#ring.pop(this.#numbers);
    if (count >= REPORT_NUMBERS) {
      const at = count - (count % REPORT_NUMBERS) - REPORT_NUMBERS;
      this.#last = { bytesDone: this.#numbers[at]!, pausedMs: this.#numbers[at + 1]! };
    }
    return this.#last;
  }
}

/** The side of the thread that compacts. */
export class CompactionGuest {
  readonly #word: Int32Array<SharedArrayBuffer>;
  readonly #ring: RingBuffer;
  readonly #numbers: Float64Array<ArrayBuffer> = new Float64Array(REPORT_NUMBERS);

  constructor({ control, progress }: CompactionMemory) {
    this.#word = new Int32Array(control);
    this.#ring = new RingBuffer(progress, Float64Array);
  }

  get state(): CompactionState {
    return Atomics.load(this.#word, 0) as CompactionState;
  }

  /** Sleeps while the owner says pause. Not on a thread that has others to serve. */
  waitWhilePaused(): void {
    while (this.state === CompactionState.Paused) Atomics.wait(this.#word, 0, CompactionState.Paused);
  }

  report(bytesDone: number, pausedMs: number): void {
    if (this.#ring.availableWrite() < REPORT_NUMBERS) return;
    this.#numbers[0] = bytesDone;
    this.#numbers[1] = pausedMs;
    this.#ring.push(this.#numbers);
  }
}
