import { prepareArena } from '@arena-level/common/arena/prepare-arena';
import { systemClock } from '@arena-level/common/base/clock';
import { ErrorCode } from '@arena-level/common/base/errors';
import type { FlushJob } from '@arena-level/common/protocol/flush-protocol';
import type { Storage } from '@arena-level/common/storage/storage';
import { buildTable } from '@arena-level/worker-flush/build-table';
import { compactTables } from '@arena-level/worker-flush/compact-tables';
import { verifyTable } from '@arena-level/worker-flush/verify-table';
import type { OpenModules } from 'arena-level/engine';

type FlushExecutor = NonNullable<OpenModules['executor']>;
export type FlushOutcome = Awaited<ReturnType<FlushExecutor['flush']>>;
export type BuiltOutcome = Extract<FlushOutcome, { kind: 'built' }>;

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

/**
 * An executor of kind `worker` on this thread, whose builds wait until the test answers them, in whatever order it
 * likes. What blocking writes build is built at once, as always.
 */
export class HeldExecutor implements FlushExecutor {
  readonly kind = 'worker';
  /** Not answered yet, oldest first. */
  readonly held: HeldBuild[] = [];
  /** False: builds are answered at once. */
  holds = true;
  /** Blocking builds so far. */
  builtNow = 0;
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

  /** At once, whatever `holds` says. */
  async compact(job: Parameters<FlushExecutor['compact']>[0]): ReturnType<FlushExecutor['compact']> {
    return this.compactNow(job);
  }

  compactNow(job: Parameters<FlushExecutor['compactNow']>[0]): ReturnType<FlushExecutor['compactNow']> {
    const response = compactTables(job, this.#storage, systemClock);
    return response.kind === 'failed' ? { ...response, crashed: false } : response;
  }

  async prepare(arena: SharedArrayBuffer): Promise<void> {
    prepareArena(arena);
  }

  /** What waits is given up, as if no thread had begun it. */
  async close(): Promise<void> {
    for (const build of [...this.held]) build.answer({ kind: 'cancelled' });
  }

  stats(): ReturnType<FlushExecutor['stats']> {
    return { running: this.held.length, waiting: 0, completed: this.#completed, crashed: 0 };
  }
}
