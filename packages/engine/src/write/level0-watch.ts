import type { CompactionCoordinator } from '../compaction/compaction-coordinator.ts';
import type { ResolvedOptions } from '../options/options.ts';
import type { Level0State } from './level0-throttle.ts';
import type { Level0 } from './write-room.ts';

/** Blocking writers, which do not wait, go on to so many times the pause trigger. */
const OVERDUE_FACTOR = 2;

/** Level 0 as writers see it. Without automatic compaction they never wait for it. */
export class Level0Watch implements Level0, Level0State {
  readonly #options: ResolvedOptions;
  readonly #compactions: CompactionCoordinator;

  constructor(options: ResolvedOptions, compactions: CompactionCoordinator) {
    this.#options = options;
    this.#compactions = compactions;
  }

  get level0(): number {
    return this.#options.autoCompaction ? this.#compactions.level0 : 0;
  }

  get drainBytesPerMs(): number {
    return this.#compactions.counters.level0DrainBytesPerMs;
  }

  get holdsRotations(): boolean {
    return this.level0 >= this.#options.sizes.level0Pause;
  }

  get isOverdue(): boolean {
    return this.level0 >= OVERDUE_FACTOR * this.#options.sizes.level0Pause;
  }

  get failure(): unknown {
    return this.#compactions.failure;
  }

  compactNow(): void {
    this.#compactions.compactNow();
  }
}
