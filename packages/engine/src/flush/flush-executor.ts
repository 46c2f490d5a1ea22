/**
 * Where tables are built, merged and verified: a seam with two implementations over the same functions.
 *
 * `inline` works on the calling thread, `worker` in the threads of a piscina pool. An outcome is data; a promise
 * is rejected only for a call that should not have been made (a closed executor).
 */
import type { CompactionJob, CompactResponse } from '@arena-level/common/protocol/compaction-protocol';
import type {
  FlushJob,
  FlushResponse,
  VerifyJob,
  VerifyResponse,
} from '@arena-level/common/protocol/flush-protocol';
import type { WireError } from '@arena-level/common/protocol/wire-error';

/** A task that came to nothing. */
export interface TaskFailure {
  readonly kind: 'failed';
  readonly error: WireError;
  /**
   * True when the thread did not answer as agreed: it crashed, ran out of memory, was terminated, threw, or sent
   * something that is no answer. Whether it still sees the arena is unknown, so that arena is never used again.
   */
  readonly crashed: boolean;
}

export type Outcome<R extends { readonly kind: string }> =
  | Exclude<R, { readonly kind: 'failed' }>
  | TaskFailure;
export type FlushOutcome = Outcome<FlushResponse>;
export type VerifyOutcome = Outcome<VerifyResponse>;
export type CompactOutcome = Outcome<CompactResponse>;

export interface FlushExecutorStats {
  /** Tasks handed in and not settled: on a thread, and in the queue before it. */
  readonly running: number;
  readonly waiting: number;
  /** Tasks settled since the executor was made, and those of them whose thread did not answer as agreed. */
  readonly completed: number;
  readonly crashed: number;
}

export interface FlushExecutor {
  readonly kind: 'inline' | 'worker';
  /** Whether compactions run on threads that serve nothing else: only then may one sleep. */
  readonly compactsApart: boolean;
  /** Builds a table from a frozen arena. To cancel, set the arena's cancel word. */
  flush(job: FlushJob): Promise<FlushOutcome>;
  /** The same on the calling thread, blocking it; of either implementation. */
  flushNow(job: FlushJob): FlushOutcome;
  verify(job: VerifyJob): Promise<VerifyOutcome>;
  /** Merges tables; pauses and stops as the job's control word says. Never in the way of a flush. */
  compact(job: CompactionJob): Promise<CompactOutcome>;
  /** The same on the calling thread, blocking it; of either implementation. */
  compactNow(job: CompactionJob): CompactOutcome;
  /** Clears an arena, its pages touched. Rejected when it is unknown whether the arena is still being written. */
  prepare(arena: SharedArrayBuffer): Promise<void>;
  /** Touches the pages of an arena that is being filled, so that who fills it need not. */
  touch(arena: SharedArrayBuffer): Promise<void>;
  /** Tasks that no thread has begun end as cancelled; running ones are waited for. The second call is the first's promise. */
  close(): Promise<void>;
  stats(): FlushExecutorStats;
}

/** The outcome of a task that was answered as agreed. */
export function answeredOutcome<R extends FlushResponse | VerifyResponse | CompactResponse>(
  response: R,
): Outcome<R> {
  const outcome: unknown = response.kind === 'failed' ? { ...response, crashed: false } : response;
  return outcome as Outcome<R>;
}
