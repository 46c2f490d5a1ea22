/**
 * Decides which tables are merged, has that done, and commits it. One compaction at a time, in as many parts as there
 * are threads for it; what was asked for by range comes in steps between the others.
 *
 * Failures: the inputs stay in force until the commit, so nothing is lost. A failed attempt is repeated after 1, 2, 4,
 * 8, 8, … s; for a cause that does not pass by itself one repetition is made, then compaction stops until `retry`. A
 * table that is damaged or cannot be read is left out of all compactions until then: what else there is to do goes on.
 * A blocking writer that may go no further does the work on its own thread: `compactNow`. Main thread only.
 */
import { ErrorCode, hasCode } from '@arena-level/common/base/errors';
import { runLater, runNow } from '@arena-level/common/base/steps';
import type { CompactionHandle } from '@arena-level/common/protocol/compaction-control';
import { BackOff } from '../health/back-off.ts';
import type { CompactRangeOptions } from '../public/public-types.ts';
import {
  type Compacted,
  inputToLeaveOut,
  mergeParts,
  nothingToDo,
  outputsOf,
  removeLeftovers,
  requireCompacted,
} from './answers.ts';
import type { CompactionCommit } from './compaction-commit.ts';
import { CompactionCounters } from './compaction-counters.ts';
import { announceAgain, announceEnd, announceFailure, announceStart } from './compaction-events.ts';
import type { CompactionPick } from './compaction-pick.ts';
import { CompactionPicker } from './compaction-picker.ts';
import type { CompactionCoordinatorModules, CompactionCoordinatorOptions } from './coordinator-parts.ts';
import { ExclusiveJobs } from './exclusive-jobs.ts';
import { abortedError, closedError, type RangeCompaction } from './range-compaction.ts';
import { RangeQueue } from './range-queue.ts';
import { type CompactionProgress, RunningCompaction } from './running-compaction.ts';
import { SettleWaiters } from './settle-waiters.ts';

export class CompactionCoordinator {
  readonly counters: CompactionCounters = new CompactionCounters();
  readonly #options: CompactionCoordinatorOptions;
  readonly #modules: CompactionCoordinatorModules;
  #running: RunningCompaction | undefined;
  readonly #ranges: RangeQueue;
  /** Until everything of a compaction has come to rest, superseded ones included. */
  readonly #tasks = new Set<Promise<void>>();
  readonly #picker: CompactionPicker;
  readonly #backOff: BackOff;
  readonly #settled: SettleWaiters = new SettleWaiters();
  readonly #exclusive = new ExclusiveJobs();
  #closed = false;

  constructor(options: CompactionCoordinatorOptions, modules: CompactionCoordinatorModules) {
    this.#options = options;
    this.#modules = modules;
    this.#backOff = new BackOff(modules.clock);
    this.#picker = new CompactionPicker(modules.versions, options.sizes);
    this.#ranges = new RangeQueue({
      clock: modules.clock,
      onCallerFailed: (range, error) => this.#stop(range, error),
    });
  }

  /** What runs on other threads. */
  get handles(): readonly CompactionHandle[] {
    const run = this.#running;
    return run === undefined || run.built !== undefined ? [] : run.parts.map(({ handle }) => handle);
  }

  get progress(): CompactionProgress | undefined {
    return this.#running?.progress();
  }

  /** Tables of level 0. */
  get level0(): number {
    return this.#modules.versions.current.levels[0]!.length;
  }

  /** Why level 0 does not get smaller; undefined while it may. */
  get failure(): unknown {
    const { failure, isWaiting } = this.#backOff;
    if (failure !== undefined) return failure;
    const isIdle = this.#running === undefined && !isWaiting;
    const { damage } = this.#picker;
    return isIdle && damage !== undefined && this.#picker.forLevels() === undefined ? damage : undefined;
  }

  /** Looks whether there is something to do. Called whenever the version has changed. */
  schedule(): void {
    // What is urgent is not paused, and level 0 may have become so.
    this.#modules.gate.update();
    if (this.#closed || this.#running !== undefined) return;
    const range = this.#ranges.first;
    const pick = this.#options.automatic ? this.#picker.forLevels() : undefined;
    const isUrgent = pick !== undefined && this.level0 >= this.#options.sizes.level0Slowdown;
    // Exclusive work writes, and its writes may wait for level 0.
    if (!isUrgent && this.#exclusive.holds(() => this.#goOn())) return;
    if (this.#backOff.isWaiting) return;
    if (pick !== undefined && (range === undefined || isUrgent)) this.#start(pick, undefined);
    else if (range !== undefined) this.#startStep(range);
    else this.#startForSeeks();
  }

  /**
   * Resolves when there is nothing to compact; rejects when an attempt fails, or a damaged table is in the way. Keeps the
   * process alive meanwhile.
   */
  settled(): Promise<void> {
    if (this.#closed) return Promise.reject(closedError());
    const letGo = this.#modules.clock.keepAlive();
    const settled = this.#settled.wait();
    if (this.#backOff.isStopped) this.#settled.fail(this.#backOff.failure);
    else this.schedule();
    return settled.finally(letGo);
  }

  /**
   * Compacts the user keys from `begin` to `end`, both included; absent: unbounded. REQUIRES: what memtables had of them
   * is in tables.
   */
  compactRange(
    begin: Uint8Array | undefined,
    end: Uint8Array | undefined,
    signal: AbortSignal | undefined,
    onProgress: CompactRangeOptions['onProgress'],
  ): Promise<void> {
    if (this.#closed) return Promise.reject(closedError());
    if (this.#backOff.isStopped) return Promise.reject(this.#backOff.failure);
    const range = this.#ranges.add({ begin, end, onProgress });
    const abort = (): void => this.#stop(range, abortedError());
    signal?.addEventListener('abort', abort, { once: true });
    const letGo = this.#modules.clock.keepAlive();
    this.schedule();
    return range.promise.finally(() => {
      signal?.removeEventListener('abort', abort);
      letGo();
    });
  }

  /** Does some work while no compaction runs that can be put off. Resolves with false when there is no chance of that. */
  runExclusive(work: () => Promise<void>): Promise<boolean> {
    if (this.#closed || this.#backOff.isStopped) return Promise.resolve(false);
    queueMicrotask(() => this.schedule());
    return this.#exclusive.add(work);
  }

  /** These tables have left the version: a compaction of one does not count any more. REQUIRES: in that commit's lane. */
  giveUpInputs(tables: ReadonlySet<number>): void {
    const run = this.#running;
    if (run === undefined || run.isDone || !run.hasInputOf(tables)) return;
    this.#supersede();
    queueMicrotask(() => this.schedule());
  }

  /** Many reads have looked into this table in vain: it is compacted when nothing more urgent is to be done. */
  seeksUsedUp(table: number): void {
    this.#picker.seeksUsedUp(table);
    queueMicrotask(() => this.schedule());
  }

  /** Does the most urgent compaction on this thread, taking over what is under way. Throws when there is none, or it fails. */
  compactNow(): void {
    const { lane, versions } = this.#modules;
    const { id } = versions.current;
    lane.finishNow();
    const run = this.#running;
    if (run?.built !== undefined && !run.isDone && !run.isSuperseded) this.#commitNow(run);
    // What was under way may have been all.
    if (versions.current.id !== id) return;
    const pick = this.#picker.forLevels();
    if (pick === undefined) throw this.failure ?? this.#picker.damage ?? nothingToDo();
    this.#supersede();
    this.#performNow(pick);
  }

  /** Tries again at once, also after a failure that stopped it. */
  retry(): void {
    this.#picker.restart();
    this.#backOff.restart();
    this.#goOn();
  }

  /** Begins nothing more, cancels what is being merged, and waits for threads and a running commit. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#backOff.end();
    this.#ranges.abandonAll(closedError());
    this.#settled.fail(closedError());
    this.#exclusive.refuse();
    if (this.#running?.built === undefined) this.#supersede();
    await this.#exclusive.settled();
    await Promise.all(this.#tasks);
    await this.#modules.lane.settled();
  }

  /** Nothing else is to be done. */
  #startForSeeks(): void {
    const pick = this.#options.automatic ? this.#picker.forSeeks() : undefined;
    if (pick !== undefined) this.#start(pick, undefined);
    else this.#settled.end(this.#picker.damage);
  }

  #startStep(range: RangeCompaction): void {
    const pick = range.next(this.#modules.versions.current.levels, this.#options.sizes);
    if (pick !== undefined) {
      this.#start(pick, range);
      return;
    }
    this.#ranges.finishFirst();
    this.schedule();
  }

  #newRun(pick: CompactionPick, threads: number): RunningCompaction {
    const { versions, clock, dropHorizon, events } = this.#modules;
    const run = new RunningCompaction(
      {
        ...this.#options,
        pick,
        table: this.#options.tables[pick.outputLevel]!,
        dropHorizon: dropHorizon(),
        threads,
        reserveNumbers: (count) => versions.reserveNumbers(count),
      },
      versions.current,
      clock,
    );
    announceStart(events, run);
    return run;
  }

  #start(pick: CompactionPick, range: RangeCompaction | undefined): void {
    const run = this.#newRun(pick, this.#options.threads);
    this.#running = run;
    const task = this.#perform(run).finally(() => {
      run.release();
      this.#tasks.delete(task);
    });
    this.#tasks.add(task);
    this.#modules.gate.update();
    this.#ranges.begin(
      range,
      () => this.#running === run,
      () => ({
        levels: this.#modules.versions.current.levels,
        bytesUnderWay: run.progress().bytesDone,
      }),
    );
  }

  async #perform(run: RunningCompaction): Promise<void> {
    const { executor } = this.#modules;
    let answers: readonly Compacted[] = [];
    try {
      if (!run.pick.isTrivialMove) {
        const outcomes = await mergeParts(executor, run);
        if (run.isSuperseded) {
          removeLeftovers(this.#modules, run);
          return;
        }
        answers = requireCompacted(outcomes);
      }
      run.built = outputsOf(run, answers);
      this.#modules.gate.update();
    } catch (error) {
      removeLeftovers(this.#modules, run);
      if (this.#running === run) this.#failed(run, error);
      return;
    }
    await this.#commitUntilDone(run, answers);
  }

  /** Commits, again and again as failures allow, unless a blocking call has done it meanwhile. */
  async #commitUntilDone(run: RunningCompaction, answers: readonly Compacted[]): Promise<void> {
    const { lane } = this.#modules;
    while (!run.isDone && !run.isSuperseded && !this.#closed) {
      try {
        await runLater(lane.run(() => this.#commit(run)));
      } catch (error) {
        if (hasCode(error, ErrorCode.WorkerFailed)) {
          // The answer does not match its job or its files: merged again.
          removeLeftovers(this.#modules, run);
          if (this.#running === run) this.#failed(run, error);
          return;
        }
        await this.#nextAttempt(run, error);
      }
    }
    if (run.isDone) this.#finished(run, answers);
    else removeLeftovers(this.#modules, run);
  }

  *#commit(run: RunningCompaction): ReturnType<CompactionCommit['commit']> {
    if (run.isDone || run.isSuperseded) return;
    yield* this.#modules.committer.commit(run.built!);
    run.isDone = true;
  }

  /** On this thread. An answer that does not match its files is no failure here: the caller merges again. */
  #commitNow(run: RunningCompaction): void {
    try {
      runNow(this.#modules.lane.run(() => this.#commit(run)));
    } catch (error) {
      if (!hasCode(error, ErrorCode.WorkerFailed)) throw error;
    }
    // Its own task goes on from here.
    this.#backOff.restart();
  }

  #performNow(pick: CompactionPick): void {
    const { executor, lane } = this.#modules;
    const run = this.#newRun(pick, 1);
    this.#running = run;
    try {
      const outcomes = pick.isTrivialMove ? [] : run.parts.map(({ job }) => executor.compactNow(job));
      const answers = requireCompacted(outcomes);
      run.built = outputsOf(run, answers);
      runNow(lane.run(() => this.#commit(run)));
      this.#finished(run, answers);
    } catch (error) {
      removeLeftovers(this.#modules, run);
      this.#failed(run, error);
      throw error;
    } finally {
      run.release();
    }
  }

  #finished(run: RunningCompaction, answers: readonly Compacted[]): void {
    const { clock, events } = this.#modules;
    const durationMs = clock.now() - run.startedMs;
    this.counters.add(run, answers, durationMs);
    this.#backOff.succeed();
    announceEnd(events, run, answers, durationMs);
    if (this.#running !== run) return;
    this.#ranges.stepDone(run.pick);
    this.#end();
  }

  /** An attempt came to nothing. */
  #failed(run: RunningCompaction, error: unknown): void {
    this.#ranges.abandonRunning(error);
    const isRepeated = this.#backOff.lastFailure !== undefined;
    const table = inputToLeaveOut(run, error, isRepeated);
    if (table === undefined) {
      this.#enterFailure(run, error, () => this.#goOn());
    } else {
      this.#backOff.succeed();
      this.#picker.leaveOut(table, error);
      this.#settled.fail(error);
      this.counters.failed++;
      announceFailure(this.#modules.events, run, error, Number.POSITIVE_INFINITY);
    }
    this.#end();
  }

  #end(): void {
    this.#running = undefined;
    this.#ranges.end();
    this.#modules.gate.update();
    queueMicrotask(() => this.#goOn());
  }

  /** Not from inside the steps of a commit: what looks again may take over other sequences. */
  #goOn(): void {
    this.schedule();
    this.#modules.onProgress();
  }

  /** Counts a failure; `onRetry` is called when the next attempt is due. */
  #enterFailure(run: RunningCompaction, error: unknown, onRetry: () => void): void {
    this.counters.failed++;
    const retryInMs = this.#backOff.fail(error, onRetry);
    announceFailure(this.#modules.events, run, error, retryInMs);
    // Also those that wait for their turn: a commit may be repeated for ever.
    this.#ranges.abandonAll(error);
    if (this.#backOff.isStopped) this.#exclusive.refuse();
    this.#settled.fail(error);
    if (this.#closed) this.#backOff.end();
    queueMicrotask(() => this.#modules.onProgress());
  }

  /** Between two attempts to commit: the outputs are there, and nothing else begins. */
  #nextAttempt(run: RunningCompaction, error: unknown): Promise<void> {
    return announceAgain(this.#modules.events, run, (onRetry) => this.#enterFailure(run, error, onRetry));
  }

  /** What is being merged does not count any more. Its task removes what it leaves. */
  #supersede(): void {
    this.#running?.supersede();
    this.#running = undefined;
    this.#ranges.end();
    this.#modules.gate.update();
  }

  /** For its caller: nothing more is done for a range. What is already built is committed. */
  #stop(range: RangeCompaction, error: unknown): void {
    const wasRunning = this.#ranges.abandon(range, error);
    if (!wasRunning || this.#running?.built !== undefined) return;
    this.#supersede();
    queueMicrotask(() => this.schedule());
  }
}
