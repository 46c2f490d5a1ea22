import type { Clock } from '@arena-level/common/base/clock';
import { LEVELS } from '@arena-level/common/base/limits';
import type { Storage } from '@arena-level/common/storage/storage';
import type { TableOptions } from '@arena-level/common/table/table-options';
import { CompactionCommit } from '../compaction/compaction-commit.ts';
import { CompactionCoordinator } from '../compaction/compaction-coordinator.ts';
import type { PauseGate } from '../compaction/pause-gate.ts';
import type { EventSink } from '../events/event-sink.ts';
import { FlushCommit } from '../flush/flush-commit.ts';
import { FlushCoordinator } from '../flush/flush-coordinator.ts';
import type { FlushExecutor } from '../flush/flush-executor.ts';
import type { Health } from '../health/health.ts';
import type { StallTracker } from '../health/stall-tracker.ts';
import type { Turns } from '../iterator/turns.ts';
import { Durability } from '../journal/durability.ts';
import type { ArenaPool } from '../memtable/arena-pool.ts';
import type { MemtableSet } from '../memtable/memtable-set.ts';
import type { Rotation } from '../memtable/rotation.ts';
import type { ResolvedOptions } from '../options/options.ts';
import { tableOptions } from '../options/table-options.ts';
import type { SnapshotList } from '../read/snapshot-list.ts';
import type { RootKeeper } from '../roots/root-keeper.ts';
import type { CommitLane } from '../version/commit-lane.ts';
import type { ObsoleteTables } from '../version/obsolete-tables.ts';
import type { VersionSet } from '../version/version-set.ts';
import { Level0Throttle } from '../write/level0-throttle.ts';
import { Level0Watch } from '../write/level0-watch.ts';
import { WritePath } from '../write/write-path.ts';
import { Healer } from './healer.ts';
import type { StoreParts } from './store-core.ts';

/** What is there before a store takes its first read or write: what recovery works with, and what it found. */
export interface Foundation {
  readonly storage: Storage;
  readonly options: ResolvedOptions;
  readonly table: TableOptions;
  readonly lane: CommitLane;
  readonly obsolete: ObsoleteTables;
  readonly clock: Clock;
  readonly turns: Turns;
  readonly events: EventSink;
  readonly executor: FlushExecutor;
  readonly pool: ArenaPool;
  readonly versions: VersionSet;
  readonly rotation: Rotation;
  readonly health: Health;
  readonly stalls: StallTracker;
  readonly snapshots: SnapshotList;
  readonly memtables: MemtableSet;
  readonly roots: RootKeeper;
  readonly gate: PauseGate;
  /** Least input bytes of a part of a compaction. */
  readonly minPartBytes: number;
}

export type WriteSide = Pick<
  StoreParts,
  'durability' | 'flush' | 'writes' | 'healer' | 'compactions' | 'throttle' | 'leavePauseGate'
>;

/** These know each other both ways: each call back goes through a closure over their names. */
export function makeWriteSide(foundation: Foundation, lastSequence: number): WriteSide {
  const { storage, options, memtables, snapshots, executor, versions, clock, gate } = foundation;
  const durability = new Durability(
    storage,
    () => memtables.journals(),
    (_journal, error) => healer.journalFailed(error),
  );
  const committer = new FlushCommit({
    ...foundation,
    onSlotFree: () => queueMicrotask(() => writes.pump()),
  });
  const compactions: CompactionCoordinator = makeCompactions(
    foundation,
    () => writes.lastSequence,
    () => writes.pump(),
  );
  const level0 = new Level0Watch(options, compactions);
  const throttle = new Level0Throttle(options.sizes, clock, () => level0);
  const flush: FlushCoordinator = new FlushCoordinator(
    {
      parallelBuilds: executor.kind === 'inline' ? 1 : options.flushWorkers,
      table: foundation.table,
    },
    {
      ...foundation,
      committer,
      newFileNumber: () => versions.newFileNumber(),
      dropHorizon: (frozen) => snapshots.oldest(frozen.lastSequence),
      onBuildsChanged: () => gate.update(),
      onProgress: () => {
        foundation.obsolete.remove();
        compactions.schedule();
        writes.pump();
      },
      onPersistentFailure: (error) => healer.flushFailed(error),
    },
  );
  const healer: Healer = new Healer({
    ...foundation,
    flush,
    onHealed: () => writes.pump(),
    onStopped: (error) => writes.refuseQueued(error),
  });
  const writes: WritePath = new WritePath(
    { maxPendingBytes: options.maxPendingBytes, maxFrozenMemtables: options.maxFrozenMemtables },
    {
      ...foundation,
      flush,
      level0,
      throttle,
      durability,
      onJournalFailure: (error) => healer.journalFailed(error),
      healed: () => healer.healed(),
    },
    lastSequence,
  );
  const leavePauseGate = gate.add({
    flushes: () => flush.building,
    compactions: () => (executor.compactsApart ? compactions.handles : []),
    isUrgent: () => compactions.level0 >= options.sizes.level0Slowdown,
  });
  return { durability, flush, writes, healer, compactions, throttle, leavePauseGate };
}

function makeCompactions(
  foundation: Foundation,
  lastSequence: () => number,
  pumpWrites: () => void,
): CompactionCoordinator {
  const { options, snapshots, executor, minPartBytes } = foundation;
  return new CompactionCoordinator(
    {
      sizes: options.sizes,
      threads: executor.kind === 'inline' ? 1 : options.compactionWorkers,
      minPartBytes,
      tables: Array.from({ length: LEVELS }, (_, level) => tableOptions(options, level)),
      automatic: options.autoCompaction,
    },
    {
      ...foundation,
      committer: new CompactionCommit(foundation),
      dropHorizon: () => snapshots.oldest(lastSequence()),
      onProgress: () => {
        foundation.obsolete.remove();
        pumpWrites();
      },
    },
  );
}
