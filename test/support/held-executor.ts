import { prepareArena, touchArena } from '@arena-level/common/arena/prepare-arena';
import { systemClock } from '@arena-level/common/base/clock';
import { ErrorCode } from '@arena-level/common/base/errors';
import { CompactionGuest, CompactionState } from '@arena-level/common/protocol/compaction-control';
import type { CompactionJob } from '@arena-level/common/protocol/compaction-protocol';
import type { FlushJob } from '@arena-level/common/protocol/flush-protocol';
import type { Storage } from '@arena-level/common/storage/storage';
import { buildTable } from '@arena-level/worker-flush/build-table';
import { compactTables } from '@arena-level/worker-flush/compact-tables';
import { verifyTable } from '@arena-level/worker-flush/verify-table';
import type { OpenModules } from 'arena-level/engine';

type FlushExecutor = NonNullable<OpenModules['executor']>;
export type FlushOutcome = Awaited<ReturnType<FlushExecutor['flush']>>;
export type BuiltOutcome = Extract<FlushOutcome, { kind: 'built' }>;
export type CompactOutcome = Awaited<ReturnType<FlushExecutor['compact']>>;
export type CompactedOutcome = Extract<CompactOutcome, { kind: 'compacted' }>;

/** A build that waits to be answered. */
export class HeldBuild {
  readonly job: FlushJob;
  readonly #storage: Storage;
  readonly #answer: (outcome: FlushOutcome) => void;

  constructor(job: FlushJob, storage: Storage, answer: (outcome: FlushOutcome) => void) {
    this.job = job;
    this.#storage = storage;
    this.#answer = answer;
  }

  /** Builds the table now and answers with the truth, or with what `change` makes of it. */
  finish(change: (outcome: BuiltOutcome) => FlushOutcome = (outcome) => outcome): void {
    const outcome = this.build();
    this.#answer(outcome.kind === 'built' ? change(outcome) : outcome);
  }

  /** Builds the table now, as the worker would, and answers nothing yet. */
  build(): FlushOutcome {
    const response = buildTable(this.job, this.#storage, systemClock);
    return response.kind === 'failed' ? { ...response, crashed: false } : response;
  }

  /** Fails as a worker does that met an error, such as a failing disk. */
  fail(errno?: string): void {
    const message = `the build was told to fail${errno === undefined ? '' : `: ${errno}`}`;
    const error = { code: ErrorCode.IoError, message, ...(errno === undefined ? {} : { errno }) };
    this.#answer({ kind: 'failed', error, crashed: false });
  }

  /** Fails as a thread does that died: it may still be reading the arena. */
  crash(): void {
    const error = { code: ErrorCode.WorkerFailed, message: 'the worker was told to die' };
    this.#answer({ kind: 'failed', error, crashed: true });
  }

  answer(outcome: FlushOutcome): void {
    this.#answer(outcome);
  }
}

/** A part of a compaction that waits to be answered. */
export class HeldCompaction {
  readonly job: CompactionJob;
  readonly #storage: Storage;
  readonly #answer: (outcome: CompactOutcome) => void;

  constructor(job: CompactionJob, storage: Storage, answer: (outcome: CompactOutcome) => void) {
    this.job = job;
    this.#storage = storage;
    this.#answer = answer;
  }

  /** What its owner says. */
  get state(): CompactionState {
    return new CompactionGuest(this.job).state;
  }

  /** Merges now and answers with the truth, or with what `change` makes of it. Cancelled it does what a worker does. */
  finish(change: (outcome: CompactedOutcome) => CompactOutcome = (outcome) => outcome): void {
    const outcome = this.merge();
    this.#answer(outcome.kind === 'compacted' ? change(outcome) : outcome);
  }

  /** Merges now, as the worker would, and answers nothing yet. REQUIRES: it is not paused. */
  merge(): CompactOutcome {
    const response = compactTables(this.job, this.#storage, systemClock);
    return response.kind === 'failed' ? { ...response, crashed: false } : response;
  }

  /** Fails as a worker does that met an error, such as a failing disk. */
  fail(errno?: string): void {
    const message = `the compaction was told to fail${errno === undefined ? '' : `: ${errno}`}`;
    const error = { code: ErrorCode.IoError, message, ...(errno === undefined ? {} : { errno }) };
    this.#answer({ kind: 'failed', error, crashed: false });
  }

  /** Fails as a thread does that died. */
  crash(): void {
    const error = { code: ErrorCode.WorkerFailed, message: 'the worker was told to die' };
    this.#answer({ kind: 'failed', error, crashed: true });
  }

  /** Answers as a thread does whose owner has cancelled it. */
  stop(): void {
    if (this.state !== CompactionState.Cancelled) throw new Error('the compaction was not cancelled');
    this.#answer({ kind: 'cancelled' });
  }
}

/**
 * An executor of kind `worker` on this thread, whose builds wait until the test answers them, in whatever order it
 * likes. What blocking writes build is built at once, as always.
 */
export class HeldExecutor implements FlushExecutor {
  readonly kind = 'worker';
  readonly compactsApart = true;
  /** Not answered yet, oldest first. */
  readonly held: HeldBuild[] = [];
  /** False: builds are answered at once. */
  holds = true;
  /** Blocking builds so far. */
  builtNow = 0;
  /** Parts of compactions not answered yet, oldest first. */
  readonly compactions: HeldCompaction[] = [];
  /** True: they wait as builds do. False: they are answered at once. */
  holdsCompactions = false;
  /** Blocking compactions so far. */
  compactedNow = 0;
  readonly #storage: Storage;
  #completed = 0;

  constructor(storage: Storage) {
    this.#storage = storage;
  }

  flush(job: FlushJob): Promise<FlushOutcome> {
    return new Promise((resolve) => {
      const build = new HeldBuild(job, this.#storage, (outcome) => {
        this.held.splice(this.held.indexOf(build), 1);
        this.#completed++;
        resolve(outcome);
      });
      this.held.push(build);
      if (!this.holds) build.finish();
    });
  }

  /** Answers what waits with the truth, and everything from now on. */
  release(): void {
    this.holds = false;
    for (const build of [...this.held]) build.finish();
  }

  flushNow(job: FlushJob): FlushOutcome {
    this.builtNow++;
    const response = buildTable(job, this.#storage, systemClock);
    return response.kind === 'failed' ? { ...response, crashed: false } : response;
  }

  async verify(job: Parameters<FlushExecutor['verify']>[0]): ReturnType<FlushExecutor['verify']> {
    const response = verifyTable(job, this.#storage);
    return response.kind === 'failed' ? { ...response, crashed: false } : response;
  }

  compact(job: CompactionJob): Promise<CompactOutcome> {
    return new Promise((resolve) => {
      const compaction = new HeldCompaction(job, this.#storage, (outcome) => {
        this.compactions.splice(this.compactions.indexOf(compaction), 1);
        resolve(outcome);
      });
      this.compactions.push(compaction);
      if (!this.holdsCompactions) compaction.finish();
    });
  }

  /** As `release`, of compactions. */
  releaseCompactions(): void {
    this.holdsCompactions = false;
    for (const compaction of [...this.compactions]) compaction.finish();
  }

  compactNow(job: CompactionJob): CompactOutcome {
    this.compactedNow++;
    const response = compactTables(job, this.#storage, systemClock);
    return response.kind === 'failed' ? { ...response, crashed: false } : response;
  }

  async prepare(arena: SharedArrayBuffer): Promise<void> {
    prepareArena(arena);
  }

  async touch(arena: SharedArrayBuffer): Promise<void> {
    touchArena(arena);
  }

  /** What waits is given up, as if no thread had begun it. */
  async close(): Promise<void> {
    for (const build of [...this.held]) build.answer({ kind: 'cancelled' });
    for (const compaction of [...this.compactions]) compaction.stop();
  }

  stats(): ReturnType<FlushExecutor['stats']> {
    return { running: this.held.length, waiting: 0, completed: this.#completed, crashed: 0 };
  }
}
