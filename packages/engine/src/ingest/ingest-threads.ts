/**
 * The threads of one ingest, and how work reaches them: pieces go out as messages, batches come back through rings; from a
 * pool of the user's own, whose threads are not ours to block, with the answers.
 *
 * A thread that dies has its task repeated once on another one.
 *
 * INVARIANT: of the tasks that have rings and are not through, the oldest has a thread, or gets the next one. They are let in
 * in their order, a task keeps its place while it is repeated, and no other ingest uses these threads. So that thread goes on
 * as long as its ring is emptied, however many others wait for room in theirs.
 *
 * Main thread only.
 */
import type { Clock } from '@arena-level/common/base/clock';
import { EngineError, ErrorCode, hasCode } from '@arena-level/common/base/errors';
import type { CompactionJob, CompactResponse } from '@arena-level/common/protocol/compaction-protocol';
import { FLUSH_PROTOCOL_VERSION } from '@arena-level/common/protocol/flush-protocol';
import type {
  BatchSizes,
  BatchTransport,
  ParseJob,
  ParseResponse,
  RunJob,
  RunResponse,
  UnloadRequest,
  UnloadResponse,
} from '@arena-level/common/protocol/ingest-protocol';
import { FrameStaging } from '@arena-level/common/rings/frame-reader';
import type { StorageSpec } from '@arena-level/common/storage/storage-spec';
import { checkParseResponse, checkRunResponse, checkUnloadResponse } from '../flush/ingest-answer.ts';
import { checkCompactResponse, fieldsOf, isCount } from '../flush/worker-answer.ts';
import { borrowedPool, leaseWorkerPool, type PoolLease, type WorkerPool } from '../flush/worker-pool.ts';

import { PieceRing, type StreamedTask } from './piece-ring.ts';
import { Places } from './places.ts';

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
  /** Of each ring. */
  readonly ringBytes: number;
}

/** A job is made for each attempt anew: what one that died has written stays its own. */
export class IngestThreads {
  readonly #lease: PoolLease;
  readonly #storage: StorageSpec | undefined;
  readonly #places: Places;
  readonly #ringBytes: number;
  readonly #hasRings: boolean;
  readonly #staging = new FrameStaging();
  /** By their number, all that were ever needed, and those without a task. */
  readonly #rings: PieceRing[] = [];
  #idleRings: PieceRing[] = [];
  #isClosed = false;

  constructor({ threads, workerUrl, pool, storage, clock, ringBytes }: IngestThreadsOptions) {
    const onMessage = (message: unknown): void => this.#onMessage(message);
    this.#lease =
      pool === undefined
        ? leaseWorkerPool({ use: 'ingest', workerUrl, size: threads, clock, onMessage })
        : borrowedPool(pool, clock);
    this.#hasRings = pool === undefined;
    this.#storage = storage;
    this.#places = new Places(threads);
    this.#ringBytes = ringBytes;
  }

  /** Whether threads can build tables of the store. */
  get reachFiles(): boolean {
    return this.#storage !== undefined;
  }

  parse(job: ParseJob & BatchSizes): StreamedTask<ParseResponse> {
    return this.#stream(
      (transport) => ({ task: 'parse', ...VERSION, ...job, ...transport }),
      checkParseResponse,
    );
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

  unload(job: BatchSizes & Pick<UnloadRequest, 'table'>): StreamedTask<UnloadResponse> {
    return this.#stream(
      (transport) => ({ task: 'unload', ...VERSION, ...this.#files(), ...job, ...transport }),
      checkUnloadResponse,
    );
  }

  /** Its ring may serve another task. REQUIRES: answered, and nothing is left in the ring. */
  release({ ring }: StreamedTask<unknown>): void {
    if (ring === undefined) return;
    ring.reuse();
    this.#idleRings.push(ring);
  }

  /** Gives up what no thread has begun and what waits for room in a ring, and waits for what else runs. */
  close(): Promise<void> {
    this.#isClosed = true;
    for (const ring of this.#rings) ring.close();
    return this.#lease.close();
  }

  #stream<R>(
    newRequest: (transport: BatchTransport) => Request,
    check: (answer: unknown) => R,
  ): StreamedTask<R> {
    const ring = this.#hasRings ? (this.#idleRings.pop() ?? this.#newRing()) : undefined;
    const answer = this.#run(() => newRequest(ring?.begin() ?? {}), check);
    const settle = (): void => ring?.settle();
    answer.then(settle, settle);
    return { ring, answer };
  }

  #newRing(): PieceRing {
    const ring = new PieceRing(this.#rings.length, this.#ringBytes, this.#staging);
    this.#rings.push(ring);
    if (this.#isClosed) ring.close();
    return ring;
  }

  /** A parse module may post what it likes, too. */
  #onMessage(message: unknown): void {
    const { kind, ring, ticket, records } = fieldsOf(message);
    if (!isCount(ring)) return;
    if (kind === 'ingest-wake') this.#rings[ring]?.onWake();
    const isApart = kind === 'ingest-apart' && records instanceof SharedArrayBuffer;
    if (isApart) this.#rings[ring]?.onRecords(ticket as number, records);
  }

  async #run<R>(newRequest: () => Request, check: (answer: unknown) => R): Promise<R> {
    const leave = await this.#places.take();
    try {
      for (let attempt = 1; ; attempt++) {
        try {
          return check(await this.#lease.run(newRequest()));
        } catch (error) {
          if (attempt === ATTEMPTS || isOver(error)) throw asThreadFailure(error);
        }
      }
    } finally {
      leave();
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
