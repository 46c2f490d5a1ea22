/** What a CompactionCoordinator works with. */
import type { Clock } from '@arena-level/common/base/clock';
import type { Storage } from '@arena-level/common/storage/storage';
import type { TableOptions } from '@arena-level/common/table/table-options';
import type { EventSink } from '../events/event-sink.ts';
import type { FlushExecutor } from '../flush/flush-executor.ts';
import type { LevelSizes } from '../options/level-sizes.ts';
import type { CommitLane } from '../version/commit-lane.ts';
import type { ObsoleteTables } from '../version/obsolete-tables.ts';
import type { VersionSet } from '../version/version-set.ts';
import type { CompactionCommit } from './compaction-commit.ts';
import type { PauseGate } from './pause-gate.ts';

export interface CompactionCoordinatorModules {
  readonly versions: VersionSet;
  readonly storage: Storage;
  readonly obsolete: ObsoleteTables;
  readonly executor: FlushExecutor;
  readonly committer: CompactionCommit;
  readonly lane: CommitLane;
  readonly clock: Clock;
  readonly events: EventSink;
  readonly gate: PauseGate;
  readonly dropHorizon: () => number;
  /** Level 0 has fewer tables, or compaction has failed: whoever waits looks again. */
  readonly onProgress: () => void;
}

export interface CompactionCoordinatorOptions {
  readonly sizes: LevelSizes;
  /** Parts of a compaction that run at a time. */
  readonly threads: number;
  /** Least input bytes of a part. */
  readonly minPartBytes: number;
  /** By level. */
  readonly tables: readonly TableOptions[];
  /** Whether levels are compacted without being asked for. */
  readonly automatic: boolean;
}
