/**
 * Chooses how a read for an asynchronous caller waits: on the thread, or in the libuv pool.
 *
 * A read that the page cache serves takes 2 µs on the thread and costs the thread 10 to 16 µs through the pool; one
 * that goes to a disk takes the thread milliseconds. Nothing tells them apart beforehand, so recent reads decide:
 *
 *     pool   ── PROOF_READS reads in a row that were fast ──▶   direct
 *     direct ── one read slower than SLOW_MS              ──▶   pool, and no way back before a delay is over
 *
 * A store begins in the pool, so a disk is never waited for on the thread but by the one read that finds out that
 * the page cache no longer serves. The delay doubles from MIN_DELAY_MS to MAX_DELAY_MS while such finds come soon after
 * one another. Reads of blocking callers count as proof too. Main thread only.
 */
import type { Clock } from '@arena-level/common/base/clock';

export type ReadMode = 'auto' | 'pool' | 'direct';

export const SLOW_MS = 0.2;
export const PROOF_READS = 8;
export const MIN_DELAY_MS = 100;
export const MAX_DELAY_MS = 10_000;
/** Fast direct reads after which an earlier slow one no longer counts. */
export const FORGIVING_READS = 4096;

/** Threads of the libuv pool: that many reads are served at a time. */
const POOL_THREADS = 4;
/** A span of pool reads that overlap is judged after this many at the latest. */
const SPAN_READS = 64;

export class ReadScheduler {
  readonly #clock: Clock;
  readonly #mode: ReadMode;
  #isDirect: boolean;
  /** Fast reads in a row. */
  #fastReads = 0;
  #delayMs = MIN_DELAY_MS;
  #poolUntil = Number.NEGATIVE_INFINITY;

  /** Pool reads under way, when the span of overlapping ones began, and how many of it have ended. */
  #inPool = 0;
  #spanStart = 0;
  #spanReads = 0;

  constructor(clock: Clock, mode: ReadMode) {
    this.#clock = clock;
    this.#mode = mode;
    this.#isDirect = mode === 'direct';
  }

  /** Whether an asynchronous caller reads on the thread. */
  get isDirect(): boolean {
    return this.#isDirect;
  }

  /** Runs a blocking read and learns from it. */
  readNow<T>(read: () => T): T {
    if (this.#mode !== 'auto') return read();
    const start = this.#clock.now();
    const result = read();
    const end = this.#clock.now();
    if (end - start > SLOW_MS) this.#foundSlow(end);
    else this.#foundFast(1, end);
    return result;
  }

  /** Waits for a read in the pool and learns from it. */
  async readInPool<T>(read: () => Promise<T>): Promise<T> {
    if (this.#mode !== 'auto') return read();
    if (this.#inPool++ === 0) {
      this.#spanStart = this.#clock.now();
      this.#spanReads = 0;
    }
    try {
      return await read();
    } finally {
      this.#inPool--;
      this.#spanReads++;
      if (this.#inPool === 0 || this.#spanReads === SPAN_READS) this.#judgeSpan();
    }
  }

  /** Reads that overlap wait for each other; what each takes by itself follows from how many ended in the span. */
  #judgeSpan(): void {
    const now = this.#clock.now();
    const readMs = ((now - this.#spanStart) * Math.min(this.#spanReads, POOL_THREADS)) / this.#spanReads;
    if (readMs > SLOW_MS) this.#fastReads = 0;
    else this.#foundFast(this.#spanReads, now);
    this.#spanStart = now;
    this.#spanReads = 0;
  }

  #foundFast(reads: number, now: number): void {
    this.#fastReads += reads;
    if (this.#isDirect) {
      if (this.#fastReads >= FORGIVING_READS) this.#delayMs = MIN_DELAY_MS;
    } else if (this.#fastReads >= PROOF_READS && now >= this.#poolUntil) {
      this.#isDirect = true;
      this.#fastReads = 0;
    }
  }

  #foundSlow(now: number): void {
    this.#fastReads = 0;
    if (!this.#isDirect) return;
    this.#isDirect = false;
    this.#poolUntil = now + this.#delayMs;
    this.#delayMs = Math.min(this.#delayMs * 2, MAX_DELAY_MS);
  }
}
