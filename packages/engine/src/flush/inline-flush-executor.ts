import { prepareArena, touchArena } from '@arena-level/common/arena/prepare-arena';
import type { Clock } from '@arena-level/common/base/clock';
import { EngineError, ErrorCode } from '@arena-level/common/base/errors';
import type { CompactionJob, CompactResponse } from '@arena-level/common/protocol/compaction-protocol';
import type { FlushJob, VerifyJob } from '@arena-level/common/protocol/flush-protocol';
import type { Storage } from '@arena-level/common/storage/storage';
import { buildTable } from '@arena-level/worker-flush/build-table';
import { compactTables } from '@arena-level/worker-flush/compact-tables';
import { verifyTable } from '@arena-level/worker-flush/verify-table';
import { compactInSlices } from './compact-in-slices.ts';
import {
  answeredOutcome,
  type CompactOutcome,
  type FlushExecutor,
  type FlushExecutorStats,
  type FlushOutcome,
  type VerifyOutcome,
} from './flush-executor.ts';

/**
 * Builds tables on the calling thread, with the store's own storage: the single-threaded side of the engine, the
 * fallback where workers are not allowed, and what a blocking call uses beside the workers.
 */
export class InlineFlushExecutor implements FlushExecutor {
  readonly kind = 'inline';
  readonly compactsApart = false;
  readonly #storage: Storage;
  readonly #clock: Clock;
  /** Compactions, which take many turns of the event loop. */
  readonly #running = new Set<Promise<CompactResponse>>();
  #completed = 0;
  #closing: Promise<void> | undefined;

  constructor(storage: Storage, clock: Clock) {
    this.#storage = storage;
    this.#clock = clock;
  }

  async flush(job: FlushJob): Promise<FlushOutcome> {
    this.#requireOpen();
    return this.flushNow(job);
  }

  flushNow(job: FlushJob): FlushOutcome {
    const response = buildTable(job, this.#storage, this.#clock);
    this.#completed++;
    return answeredOutcome(response);
  }

  async verify(job: VerifyJob): Promise<VerifyOutcome> {
    this.#requireOpen();
    const response = verifyTable(job, this.#storage);
    this.#completed++;
    return answeredOutcome(response);
  }

  async compact(job: CompactionJob): Promise<CompactOutcome> {
    this.#requireOpen();
    const running = compactInSlices(job, this.#storage, this.#clock).finally(() => {
      this.#running.delete(running);
      this.#completed++;
    });
    this.#running.add(running);
    return answeredOutcome(await running);
  }

  compactNow(job: CompactionJob): CompactOutcome {
    const response = compactTables(job, this.#storage, this.#clock);
    this.#completed++;
    return answeredOutcome(response);
  }

  async prepare(arena: SharedArrayBuffer): Promise<void> {
    this.#requireOpen();
    prepareArena(arena);
    this.#completed++;
  }

  async touch(arena: SharedArrayBuffer): Promise<void> {
    this.#requireOpen();
    touchArena(arena);
    this.#completed++;
  }

  close(): Promise<void> {
    this.#closing ??= Promise.all(this.#running).then(() => {});
    return this.#closing;
  }

  stats(): FlushExecutorStats {
    return { running: this.#running.size, waiting: 0, completed: this.#completed, crashed: 0 };
  }

  #requireOpen(): void {
    if (this.#closing === undefined) return;
    throw new EngineError(ErrorCode.DatabaseNotOpen, 'the flush executor of this store is closed');
  }
}
