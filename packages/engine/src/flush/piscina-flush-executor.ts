import type { Clock } from '@arena-level/common/base/clock';
import { EngineError, ErrorCode, hasCode, messageOf } from '@arena-level/common/base/errors';
import type { CompactionJob } from '@arena-level/common/protocol/compaction-protocol';
import {
  FLUSH_PROTOCOL_VERSION,
  type FlushJob,
  type PrepareRequest,
  type VerifyJob,
} from '@arena-level/common/protocol/flush-protocol';
import { fromWireError, toWireError } from '@arena-level/common/protocol/wire-error';
import type { Storage } from '@arena-level/common/storage/storage';
import type { StorageSpec } from '@arena-level/common/storage/storage-spec';
import { flushWorkerUrl } from '@arena-level/worker-flush/worker-url';
import {
  answeredOutcome,
  type CompactOutcome,
  type FlushExecutor,
  type FlushExecutorStats,
  type FlushOutcome,
  type TaskFailure,
  type VerifyOutcome,
} from './flush-executor.ts';
import { InlineFlushExecutor } from './inline-flush-executor.ts';
import {
  checkCompactResponse,
  checkFlushResponse,
  checkPrepareResponse,
  checkVerifyResponse,
} from './worker-answer.ts';
import { borrowedPool, leaseWorkerPool, type PoolLease, type WorkerPool } from './worker-pool.ts';

export interface PiscinaFlushExecutorOptions {
  readonly storage: Storage;
  readonly clock: Clock;
  /** Threads of the two pools that the engines of this thread share. */
  readonly flushWorkers: number;
  readonly compactionWorkers: number;
  /** File URL or path of the worker's module; the bundle of @arena-level/worker-flush when undefined. */
  readonly workerUrl?: string | undefined;
  /** A pool of the user's own, which stays theirs to close; then the three options above do not count. */
  readonly pool?: WorkerPool | undefined;
}

/**
 * Builds tables in worker threads. Every way in which a thread can fail becomes an outcome with `crashed` true; a
 * worker that answers with a failure of its own, or a task that never began, has `crashed` false.
 */
export class PiscinaFlushExecutor implements FlushExecutor {
  readonly kind = 'worker';
  /** A pool of the user's own may have a single thread: a flush would wait for the compaction that sleeps for it. */
  readonly compactsApart: boolean;
  readonly #spec: StorageSpec;
  readonly #lease: PoolLease;
  /** Of other threads: a compaction takes long, and a flush never waits for it. */
  readonly #compactions: PoolLease;
  readonly #inline: InlineFlushExecutor;
  #pending = 0;
  #completed = 0;
  #crashed = 0;
  #closing: Promise<void> | undefined;

  constructor(options: PiscinaFlushExecutorOptions) {
    const { storage, clock, pool } = options;
    if (storage.spec === undefined) {
      throw new EngineError(
        ErrorCode.InvalidOption,
        `worker threads cannot open the storage at ${storage.location}: open the store with flush: 'inline'`,
      );
    }
    this.#spec = storage.spec;
    this.compactsApart = pool === undefined;
    this.#inline = new InlineFlushExecutor(storage, clock);
    const workerUrl = options.workerUrl ?? flushWorkerUrl.href;
    if (pool === undefined) {
      const { flushWorkers, compactionWorkers } = options;
      this.#lease = leaseWorkerPool({ use: 'flush', workerUrl, size: flushWorkers, clock });
      try {
        this.#compactions = leaseWorkerPool({ use: 'compaction', workerUrl, size: compactionWorkers, clock });
      } catch (error) {
        // Nobody will close this executor: its share would keep the pool, and the size of it, for good.
        void this.#lease.close();
        throw error;
      }
    } else {
      this.#lease = borrowedPool(pool, clock);
      this.#compactions = this.#lease;
    }
  }

  async flush(job: FlushJob): Promise<FlushOutcome> {
    const request = {
      task: 'flush',
      protocolVersion: FLUSH_PROTOCOL_VERSION,
      storage: this.#spec,
      ...job,
    } as const;
    const outcome = await this.#settle(async () =>
      answeredOutcome(checkFlushResponse(await this.#lease.run(request))),
    );
    return cancelledWhenAborted(outcome);
  }

  flushNow(job: FlushJob): FlushOutcome {
    return this.#inline.flushNow(job);
  }

  verify(job: VerifyJob): Promise<VerifyOutcome> {
    const request = {
      task: 'verify',
      protocolVersion: FLUSH_PROTOCOL_VERSION,
      storage: this.#spec,
      ...job,
    } as const;
    return this.#settle(async () => answeredOutcome(checkVerifyResponse(await this.#lease.run(request))));
  }

  async compact(job: CompactionJob): Promise<CompactOutcome> {
    const request = {
      task: 'compact',
      protocolVersion: FLUSH_PROTOCOL_VERSION,
      storage: this.#spec,
      ...job,
    } as const;
    const outcome = await this.#settle(async () =>
      answeredOutcome(checkCompactResponse(await this.#compactions.run(request))),
    );
    return cancelledWhenAborted(outcome);
  }

  compactNow(job: CompactionJob): CompactOutcome {
    return this.#inline.compactNow(job);
  }

  prepare(arena: SharedArrayBuffer): Promise<void> {
    return this.#prepare('prepare', arena);
  }

  touch(arena: SharedArrayBuffer): Promise<void> {
    return this.#prepare('touch', arena);
  }

  async #prepare(task: PrepareRequest['task'], arena: SharedArrayBuffer): Promise<void> {
    const request = { task, protocolVersion: FLUSH_PROTOCOL_VERSION, arena } as const;
    const outcome = await this.#settle(async () => checkPrepareResponse(await this.#lease.run(request)));
    if (outcome.kind === 'failed') throw fromWireError(outcome.error);
  }

  close(): Promise<void> {
    this.#closing ??= Promise.all([this.#lease.close(), this.#compactions.close()]).then(() => {});
    return this.#closing;
  }

  stats(): FlushExecutorStats {
    const waiting = this.#lease.waiting + this.#compactions.waiting;
    return { running: this.#pending - waiting, waiting, completed: this.#completed, crashed: this.#crashed };
  }

  /** Counts a task, and turns every way in which its thread can fail into an outcome. */
  async #settle<R>(task: () => Promise<R>): Promise<R | TaskFailure> {
    if (this.#closing !== undefined) {
      throw new EngineError(ErrorCode.DatabaseNotOpen, 'the flush executor of this store is closed');
    }
    this.#pending++;
    try {
      return await task();
    } catch (error) {
      const crashed = !hasCode(error, ErrorCode.Aborted);
      if (crashed) this.#crashed++;
      return { kind: 'failed', error: toWireError(asWorkerFailure(error)), crashed };
    } finally {
      this.#pending--;
      this.#completed++;
    }
  }
}

/** A task that was given up before a thread had begun it is one that was cancelled. */
function cancelledWhenAborted<R extends { readonly kind: string }>(
  outcome: R | TaskFailure,
): R | TaskFailure | { readonly kind: 'cancelled' } {
  const isAborted = 'crashed' in outcome && outcome.error.code === ErrorCode.Aborted;
  return isAborted ? { kind: 'cancelled' } : outcome;
}

/** Whatever a pool throws, as an error with a code; a shared pool has given it one already. */
function asWorkerFailure(error: unknown): EngineError {
  if (error instanceof EngineError) return error;
  return new EngineError(ErrorCode.WorkerFailed, `a flush worker failed: ${messageOf(error)}`, {
    cause: error,
  });
}
