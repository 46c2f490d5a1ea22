import type { Clock } from '@arena-level/common/base/clock';
import { asError, EngineError, ErrorCode } from '@arena-level/common/base/errors';
import { MAX_SEQUENCE } from '@arena-level/common/base/limits';
import { MAX_RING_BYTES, MIN_RING_BYTES, WORD_BYTES, wordsFor } from '@arena-level/common/rings/ring-memory';
import type { TableOptions } from '@arena-level/common/table/table-options';
import type { WorkerPool } from '../flush/worker-pool.ts';
import type { Health } from '../health/health.ts';
import type { Turns } from '../iterator/turns.ts';
import type { IngestOptions, IngestReport, IngestSource } from '../public/ingest-types.ts';
import type { StoreStats } from '../public/stats.ts';
import { IngestCall } from './ingest-call.ts';
import { type ResolvedIngestOptions, resolveIngestOptions } from './ingest-options.ts';
import { IngestThreads } from './ingest-threads.ts';
import { TableCommit, type TableCommitModules } from './table-commit.ts';

/** How far ahead of all writes the entries of tables are numbered: so many may be written while they are built. */
export const SEQUENCE_LEAD: number = 2 ** 26;

export interface IngestsModules extends TableCommitModules {
  readonly health: Health;
  readonly clock: Clock;
  readonly turns: Turns;
  /** File of the worker, where threads are to run. Throws where there is none. */
  readonly workerUrl: () => string;
  readonly pool: WorkerPool | undefined;
  /** Bytes at which the tables of a level below 0 end, and how they are built. */
  readonly tableBytes: number;
  readonly table: (level: number) => TableOptions;
}

type Counters = { -readonly [K in keyof StoreStats['ingests']]: StoreStats['ingests'][K] };

/** The ingests of a store, several at a time if need be. */
export class Ingests {
  readonly counters: Counters = { count: 0, failed: 0, entries: 0, bytes: 0, tables: 0 };
  readonly #modules: IngestsModules;
  readonly #running = new Map<IngestCall, Promise<unknown>>();
  #calls = 0;
  #isClosed = false;

  constructor(modules: IngestsModules) {
    this.#modules = modules;
  }

  async run(source: IngestSource, options: IngestOptions): Promise<IngestReport> {
    const { health, clock, events } = this.#modules;
    const resolved = resolveIngestOptions(source, options);
    const { signal, threads } = resolved;
    health.checkOpen();
    if (this.#isClosed) throw closedError();
    if (signal?.aborted === true) throw abortedError(signal);
    const call = this.#newCall(source, resolved);
    const number = this.#calls;
    const abort = (): void => call.stop(abortedError(signal!));
    signal?.addEventListener('abort', abort, { once: true });
    const began = clock.now();
    const letGo = clock.keepAlive();
    events.emit('ingest-started', { call: number, threads });
    const running = call.run();
    this.#running.set(call, running);
    try {
      const report = await running;
      this.#count(report);
      const { path, entries, bytes, tables } = report;
      const durationMs = clock.now() - began;
      events.emit('ingest-finished', { call: number, path, entries, bytes, tables, durationMs });
      return report;
    } catch (error) {
      this.counters.failed++;
      const durationMs = clock.now() - began;
      events.emit('ingest-failed', { call: number, error: asError(error), durationMs });
      throw error;
    } finally {
      this.#running.delete(call);
      signal?.removeEventListener('abort', abort);
      letGo();
    }
  }

  /** The store is being closed: what runs comes to its end as soon as its threads do. */
  stop(): void {
    this.#isClosed = true;
    for (const call of this.#running.keys()) call.stop(closedError());
  }

  /** Resolves when nothing runs any more. REQUIRES: stopped. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#running.values());
  }

  #newCall(source: IngestSource, options: ResolvedIngestOptions): IngestCall {
    const { storage, clock, turns, pool, workerUrl } = this.#modules;
    const threads = new IngestThreads({
      threads: options.threads,
      workerUrl: pool === undefined ? workerUrl() : '',
      pool,
      storage: storage.spec,
      clock,
      ringBytes: ringBytesFor(options),
    });
    return new IngestCall(source, options, {
      ...this.#modules,
      threads,
      call: ++this.#calls,
      sequence: options.tables && threads.reachFiles ? this.#sequenceAhead() : undefined,
      nextTurn: () => turns.next(),
    });
  }

  /** Undefined: there is none that can be used. */
  #sequenceAhead(): number | undefined {
    const sequence = this.#modules.writes.lastSequence + SEQUENCE_LEAD;
    const isUsable =
      sequence <= MAX_SEQUENCE - SEQUENCE_LEAD && new TableCommit(this.#modules).isInReach(sequence);
    return isUsable ? sequence : undefined;
  }

  #count({ entries, bytes, tables }: IngestReport): void {
    this.counters.count++;
    this.counters.entries += entries;
    this.counters.bytes += bytes;
    this.counters.tables += tables;
  }
}

/** So large that it holds what usually comes of a piece: a thread need not wait until its piece is the oldest. */
function ringBytesFor({ batchBytes, pieceBytes }: ResolvedIngestOptions): number {
  const bytes = 2 * Math.max(batchBytes, pieceBytes.first);
  const words = wordsFor(Math.min(MAX_RING_BYTES, Math.max(MIN_RING_BYTES, bytes)));
  return words * WORD_BYTES;
}

function closedError(): EngineError {
  return new EngineError(ErrorCode.DatabaseNotOpen, 'the store was closed before the ingest was done');
}

function abortedError({ reason }: AbortSignal): EngineError {
  return new EngineError(ErrorCode.Aborted, 'the ingest was aborted', { cause: reason });
}
