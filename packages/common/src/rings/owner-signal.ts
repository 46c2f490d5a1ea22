import { WORD_BYTES } from './ring-memory.ts';

const SLEEPING = 0;
const SIGNAL_WORDS = 1;

/**
 * Whether the owner of a store sleeps, in memory shared with all threads that write to it. It says so before it looks
 * at the rings for the last time; a thread that publishes a frame afterwards finds the word and wakes it by message. Of
 * several one does.
 */
export class OwnerSignal {
  readonly shared: SharedArrayBuffer;
  readonly #words: Int32Array<SharedArrayBuffer>;

  constructor(shared: SharedArrayBuffer = new SharedArrayBuffer(SIGNAL_WORDS * WORD_BYTES)) {
    this.shared = shared;
    this.#words = new Int32Array(shared);
  }

  /** The owner is about to sleep: it has to look at the rings once more. */
  sleep(): void {
    Atomics.store(this.#words, SLEEPING, 1);
  }

  /** The owner is awake. */
  wakeUp(): void {
    Atomics.store(this.#words, SLEEPING, 0);
  }

  /** For a thread behind a frame: true when the owner sleeps and this thread is the one to wake it. */
  claimWake(): boolean {
    if (Atomics.load(this.#words, SLEEPING) === 0) return false;
    return Atomics.compareExchange(this.#words, SLEEPING, 1, 0) === 1;
  }
}
