/**
 * A compaction of a range of user keys that was asked for: level by level, in steps of about a table, until everything
 * in the range is in the deepest level that has any of it.
 *
 * Kept by the coordinator, which makes its steps one by one, beside its own.
 */
import type { Clock } from '@arena-level/common/base/clock';
import { EngineError, ErrorCode } from '@arena-level/common/base/errors';
import { userKeyOf } from '@arena-level/common/key/internal-key';
import type { LevelSizes } from '../options/level-sizes.ts';
import type { CompactRangeProgress } from '../public/public-types.ts';
import { type Levels, overlappingTables } from '../version/version.ts';
import { compactionBytes } from './compaction-job.ts';
import type { CompactionPick } from './compaction-pick.ts';
import { totalSize } from './level-scores.ts';
import { pickRange, rangeDepth } from './pick-compaction.ts';

/** Between two reports. */
const REPORT_INTERVAL_MS = 100;

export interface RangeRequest {
  /** User keys, both included; undefined: unbounded. */
  readonly begin: Uint8Array | undefined;
  readonly end: Uint8Array | undefined;
  readonly onProgress: ((progress: CompactRangeProgress) => void) | undefined;
}

export interface RangeRequestModules {
  readonly clock: Clock;
  /** `onProgress` threw: the caller is to hear of it, and nothing more is to be done for it. */
  readonly onCallerFailed: (range: RangeCompaction, error: unknown) => void;
}

export interface RangeState {
  readonly levels: Levels;
  /** Bytes that are done of the step under way. */
  readonly bytesUnderWay: number;
}

export class RangeCompaction {
  readonly promise: Promise<void>;
  readonly #begin: Uint8Array | undefined;
  readonly #end: Uint8Array | undefined;
  readonly #onProgress: RangeRequest['onProgress'];
  readonly #modules: RangeRequestModules;
  #resolve!: () => void;
  #reject!: (error: unknown) => void;
  #level = 0;
  /** The level in which it ends; known with the first step. */
  #depth: number | undefined;
  /** Where the next step of the level begins. */
  #from: Uint8Array | undefined;
  #bytesDone = 0;
  /** The most that was reported: a step that a blocking writer took over is begun again. */
  #bytesReported = 0;

  constructor({ begin, end, onProgress }: RangeRequest, modules: RangeRequestModules) {
    this.#begin = begin;
    this.#end = end;
    this.#from = begin;
    this.#onProgress = onProgress;
    this.#modules = modules;
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  /** The next step; undefined: there is none any more. */
  next(levels: Levels, sizes: LevelSizes): CompactionPick | undefined {
    this.#depth ??= rangeDepth(levels, this.#begin, this.#end);
    while (this.#level < this.#depth) {
      const pick = pickRange(levels, sizes, this.#level, this.#from, this.#end);
      if (pick !== undefined) return pick;
      this.#level++;
      this.#from = this.#begin;
    }
    return undefined;
  }

  /** A step has been committed. */
  stepDone(pick: CompactionPick): void {
    this.#bytesDone += compactionBytes(pick);
    // Level 0 is done in one step: what is flushed meanwhile is not waited for.
    if (pick.level === 0) this.#level = 1;
    else this.#from = new Uint8Array(userKeyOf(pick.pointer));
  }

  /** Tells how far it has come, now and again while `isRunning`. */
  reportWhile(isRunning: () => boolean, state: () => RangeState): void {
    if (this.#onProgress === undefined || !isRunning()) return;
    try {
      this.#report(state());
    } catch (error) {
      this.#modules.onCallerFailed(this, error);
      return;
    }
    this.#modules.clock.after(REPORT_INTERVAL_MS, () => this.reportWhile(isRunning, state));
  }

  /** All is done. A caller whose `onProgress` throws now is told of that instead. */
  resolve(): void {
    const bytes = Math.max(this.#bytesDone, this.#bytesReported);
    try {
      this.#onProgress?.({ bytesDone: bytes, bytesPlanned: bytes });
    } catch (error) {
      this.#reject(error);
      return;
    }
    this.#resolve();
  }

  reject(error: unknown): void {
    this.#reject(error);
  }

  #report({ levels, bytesUnderWay }: RangeState): void {
    const bytesDone = Math.max(this.#bytesDone + bytesUnderWay, this.#bytesReported);
    const bytesPlanned = Math.max(this.#bytesDone + this.#bytesLeft(levels), bytesDone);
    this.#bytesReported = bytesDone;
    this.#onProgress?.({ bytesDone, bytesPlanned });
  }

  /** What the steps from here on will merge: a level's bytes come along into each one below it. */
  #bytesLeft(levels: Levels): number {
    const bytesFrom = (level: number, from: Uint8Array | undefined): number =>
      totalSize(overlappingTables(levels, level, from, this.#end));
    let carried = bytesFrom(this.#level, this.#from);
    let left = 0;
    for (let level = this.#level + 1; level <= (this.#depth ?? 0); level++) {
      // Of the level that is being merged into, only what lies ahead.
      const ahead = bytesFrom(level, level === this.#level + 1 ? this.#from : this.#begin);
      if (carried > 0) left += carried + ahead;
      carried += bytesFrom(level, this.#begin);
    }
    return left;
  }
}

export const COMPACTION_ABORTED = 'the compaction was aborted; what it had done so far stays';

export function abortedError(): EngineError {
  return new EngineError(ErrorCode.Aborted, COMPACTION_ABORTED);
}

export function closedError(): EngineError {
  return new EngineError(ErrorCode.DatabaseNotOpen, 'the store was closed before it was compacted');
}
