/**
 * The compactions of ranges that were asked for, in their order: the first one makes its steps.
 *
 * Kept by the coordinator. Main thread only.
 */
import type { CompactionPick } from './compaction-pick.ts';
import {
  RangeCompaction,
  type RangeRequest,
  type RangeRequestModules,
  type RangeState,
} from './range-compaction.ts';

export class RangeQueue {
  readonly #modules: RangeRequestModules;
  readonly #ranges: RangeCompaction[] = [];
  /** The step of this range is what runs. */
  #running: RangeCompaction | undefined;

  constructor(modules: RangeRequestModules) {
    this.#modules = modules;
  }

  get first(): RangeCompaction | undefined {
    return this.#ranges[0];
  }

  add(request: RangeRequest): RangeCompaction {
    const range = new RangeCompaction(request, this.#modules);
    this.#ranges.push(range);
    return range;
  }

  /** A step of the range begins; undefined: a compaction that serves none. */
  begin(range: RangeCompaction | undefined, isRunning: () => boolean, state: () => RangeState): void {
    this.#running = range;
    range?.reportWhile(() => this.#running === range && isRunning(), state);
  }

  /** What ran has come to its end. */
  end(): void {
    this.#running = undefined;
  }

  /** The step that runs has been committed. */
  stepDone(pick: CompactionPick): void {
    this.#running?.stepDone(pick);
  }

  /** The first range has no step left. */
  finishFirst(): void {
    this.#ranges.shift()?.resolve();
  }

  /** Gives a range up. True when a step of it was running. */
  abandon(range: RangeCompaction, error: unknown): boolean {
    const at = this.#ranges.indexOf(range);
    if (at < 0) return false;
    this.#ranges.splice(at, 1);
    range.reject(error);
    if (this.#running !== range) return false;
    this.#running = undefined;
    return true;
  }

  /** Gives up the one whose step runs. */
  abandonRunning(error: unknown): void {
    if (this.#running !== undefined) this.abandon(this.#running, error);
  }

  abandonAll(error: unknown): void {
    for (const range of [...this.#ranges]) this.abandon(range, error);
  }
}
