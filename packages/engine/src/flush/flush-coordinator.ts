/**
 * Brings frozen memtables to tables and into the manifest, in order of age.
 *
 * Each frozen memtable is one job (`pending-flush.ts`). Several may build at a time; only the oldest commits
 * (`flush-commit.ts`). A blocking writer that needs a slot takes the oldest over: it builds the table on its own
 * thread when no worker has answered yet, and finishes the commit.
 *
 * Failures: a job keeps its memtable and journal until it is committed, so nothing is lost. A failed attempt is
 * repeated after 1, 2, 4, 8, 8, … s, while other jobs go on. For a cause that does not pass by itself one repetition
 * of the job is made; then the store is told to stop writes until `retry` is asked for.
 *
 * Main thread only. Owner of the arenas' states from Frozen on.
 */
import { ArenaState } from '@arena-level/common/arena/arena-state';
import type { Clock } from '@arena-level/common/base/clock';
import { asError, EngineError, ErrorCode, hasCode, messageOf } from '@arena-level/common/base/errors';
import { invariant } from '@arena-level/common/base/invariant';
import { Running, runNow, type Steps } from '@arena-level/common/base/steps';
import type { FlushJob } from '@arena-level/common/protocol/flush-protocol';
import { fromWireError } from '@arena-level/common/protocol/wire-error';
import { tempFile } from '@arena-level/common/storage/file-desc';
import type { Storage } from '@arena-level/common/storage/storage';
import type { TableOptions } from '@arena-level/common/table/table-options';
import type { EventSink } from '../events/event-sink.ts';
import type { FlushPlace } from '../events/events.ts';
import type { Memtable } from '../memtable/memtable.ts';
import type { MemtableSet } from '../memtable/memtable-set.ts';
import type { CommitLane } from '../version/commit-lane.ts';
import { announceFlush, type FlushCommit } from './flush-commit.ts';
import { FlushCounters } from './flush-counters.ts';
import type { FlushExecutor, FlushOutcome } from './flush-executor.ts';
import { PendingFlush } from './pending-flush.ts';

export interface FlushCoordinatorModules {
  readonly memtables: MemtableSet;
  readonly storage: Storage;
  readonly executor: FlushExecutor;
  readonly committer: FlushCommit;
  readonly lane: CommitLane;
  readonly clock: Clock;
  readonly events: EventSink;
  readonly newFileNumber: () => number;
  /** Versions that a newer one at or below this number shadows may be dropped. */
  readonly dropHorizon: (memtable: Memtable) => number;
  /** A frozen slot became free, or flushing failed: whoever waits looks again. */
  readonly onProgress: () => void;
  /** How many builds run on other threads has changed. */
  readonly onBuildsChanged: () => void;
  /** Flushing has failed for a cause that does not pass by itself. */
  readonly onPersistentFailure: (error: unknown) => void;
}

export interface FlushCoordinatorOptions {
  /** Tables built at a time. */
  readonly parallelBuilds: number;
  readonly table: TableOptions;
}

export class FlushCoordinator {
  readonly counters: FlushCounters = new FlushCounters();
  readonly #options: FlushCoordinatorOptions;
  readonly #modules: FlushCoordinatorModules;
  /** One per frozen memtable that was requested, oldest first. */
  #jobs: PendingFlush[] = [];
  /** Builds handed to the executor and not settled, those that were taken over included. */
  readonly #tasks = new Set<Promise<void>>();
  /** Removals of tables that did not count. */
  readonly #removals = new Set<Promise<void>>();
  /** A build on this thread is due at the end of the turn. */
  #buildsSoon = false;
  /** Why it was stopped. */
  #failure: unknown;
  #stopped = false;
  #closed = false;

  constructor(options: FlushCoordinatorOptions, modules: FlushCoordinatorModules) {
    this.#options = options;
    this.#modules = modules;
  }

  /** Why flushing does not get on; undefined while it does, or while a first failure is being repeated. */
  get failure(): unknown {
    if (this.#stopped) return this.#failure;
    return this.#jobs.find(({ backOff }) => backOff.failure !== undefined)?.backOff.failure;
  }

  /** How long the oldest frozen memtable has waited for its commit; 0 without one. */
  get oldestMs(): number {
    const oldest = this.#jobs[0];
    return oldest === undefined ? 0 : this.#modules.clock.now() - oldest.requestedMs;
  }

  /** Builds on other threads. */
  get building(): number {
    return this.#tasks.size;
  }

  /** There may be a newly frozen memtable. A latch: it cannot be lost, and asking twice does no harm. */
  request(): void {
    for (const memtable of this.#modules.memtables.frozen) {
      if (this.#jobs.some((job) => job.memtable === memtable)) continue;
      this.#jobs.push(new PendingFlush(memtable, this.#modules.clock));
    }
    this.#pump();
  }

  /**
   * Resolves when all memtables that are frozen now are committed; rejects when an attempt on one of them fails. Keeps
   * the process alive meanwhile.
   */
  committed(): Promise<void> {
    this.request();
    const newest = this.#jobs.at(-1);
    if (newest === undefined) return Promise.resolve();
    if (this.#stopped) return Promise.reject(this.#failure);
    const letGo = this.#modules.clock.keepAlive();
    return new Promise<void>((resolve, reject) => newest.waiters.push({ resolve, reject })).finally(letGo);
  }

  /** Builds and commits the oldest frozen memtable on this thread, taking over what is under way. */
  finishOldestNow(): void {
    this.request();
    const job = this.#jobs[0];
    invariant(job !== undefined, 'a flush is finished only while a memtable is frozen');
    if (job.commit !== undefined) {
      job.commit.finishNow();
      return;
    }
    if (job.built === undefined) this.#buildNow(job);
    if (job.built === undefined) throw job.backOff.lastFailure;
    runNow(this.#commitSteps(job));
  }

  /** Tries again at once, also after a failure that stopped it. */
  retry(): void {
    this.#stopped = false;
    for (const { backOff } of this.#jobs) {
      backOff.succeed();
      backOff.end();
    }
    this.request();
  }

  /** Begins nothing more, cancels what is being built, and waits for threads and a running commit. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const { backOff } of this.#jobs) backOff.end();
    for (const job of this.#jobs) if (job.state === 'building') job.memtable.arena.requestCancel();
    const commit = this.#jobs[0]?.commit?.promise.catch(() => {});
    await Promise.all([...this.#tasks, commit]);
    await Promise.all(this.#removals);
    const closed = new EngineError(
      ErrorCode.DatabaseNotOpen,
      'the store was closed before the flush was committed',
    );
    for (const job of this.#jobs) {
      job.rejectWaiters(closed);
      // A table that was built and not committed is of no use any more: the next open removes it.
      this.#backToWaiting(job);
    }
  }

  #pump(): void {
    if (this.#closed || this.#stopped) return;
    for (const job of [...this.#jobs]) {
      // Builds that were taken over count: they hold their arenas until their threads answer.
      if (this.#tasks.size >= this.#options.parallelBuilds) break;
      if (!job.isDue) continue;
      if (this.#modules.executor.kind === 'inline') {
        this.#buildSoon();
        break;
      }
      this.#build(job);
    }
    const oldest = this.#jobs[0];
    const mayCommit = oldest?.state === 'built' && !oldest.backOff.isWaiting;
    if (mayCommit && !this.#stopped) this.#startCommit(oldest);
  }

  /** On this thread, at the end of the turn: whoever waits is listed by then, and a twin may have done it before. */
  #buildSoon(): void {
    if (this.#buildsSoon) return;
    this.#buildsSoon = true;
    process.nextTick(() => {
      this.#buildsSoon = false;
      const job = this.#jobs.find(({ isDue }) => isDue);
      if (job === undefined || this.#closed || this.#stopped) return;
      this.#buildNow(job);
      this.#pump();
    });
  }

  #buildNow(job: PendingFlush): void {
    const request = this.#begin(job, 'inline');
    this.#take(job, this.#modules.executor.flushNow(request));
  }

  #build(job: PendingFlush): void {
    const { executor } = this.#modules;
    const request = this.#begin(job, 'worker');
    const { attempt } = job;
    // Held for the thread that reads the arena, whatever becomes of the job meanwhile.
    job.memtable.retain();
    const task = executor
      .flush(request)
      .catch(
        (error: unknown): FlushOutcome => ({
          kind: 'failed',
          crashed: false,
          error: {
            code: ErrorCode.WorkerFailed,
            message: messageOf(error),
          },
        }),
      )
      .then((outcome) => {
        this.#tasks.delete(task);
        this.#modules.onBuildsChanged();
        this.#answered(job, attempt, request.tempNumber, outcome);
        job.memtable.release();
        // Whatever became of the answer, a thread is free.
        this.#pump();
      });
    this.#tasks.add(task);
    this.#modules.onBuildsChanged();
  }

  #begin(job: PendingFlush, where: 'worker' | 'inline'): FlushJob {
    const { memtable } = job;
    job.state = 'building';
    job.attempt++;
    job.tempNumber = this.#modules.newFileNumber();
    job.startedMs = this.#modules.clock.now();
    if (memtable.arena.state === ArenaState.Frozen) memtable.arena.transition(ArenaState.Flushing);
    this.#announce(job, where);
    return {
      arena: memtable.arena.shared,
      generation: memtable.arena.generation,
      entries: memtable.memdb.count,
      tempNumber: job.tempNumber,
      dropHorizon: this.#modules.dropHorizon(memtable),
      options: this.#options.table,
    };
  }

  #announce({ memtable, attempt }: PendingFlush, where: FlushPlace): void {
    this.#modules.events.emit('flush-started', {
      journal: memtable.journal.number,
      attempt,
      where,
      entries: memtable.memdb.count,
      bytes: memtable.arena.kvBytesUsed,
    });
  }

  #answered(job: PendingFlush, attempt: number, tempNumber: number, outcome: FlushOutcome): void {
    if (outcome.kind === 'failed' && outcome.crashed) job.memtable.reusable = false;
    if (attempt !== job.attempt || job.state !== 'building') {
      // Taken over meanwhile: the table that counts is another one.
      this.#removeLeftover(tempNumber);
      return;
    }
    this.#take(job, outcome);
  }

  /** A table that does not count. `close` waits for this: once the lock is gone the directory is somebody else's. */
  #removeLeftover(tempNumber: number): void {
    const removal = this.#modules.storage
      .remove(tempFile(tempNumber))
      .catch(() => {
        // The next open removes it.
      })
      .finally(() => this.#removals.delete(removal));
    this.#removals.add(removal);
  }

  /** Enters the outcome of the last build. */
  #take(job: PendingFlush, outcome: FlushOutcome): void {
    const { clock, events } = this.#modules;
    switch (outcome.kind) {
      case 'built': {
        const { table, dropped, timings } = outcome;
        job.built = { tempNumber: job.tempNumber, table, dropped };
        job.state = 'built';
        this.counters.addBuilt(table, dropped, clock.now() - job.startedMs, timings);
        events.emit('table-built', {
          journal: job.memtable.journal.number,
          sizeBytes: table.size,
          entries: table.entries,
          dropped,
          root: Buffer.from(table.root).toString('hex'),
          timings,
        });
        return;
      }
      case 'empty':
        if (!job.memtable.isEmpty) {
          job.memtable.reusable = false;
          this.#notBuilt(job, workerFailed('the builder found no entries in an arena that has some'));
          return;
        }
        job.built = { tempNumber: job.tempNumber, table: undefined, dropped: 0 };
        job.state = 'built';
        return;
      case 'cancelled':
        if (this.#closed) this.#backToWaiting(job);
        else this.#notBuilt(job, workerFailed('the build was cancelled, and nobody had asked for that'));
        return;
      case 'failed':
        this.#notBuilt(job, fromWireError(outcome.error));
    }
  }

  #notBuilt(job: PendingFlush, error: unknown): void {
    this.#backToWaiting(job);
    this.#failed(job, error);
  }

  #backToWaiting(job: PendingFlush): void {
    job.state = 'waiting';
    job.built = undefined;
    if (job.memtable.arena.state === ArenaState.Flushing) job.memtable.arena.transition(ArenaState.Frozen);
  }

  #startCommit(job: PendingFlush): void {
    const running = new Running(this.#commitSteps(job));
    running.promise.catch(() => {
      // Entered in `#commitSteps`, where waiters hear of it.
    });
    if (!running.settled) job.commit = running;
  }

  *#commitSteps(job: PendingFlush): Steps<void> {
    invariant(job === this.#jobs[0] && job.built !== undefined, 'memtables are committed in order of age');
    if (job.commitFailed) this.#announce(job, 'commit');
    job.state = 'committing';
    job.commitFailed = false;
    const { built } = job;
    try {
      yield* this.#modules.lane.run(() => this.#modules.committer.commit(job.memtable, built));
    } catch (error) {
      job.commit = undefined;
      if (hasCode(error, ErrorCode.WorkerFailed)) {
        // The worker's answer does not match its arena or its file.
        job.memtable.reusable = false;
        this.#backToWaiting(job);
      } else {
        job.state = 'built';
        job.commitFailed = true;
      }
      this.#failed(job, error);
      throw error;
    }
    job.commit = undefined;
    this.#jobs.shift();
    this.counters.count++;
    announceFlush(this.#modules, job, built);
    // What made attempts of others fail may have passed with it.
    for (const { backOff } of this.#jobs) backOff.end();
    job.backOff.end();
    for (const waiter of job.waiters.splice(0)) waiter.resolve();
    // Not from inside these steps: what looks again may take over other sequences.
    queueMicrotask(() => {
      this.#pump();
      this.#modules.onProgress();
    });
  }

  #failed(job: PendingFlush, error: unknown): void {
    const { events, onProgress, onPersistentFailure } = this.#modules;
    this.counters.failed++;
    const retryInMs = job.backOff.fail(error, () => this.#pump());
    events.emit('flush-failed', {
      journal: job.memtable.journal.number,
      attempt: job.attempt,
      error: asError(error),
      retryInMs,
    });
    // Whoever waits for this memtable or for a younger one: those before it do not need it.
    for (const each of this.#jobs.slice(this.#jobs.indexOf(job))) each.rejectWaiters(error);
    if (job.backOff.isStopped) {
      this.#stopped = true;
      this.#failure = error;
      for (const each of this.#jobs) each.rejectWaiters(error);
      onPersistentFailure(error);
    } else if (this.#closed) {
      job.backOff.end();
    }
    queueMicrotask(onProgress);
  }
}

function workerFailed(message: string): EngineError {
  return new EngineError(ErrorCode.WorkerFailed, message);
}
