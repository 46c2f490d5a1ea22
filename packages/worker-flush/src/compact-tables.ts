/**
 * Runs a compaction in a thread of its own: the function behind the worker's task. It blocks, sleeps while its owner
 * says pause, and stops when its owner says cancel.
 */
import type { Clock } from '@arena-level/common/base/clock';
import { CompactionGuest, CompactionState } from '@arena-level/common/protocol/compaction-control';
import type { CompactionJob, CompactResponse } from '@arena-level/common/protocol/compaction-protocol';
import { toWireError } from '@arena-level/common/protocol/wire-error';
import type { Storage } from '@arena-level/common/storage/storage';
import { Compaction } from './compaction.ts';
import { threadCpuMs } from './thread-cpu.ts';

/** Bytes of the inputs between two reports. */
const REPORT_BYTES: number = 256 * 1024;

/** Expected failures are answers: this throws nothing. No file is left unless the answer is `compacted`. */
export function compactTables(job: CompactionJob, storage: Storage, clock: Clock): CompactResponse {
  try {
    return new CompactionRun(job, storage, clock).run();
  } catch (error) {
    return { kind: 'failed', error: toWireError(error) };
  }
}

class CompactionRun {
  readonly #compaction: Compaction;
  readonly #guest: CompactionGuest;
  readonly #clock: Clock;
  #pausedMs = 0;
  #reportedBytes = 0;

  constructor(job: CompactionJob, storage: Storage, clock: Clock) {
    this.#compaction = new Compaction(job, storage, clock);
    this.#guest = new CompactionGuest(job);
    this.#clock = clock;
  }

  run(): CompactResponse {
    const cpuBeforeMs = threadCpuMs();
    const startedMs = this.#clock.now();
    const compaction = this.#compaction;
    do {
      if (this.#isCancelled()) {
        compaction.abort();
        return { kind: 'cancelled' };
      }
    } while (!this.#step());
    this.#report();
    const { syncMs, ...outcome } = compaction.result();
    const pausedMs = this.#pausedMs;
    const timings = {
      mergeMs: this.#clock.now() - startedMs - pausedMs - syncMs,
      pausedMs,
      syncMs,
      cpuMs: threadCpuMs() - cpuBeforeMs,
    };
    return { kind: 'compacted', ...outcome, timings };
  }

  #step(): boolean {
    const isDone = this.#compaction.step();
    if (!isDone && this.#compaction.bytesDone - this.#reportedBytes >= REPORT_BYTES) this.#report();
    return isDone;
  }

  /** Waits while the owner says pause. */
  #isCancelled(): boolean {
    const guest = this.#guest;
    if (guest.state === CompactionState.Paused) {
      this.#report();
      const pausedMs = this.#clock.now();
      guest.waitWhilePaused();
      this.#pausedMs += this.#clock.now() - pausedMs;
      this.#report();
    }
    return guest.state === CompactionState.Cancelled;
  }

  #report(): void {
    this.#reportedBytes = this.#compaction.bytesDone;
    this.#guest.report(this.#reportedBytes, this.#pausedMs);
  }
}
