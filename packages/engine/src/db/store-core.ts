import type { Clock } from '@arena-level/common/base/clock';
import { messageOf } from '@arena-level/common/base/errors';
import type { Storage } from '@arena-level/common/storage/storage';
import type { CompactionCoordinator } from '../compaction/compaction-coordinator.ts';
import type { PauseGate } from '../compaction/pause-gate.ts';
import type { EventSink } from '../events/event-sink.ts';
import type { FlushCoordinator } from '../flush/flush-coordinator.ts';
import type { FlushExecutor } from '../flush/flush-executor.ts';
import type { Health } from '../health/health.ts';
import type { StallTracker } from '../health/stall-tracker.ts';
import type { StoreLog } from '../info-log/store-log.ts';
import type { Ingests } from '../ingest/ingests.ts';
import type { Durability } from '../journal/durability.ts';
import type { DirectoryLock } from '../lock/directory-lock.ts';
import type { ArenaPool } from '../memtable/arena-pool.ts';
import type { MemtableSet } from '../memtable/memtable-set.ts';
import type { Rotation } from '../memtable/rotation.ts';
import type { ResolvedOptions } from '../options/options.ts';
import type { RecoveryReport } from '../public/public-types.ts';
import type { StoreStats } from '../public/stats.ts';
import type { ReadPath } from '../read/read-path.ts';
import type { SnapshotList } from '../read/snapshot-list.ts';
import type { WriteRings } from '../rings/write-rings.ts';
import type { RootKeeper } from '../roots/root-keeper.ts';
import type { ThreadSharing } from '../threads/owner/thread-sharing.ts';
import type { CommitLane } from '../version/commit-lane.ts';
import type { ObsoleteTables } from '../version/obsolete-tables.ts';
import type { VersionSet } from '../version/version-set.ts';
import type { Level0Throttle } from '../write/level0-throttle.ts';
import type { WritePath } from '../write/write-path.ts';
import type { Checkpoints } from './checkpoints.ts';
import type { Healer } from './healer.ts';
import type { RangeClearing } from './range-clearing.ts';
import type { Verification } from './verification.ts';

/** How long closing waits for writes that wait for a flush, or for healing, that does not come to its end. */
const CLOSE_PATIENCE_MS = 30_000;

/** The parts of an open store, each with one task; `open-store.ts` puts them together. */
export interface StoreParts {
  readonly storage: Storage;
  readonly lock: DirectoryLock;
  readonly clock: Clock;
  readonly events: EventSink;
  readonly health: Health;
  readonly stalls: StallTracker;
  readonly pool: ArenaPool;
  readonly executor: FlushExecutor;
  readonly versions: VersionSet;
  readonly memtables: MemtableSet;
  readonly rotation: Rotation;
  readonly durability: Durability;
  readonly flush: FlushCoordinator;
  readonly compactions: CompactionCoordinator;
  readonly throttle: Level0Throttle;
  readonly gate: PauseGate;
  readonly leavePauseGate: () => void;
  readonly obsolete: ObsoleteTables;
  readonly lane: CommitLane;
  readonly writes: WritePath;
  readonly healer: Healer;
  readonly snapshots: SnapshotList;
  readonly reads: ReadPath;
  readonly roots: RootKeeper;
  readonly verification: Verification;
  readonly checkpoints: Checkpoints;
  readonly clearing: RangeClearing;
  readonly rings: WriteRings;
  readonly threads: ThreadSharing;
  readonly ingests: Ingests;
  readonly infoLog: StoreLog;
  readonly recovery: RecoveryReport;
  readonly options: ResolvedOptions;
}

/** What a `Store` is made over: the parts of one that is open for writing, or for reading only. */
export interface StoreCore
  extends Pick<
    StoreParts,
    'storage' | 'events' | 'health' | 'recovery' | 'reads' | 'snapshots' | 'verification'
  > {
  readonly writes: Pick<
    WritePath,
    'put' | 'putNow' | 'del' | 'delNow' | 'batch' | 'batchNow' | 'rotate' | 'lastSequence'
  >;
  readonly flush: Pick<FlushCoordinator, 'committed'>;
  readonly healer: Pick<Healer, 'resume'>;
  readonly compactions: Pick<CompactionCoordinator, 'compactRange' | 'settled' | 'retry'>;
  readonly clearing: Pick<RangeClearing, 'clear'>;
  readonly ingests: Pick<Ingests, 'run'>;
  readonly versions: Pick<VersionSet, 'current'>;
  readonly checkpoints: Pick<Checkpoints, 'create'>;
  readonly threads: Pick<ThreadSharing, 'share'>;
  /** Throws LEVEL_READONLY, naming the operation, where the store is open for reading only. */
  checkWritable(operation: string): void;
  stats(): StoreStats;
  close(): Promise<void>;
}

export function makeStoreCore(parts: StoreParts): StoreCore {
  let closing: Promise<void> | undefined;
  return {
    ...parts,
    checkWritable: () => {},
    stats: () => collectStats(parts),
    close: () => {
      closing ??= closeStore(parts);
      return closing;
    },
  };
}

/**
 * Order: no new work → rings of other threads → the queue runs empty → journals durable → flush and threads stop → descriptors → the lock,
 * last. Every step is taken whatever became of those before it; the first failure is the outcome.
 */
async function closeStore(parts: StoreParts): Promise<void> {
  const {
    storage,
    lock,
    clock,
    events,
    health,
    pool,
    executor,
    versions,
    memtables,
    durability,
    flush,
    writes,
  } = parts;
  const letGo = clock.keepAlive();
  let failure: { readonly error: unknown } | undefined;
  const attempt = async (step: () => unknown): Promise<void> => {
    try {
      await step();
    } catch (error) {
      failure ??= { error };
    }
  };
  // What other threads have issued by now is issued. In this turn, as all that is behind the call is refused.
  void attempt(() => parts.rings.close());
  parts.ingests.stop();
  // Of a store that was stopped nothing is queued, but a write of its journal may still be in the pool.
  writes.stopIntake();
  await attempt(() => patiently(clock, writes.idle()));
  health.close();
  const unanswered = writes.giveUpPooled();
  if (unanswered !== undefined) failure ??= { error: unanswered };
  writes.refuseQueued(health.refusal());
  await attempt(() => parts.threads.close());
  parts.healer.close();
  await patiently(clock, parts.healer.settled());
  // Of a store that was stopped, too: what was acknowledged is durable when this ends well, or the caller hears of it.
  await attempt(() => durability.reach());
  // Together: a thread that never answers is given up by the executor, and only then the flush has ended.
  await Promise.all([
    attempt(() => flush.close()),
    attempt(() => parts.compactions.close()),
    attempt(() => parts.checkpoints.close()),
    attempt(() => parts.ingests.settled()),
    attempt(() => executor.close()),
  ]);
  // Behind those that are waited for: one that nobody waits for may be next.
  await attempt(() => parts.lane.close());
  parts.leavePauseGate();
  await attempt(() => parts.reads.close());
  for (const journal of memtables.journals()) await attempt(() => journal.close());
  await attempt(() => memtables.release());
  await parts.obsolete.settled();
  pool.close();
  await attempt(() => parts.roots.closeNow());
  await attempt(() => versions.closeNow());
  await attempt(() => patiently(clock, parts.infoLog.close(failure?.error)));
  await attempt(() => lock.release());
  await attempt(() => storage.closeNow());
  events.emit('closed', { location: storage.location });
  letGo();
  if (failure !== undefined) throw failure.error;
}

/** Waits for what ends by itself unless a thread hangs, and no longer than that may take. */
function patiently(clock: Clock, work: Promise<void>): Promise<void> {
  return new Promise((resolve, reject) => {
    const cancel = clock.after(CLOSE_PATIENCE_MS, resolve);
    work.then(resolve, reject).finally(cancel);
  });
}

function collectStats(parts: StoreParts): StoreStats {
  const { writes, durability, stalls, rotation, flush, memtables, pool, versions, reads, snapshots } = parts;
  const { compactions, executor } = parts;
  const { active, frozen } = memtables;
  const held = [active, ...frozen];
  return {
    writes: { ...writes.counters, journalSyncs: durability.syncs, pendingBytes: writes.pendingBytes },
    stalls: stalls.stats,
    rotations: { ...rotation.stats },
    flushes: {
      ...flush.counters,
      oldestMs: flush.oldestMs,
      failure: flush.failure === undefined ? undefined : messageOf(flush.failure),
    },
    clears: { ...parts.clearing.counters },
    ingests: { ...parts.ingests.counters },
    memtables: {
      active: 1,
      frozen: frozen.length,
      entries: held.reduce((sum, memtable) => sum + memtable.memdb.count, 0),
      bytes: held.reduce((sum, memtable) => sum + memtable.arena.kvBytesUsed, 0),
    },
    arenas: { inUse: pool.inUse, idle: pool.idle, preparing: pool.preparing, bytes: pool.bytes },
    levels: versions.current.levels.map((tables, level) => {
      const done = compactions.counters.levels[level]!;
      return {
        tables: tables.length,
        bytes: versions.current.levelBytes(level),
        ...done,
        writeAmplification: done.bytesFromAbove === 0 ? 1 : done.bytesWritten / done.bytesFromAbove,
      };
    }),
    compactions: {
      failed: compactions.counters.failed,
      pauses: parts.gate.pauses,
      bytesDone: compactions.progress?.bytesDone ?? 0,
      bytesPlanned: compactions.progress?.bytesTotal ?? 0,
    },
    writeAmplification: writeAmplification(flush.counters.bytes, compactions.counters.bytesWritten),
    pressure: pressure(parts),
    workers: { kind: executor.kind, ...executor.stats() },
    blockCache: reads.blockCacheStats,
    sharedCache: reads.sharedCacheStats,
    tableCache: reads.tableCacheStats,
    openTables: reads.openTables,
    lastSequence: writes.lastSequence,
    snapshots: snapshots.size,
    iterators: reads.openIterators,
    threads: parts.threads.stats,
    rings: parts.rings.stats,
  };
}

function writeAmplification(flushedBytes: number, compactedBytes: number): number {
  return flushedBytes === 0 ? 1 : (flushedBytes + compactedBytes) / flushedBytes;
}

/** The nearest of the points at which writers wait: frozen slots, level 0, bytes that are queued. */
function pressure({ writes, memtables, throttle, options }: StoreParts): number {
  return Math.min(
    1,
    Math.max(
      memtables.frozen.length / (options.maxFrozenMemtables + 1),
      throttle.pressure(),
      writes.pendingBytes / options.maxPendingBytes,
    ),
  );
}
