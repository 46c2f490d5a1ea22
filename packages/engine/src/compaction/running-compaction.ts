/**
 * One compaction under way: its parts, each a job for one thread, over one version that it holds.
 *
 *     merging → built → done
 *        └── superseded: a blocking call has done the work itself, or the store is closing
 *
 * Kept by the coordinator, which alone changes it.
 */
import type { Clock } from '@arena-level/common/base/clock';
import { CompactionHandle } from '@arena-level/common/protocol/compaction-control';
import type { CompactionJob } from '@arena-level/common/protocol/compaction-protocol';
import type { TableOptions } from '@arena-level/common/table/table-options';
import { type LevelSizes, maxGrandparentBytes } from '../options/level-sizes.ts';
import type { Version } from '../version/version.ts';
import type { BuiltCompaction } from './compaction-commit.ts';
import {
  belowRanges,
  compactionBytes,
  grandparentRanges,
  splitPoints,
  tempNumberCount,
  toRuns,
} from './compaction-job.ts';
import { type CompactionPick, userKeyRangeOf } from './compaction-pick.ts';

export interface CompactionPlan {
  readonly pick: CompactionPick;
  readonly sizes: LevelSizes;
  readonly table: TableOptions;
  readonly dropHorizon: number;
  /** Threads there are for it. */
  readonly threads: number;
  /** A part of fewer input bytes is not worth another thread. */
  readonly minPartBytes: number;
  /** Sets numbers aside for temporary files and returns the first. */
  readonly reserveNumbers: (count: number) => number;
}

export interface CompactionPart {
  readonly job: CompactionJob;
  readonly handle: CompactionHandle;
}

export interface CompactionProgress {
  readonly bytesDone: number;
  readonly bytesTotal: number;
  readonly pausedMs: number;
}

export class RunningCompaction {
  readonly pick: CompactionPick;
  readonly version: Version;
  readonly bytesTotal: number;
  readonly startedMs: number;
  readonly parts: readonly CompactionPart[];
  /** Set when all parts have been answered well. */
  built: BuiltCompaction | undefined;
  isDone = false;
  /** What comes of its parts does not count any more. */
  isSuperseded = false;
  /** Called once, when it is superseded. */
  onSuperseded: (() => void) | undefined;

  /** Holds the version until `release`. */
  constructor(plan: CompactionPlan, version: Version, clock: Clock) {
    this.pick = plan.pick;
    this.version = version;
    this.bytesTotal = compactionBytes(plan.pick);
    this.startedMs = clock.now();
    this.parts = jobsOf(plan, version);
    version.retain();
  }

  release(): void {
    this.version.release();
  }

  supersede(): void {
    this.isSuperseded = true;
    this.onSuperseded?.();
    this.onSuperseded = undefined;
    for (const { handle } of this.parts) handle.cancel();
  }

  hasInputOf(tables: ReadonlySet<number>): boolean {
    const { inputs, nextInputs } = this.pick;
    return inputs.concat(nextInputs).some(({ number }) => tables.has(number));
  }

  progress(): CompactionProgress {
    let bytesDone = 0;
    let pausedMs = 0;
    for (const { handle } of this.parts) {
      const report = handle.report();
      bytesDone += report.bytesDone;
      pausedMs += report.pausedMs;
    }
    return { bytesDone: Math.min(bytesDone, this.bytesTotal), bytesTotal: this.bytesTotal, pausedMs };
  }
}

function jobsOf(plan: CompactionPlan, version: Version): CompactionPart[] {
  const { pick, sizes, table, dropHorizon, threads, minPartBytes, reserveNumbers } = plan;
  const worthwhile = Math.ceil(compactionBytes(pick) / minPartBytes);
  const cuts = splitPoints(pick, Math.min(threads, worthwhile));
  const { smallest, largest } = userKeyRangeOf(pick.inputs.concat(pick.nextInputs));
  const shared = {
    runs: toRuns(pick),
    below: belowRanges(version.levels, pick.outputLevel, smallest, largest),
    grandparents: grandparentRanges(pick),
    maxGrandparentBytes: maxGrandparentBytes(sizes),
    dropHorizon,
    maxTableBytes: sizes.tableBytes,
    options: table,
  };
  return Array.from({ length: cuts.length + 1 }, (_, part) => {
    const begin = cuts[part - 1];
    const end = cuts[part];
    const count = tempNumberCount(pick, sizes);
    const handle = new CompactionHandle();
    const job = {
      ...shared,
      ...(begin === undefined ? {} : { begin }),
      ...(end === undefined ? {} : { end }),
      tempNumbers: { first: reserveNumbers(count), count },
      ...handle.memory,
    };
    return { job, handle };
  });
}
