/**
 * The threads of one ingest, and how work reaches them: pieces go out and batches come back as messages. Whatever else
 * may carry batches one day takes the place of `IngestThreads`.
 *
 * A thread that dies has its task repeated once on another one. Main thread only.
 */
import type { Clock } from '@arena-level/common/base/clock';
import { EngineError, ErrorCode, hasCode } from '@arena-level/common/base/errors';
import type { CompactionJob, CompactResponse } from '@arena-level/common/protocol/compaction-protocol';
import { FLUSH_PROTOCOL_VERSION } from '@arena-level/common/protocol/flush-protocol';
import type {
  BatchSizes,
  ParseJob,
  ParseResponse,
  RunJob,
  RunResponse,
  UnloadRequest,
  UnloadResponse,
} from '@arena-level/common/protocol/ingest-protocol';
import type { StorageSpec } from '@arena-level/common/storage/storage-spec';
import { checkParseResponse, checkRunResponse, checkUnloadResponse } from '../flush/ingest-answer.ts';
import { checkCompactResponse } from '../flush/worker-answer.ts';
import { borrowedPool, leaseWorkerPool, type PoolLease, type WorkerPool } from '../flush/worker-pool.ts';

type Request = Parameters<PoolLease['run']>[0];

const ATTEMPTS = 2;

export interface IngestThreadsOptions {
  readonly threads: number;
  /** Of the worker's module. */
  readonly workerUrl: string;
  /** A pool of the user's own, instead of threads of ours. */
  readonly pool: WorkerPool | undefined;
  /** How threads reach the files of the store; undefined: they cannot. */
  readonly storage: StorageSpec | undefined;
  readonly clock: Clock;
}

/** A job is made for each attempt anew: what one that died has written stays its own. */
export class IngestThreads {
  readonly #lease: PoolLease;
  readonly #storage: StorageSpec | undefined;

  constructor({ threads, workerUrl, pool, storage, clock }: IngestThreadsOptions) {
    this.#lease =
      pool === undefined
        ? leaseWorkerPool({ use: 'ingest', workerUrl, size: threads, clock })
        : borrowedPool(pool, clock);
    this.#storage = storage;
  }

  /** Whether threads can build tables of the store. */
  get reachFiles(): boolean {
    return this.#storage !== undefined;
  }

  parse(job: ParseJob & BatchSizes): Promise<ParseResponse> {
    return this.#run(() => ({ task: 'parse', ...VERSION, ...job }), checkParseResponse);
  }

  buildRun(newJob: () => RunJob): Promise<RunResponse> {
    return this.#run(
      () => ({ task: 'build-run', ...VERSION, ...this.#files(), ...newJob() }),
      checkRunResponse,
    );
  }

  merge(newJob: () => CompactionJob): Promise<CompactResponse> {
    return this.#run(
      () => ({ task: 'compact', ...VERSION, ...this.#files(), ...newJob() }),
      checkCompactResponse,
    );
  }

  unload(job: BatchSizes & Pick<UnloadRequest, 'table'>): Promise<UnloadResponse> {
    return this.#run(() => ({ task: 'unload', ...VERSION, ...this.#files(), ...job }), checkUnloadResponse);
  }

  /** Gives up what no thread has begun, and waits for what runs. */
  close(): Promise<void> {
    return this.#lease.close();
  }

  async #run<R>(newRequest: () => Request, check: (answer: unknown) => R): Promise<R> {
    for (let attempt = 1; ; attempt++) {
      try {
        return check(await this.#lease.run(newRequest()));
      } catch (error) {
        if (attempt === ATTEMPTS || isOver(error)) throw asThreadFailure(error);
      }
    }
  }

  #files(): { readonly storage: StorageSpec } {
    return { storage: this.#storage! };
  }
}

const VERSION = { protocolVersion: FLUSH_PROTOCOL_VERSION } as const;

/** The lease is closed, or was before the task began; or the task cannot be sent at all. */
function isOver(error: unknown): boolean {
  const isUnsendable = error instanceof Error && error.name === 'DataCloneError';
  return isUnsendable || hasCode(error, ErrorCode.Aborted) || hasCode(error, ErrorCode.DatabaseNotOpen);
}

function asThreadFailure(error: unknown): EngineError {
  const { cause } = error as { readonly cause?: unknown };
  const thrown = error instanceof EngineError && cause instanceof Error ? cause : error;
  if (thrown instanceof Error && thrown.name === 'DataCloneError') {
    return new EngineError(
      ErrorCode.InvalidArgument,
      `a record cannot be cloned to a thread: ${thrown.message}`,
      {
        cause: error,
      },
    );
  }
  if (error instanceof EngineError) return error;
  return new EngineError(ErrorCode.WorkerFailed, 'a thread of the ingest failed', { cause: error });
}
