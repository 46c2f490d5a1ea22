/**
 * The worker pools of this thread: one per worker file and use, shared by all engines of the thread that use it, ended with
 * the last of them; and one for each ingest. Module state, so pools are per thread.
 */
import type { Clock } from '@arena-level/common/base/clock';
import { EngineError, ErrorCode } from '@arena-level/common/base/errors';
import type { WorkerRequest } from '@arena-level/common/protocol/flush-protocol';
import { CLOSE_GRACE_MS, PiscinaPool } from './piscina-pool.ts';

/** What an executor needs of a pool; a Piscina is one. The answer is not trusted. */
export interface WorkerPool {
  run(request: WorkerRequest): Promise<unknown>;
}

/** One engine's share of a pool. */
export interface PoolLease extends WorkerPool {
  /** Tasks of this lease that no thread has begun. */
  readonly waiting: number;
  /** Gives up what waits, waits for what runs, and ends the threads when no other engine shares them. */
  close(): Promise<void>;
}

export interface PoolOptions {
  /**
   * Pools of different use share no threads. One for compactions does not keep the process alive: who waits does. That of an
   * ingest is shared with nobody: its threads may sleep until the ingest goes on.
   */
  readonly use: 'flush' | 'compaction' | 'ingest';
  /** File URL or path of the worker's module. */
  readonly workerUrl: string;
  /** Most threads at a time. */
  readonly size: number;
  readonly clock: Clock;
  /** Told what threads post beside their answers. Only of a pool that is not shared. */
  readonly onMessage?: (message: unknown) => void;
}

interface SharedPool {
  readonly pool: PiscinaPool;
  leases: number;
}

const sharedPools = new Map<string, SharedPool>();
let ingestPools = 0;

/**
 * A share of this thread's pool for `workerUrl`. Threads are started by the first task.
 * Throws ARENA_INVALID_OPTION when the pool exists with another size.
 */
export function leaseWorkerPool({ use, workerUrl, size, clock, onMessage }: PoolOptions): PoolLease {
  const key = use === 'ingest' ? `${use} ${++ingestPools}` : `${use} ${workerUrl}`;
  let shared = sharedPools.get(key);
  if (shared !== undefined && shared.pool.size !== size) {
    throw new EngineError(
      ErrorCode.InvalidOption,
      `option '${use}Workers' is ${size}, but the stores open in this thread share a pool of ${shared.pool.size}; ` +
        'give all of them the same size, or close them first',
    );
  }
  if (shared === undefined) {
    shared = { pool: new PiscinaPool(workerUrl, size, clock, use === 'compaction', onMessage), leases: 0 };
    sharedPools.set(key, shared);
  }
  shared.leases++;
  return new SharedPoolLease(key, shared);
}

class SharedPoolLease implements PoolLease {
  readonly #key: string;
  readonly #shared: SharedPool;
  #closing: Promise<void> | undefined;

  constructor(key: string, shared: SharedPool) {
    this.#key = key;
    this.#shared = shared;
  }

  get waiting(): number {
    return this.#shared.pool.waitingOf(this);
  }

  run(request: WorkerRequest): Promise<unknown> {
    if (this.#closing !== undefined) return Promise.reject(closedError());
    return this.#shared.pool.run(request, this);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const shared = this.#shared;
    await shared.pool.settle(this);
    if (--shared.leases > 0) return;
    // An engine that opens from here on gets a pool of its own.
    if (sharedPools.get(this.#key) === shared) sharedPools.delete(this.#key);
    await shared.pool.end();
  }
}

/** A pool that the user made and ends: it queues, and closes, by itself. A task that never ends is given up. */
export function borrowedPool(pool: WorkerPool, clock: Clock): PoolLease {
  const running = new Map<Promise<unknown>, (error: unknown) => void>();
  const giveUp = (): void => {
    for (const reject of running.values()) {
      reject(new EngineError(ErrorCode.WorkerFailed, 'the pool did not answer until the store was closed'));
    }
  };
  return {
    waiting: 0,
    run(request) {
      let giveUpThis: (error: unknown) => void = () => {};
      const answer = new Promise((resolve, reject) => {
        giveUpThis = reject;
        Promise.resolve(pool.run(request)).then(resolve, reject);
      }).finally(() => running.delete(answer));
      running.set(answer, giveUpThis);
      return answer;
    },
    async close() {
      const cancelGrace = clock.after(CLOSE_GRACE_MS, giveUp);
      await Promise.allSettled(running.keys());
      cancelGrace();
    },
  };
}

function closedError(): EngineError {
  return new EngineError(ErrorCode.DatabaseNotOpen, 'the flush workers of this store are closed');
}
