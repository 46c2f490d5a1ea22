import type { Clock } from '@arena-level/common/base/clock';
import { EngineError, ErrorCode, hasCode, messageOf } from '@arena-level/common/base/errors';
import {
  FLUSH_PROTOCOL_VERSION,
  type FlushJob,
  type VerifyJob,
} from '@arena-level/common/protocol/flush-protocol';
import { fromWireError, toWireError } from '@arena-level/common/protocol/wire-error';
import type { Storage } from '@arena-level/common/storage/storage';
import type { StorageSpec } from '@arena-level/common/storage/storage-spec';
import { flushWorkerUrl } from '@arena-level/worker-flush/worker-url';
import {
  answeredOutcome,
  type FlushExecutor,
  type FlushExecutorStats,
  type FlushOutcome,
  type TaskFailure,
  type VerifyOutcome,
} from './flush-executor.ts';
import { InlineFlushExecutor } from './inline-flush-executor.ts';
import { checkFlushResponse, checkPrepareResponse, checkVerifyResponse } from './worker-answer.ts';
import { borrowedPool, leaseWorkerPool, type PoolLease, type WorkerPool } from './worker-pool.ts';

export interface PiscinaFlushExecutorOptions {
  readonly storage: Storage;
  readonly clock: Clock;
  /** Threads of the pool that the engines of this thread share. */
  readonly flushWorkers: number;
  /** File URL or path of the worker's module; the bundle of @arena-level/worker-flush when undefined. */
  readonly workerUrl?: string | undefined;
  /** A pool of the user's own, which stays theirs to close; then the two options above do not count. */
  readonly pool?: WorkerPool | undefined;
}

/**
 * Builds tables in worker threads. Every way in which a thread can fail becomes an outcome with `crashed` true; a
 * worker that answers with a failure of its own, or a task that never began, has `crashed` false.
 */
export class PiscinaFlushExecutor implements FlushExecutor {
  readonly kind = 'worker';
  readonly #spec: StorageSpec;
  readonly #lease: PoolLease;
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
    this.#inline = new InlineFlushExecutor(storage, clock);
    this.#lease =
      pool === undefined
        ? leaseWorkerPool({
            workerUrl: options.workerUrl ?? flushWorkerUrl.href,
            size: options.flushWorkers,
            clock,
          })
        : borrowedPool(pool, clock);
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
    return outcome.kind === 'failed' && outcome.error.code === ErrorCode.Aborted
      ? { kind: 'cancelled' }
      : outcome;
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

  async prepare(arena: SharedArrayBuffer): Promise<void> {
    const request = { task: 'prepare', protocolVersion: FLUSH_PROTOCOL_VERSION, arena } as const;
    const outcome = await this.#settle(async () => checkPrepareResponse(await this.#lease.run(request)));
    if (outcome.kind === 'failed') throw fromWireError(outcome.error);
  }

  close(): Promise<void> {
    this.#closing ??= this.#lease.close();
    return this.#closing;
  }

  stats(): FlushExecutorStats {
    const { waiting } = this.#lease;
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

/** Whatever a pool throws, as an error with a code; a shared pool has given it one already. */
function asWorkerFailure(error: unknown): EngineError {
  if (error instanceof EngineError) return error;
  return new EngineError(ErrorCode.WorkerFailed, `a flush worker failed: ${messageOf(error)}`, {
    cause: error,
  });
}
