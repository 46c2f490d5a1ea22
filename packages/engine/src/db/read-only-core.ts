/** An open store without its write side: what was found is read, and nothing of it changes. */
import type { Clock } from '@arena-level/common/base/clock';
import { EngineError, ErrorCode } from '@arena-level/common/base/errors';
import type { MemDbReader } from '@arena-level/common/memdb/memdb';
import type { VerifyJob } from '@arena-level/common/protocol/flush-protocol';
import { verifyTable } from '@arena-level/worker-flush/verify-table';
import { SharedCachePlace } from '../cache/shared/shared-cache-place.ts';
import { CompactionCounters } from '../compaction/compaction-counters.ts';
import type { EventSink } from '../events/event-sink.ts';
import { FlushCounters } from '../flush/flush-counters.ts';
import { answeredOutcome, type FlushExecutor, type VerifyOutcome } from '../flush/flush-executor.ts';
import { Health } from '../health/health.ts';
import { StallTracker } from '../health/stall-tracker.ts';
import { LoopTurns } from '../iterator/turns.ts';
import type { ArenaPool } from '../memtable/arena-pool.ts';
import { type MemtableHandle, ReadView } from '../memtable/read-view.ts';
import type { ResolvedOptions } from '../options/options.ts';
import type { RecoveryReport } from '../public/public-types.ts';
import type { StoreStats } from '../public/stats.ts';
import { ReadPath } from '../read/read-path.ts';
import { SnapshotList } from '../read/snapshot-list.ts';
import type { MemoryReplay } from '../read-only/memory-replay.ts';
import { type ReadOnlyStorage, staleError } from '../read-only/read-only-storage.ts';
import type { RootKeeper } from '../roots/root-keeper.ts';
import type { VersionSet } from '../version/version-set.ts';
import { makeExecutor } from './make-executor.ts';
import type { OpenModules } from './open-modules.ts';
import type { StoreCore } from './store-core.ts';
import { Verification } from './verification.ts';

export interface ReadOnlyParts {
  readonly storage: ReadOnlyStorage;
  readonly clock: Clock;
  readonly events: EventSink;
  readonly options: ResolvedOptions;
  readonly modules: OpenModules;
  readonly versions: VersionSet;
  readonly roots: RootKeeper;
  readonly pool: ArenaPool;
  readonly replay: MemoryReplay;
  /** Newest first, at least one. */
  readonly memdbs: readonly MemDbReader[];
  readonly recovery: RecoveryReport;
}

interface ReadSide {
  readonly health: Health;
  readonly snapshots: SnapshotList;
  readonly reads: ReadPath;
  readonly view: ReadView;
  readonly executor: FlushExecutor;
}

export function makeReadOnlyCore(parts: ReadOnlyParts): StoreCore {
  const { storage, clock, events, options, modules, versions, roots, memdbs, recovery } = parts;
  const health = new Health();
  const snapshots = new SnapshotList();
  const [active, ...frozen] = memdbs.map(handleOf);
  const view = new ReadView(active!, frozen, versions.current);
  const reads = new ReadPath(options, {
    storage,
    clock,
    turns: new LoopTurns(clock),
    memtables: { view },
    health,
    snapshots,
    sharedCache: SharedCachePlace.empty(options),
    lastSequence: () => parts.replay.lastSequence,
    flushedFrom: versions.nextFileNumber,
    onSeeksUsedUp: () => {},
  });
  const executor = makeExecutor(storage, options, { ...modules, clock });
  const verify = (job: VerifyJob): Promise<VerifyOutcome> => verifyHeld(storage, executor, job);
  const verification = new Verification({
    versions,
    roots,
    tables: reads.tables,
    executor: { verify },
    health,
  });
  const side = { health, snapshots, reads, view, executor };
  let closing: Promise<void> | undefined;
  return {
    storage,
    events,
    health,
    recovery,
    reads,
    snapshots,
    verification,
    versions,
    ...refusals(health, parts.replay.lastSequence),
    stats: () => statsOf(parts, side),
    close: () => {
      closing ??= close(parts, side);
      return closing;
    },
  };
}

/** The MemDBs live as long as the store. */
function handleOf(memdb: MemDbReader): MemtableHandle {
  return { memdb, retain: () => {}, release: () => {} };
}

/** A worker opens tables by name: one that was removed is read here, while it is held. */
async function verifyHeld(
  storage: ReadOnlyStorage,
  executor: FlushExecutor,
  job: VerifyJob,
): Promise<VerifyOutcome> {
  const outcome = await executor.verify(job);
  if (outcome.kind !== 'failed' || !storage.isRemoved(job.tableNumber)) return outcome;
  if (!storage.isHeld(job.tableNumber)) throw staleError(job.tableNumber);
  return answeredOutcome(verifyTable(job, storage));
}

type Refusals = Pick<
  StoreCore,
  | 'writes'
  | 'flush'
  | 'healer'
  | 'compactions'
  | 'checkpoints'
  | 'clearing'
  | 'ingests'
  | 'threads'
  | 'checkWritable'
>;

function refusals(health: Health, lastSequence: number): Refusals {
  const refuse = (operation: string): never => {
    health.checkOpen();
    throw new EngineError(ErrorCode.ReadOnly, `${operation} is refused: the store is open read-only`);
  };
  const reject = (operation: string) => async () => refuse(operation);
  return {
    checkWritable: refuse,
    writes: {
      put: reject('put'),
      putNow: () => refuse('putSync'),
      del: reject('del'),
      delNow: () => refuse('delSync'),
      batch: reject('batch'),
      batchNow: () => refuse('batchSync'),
      rotate: reject('rotateMemtable'),
      lastSequence,
    },
    flush: { committed: reject('flush') },
    healer: { resume: reject('resume') },
    compactions: {
      compactRange: reject('compactRange'),
      // Nothing is ever compacted here, so that everything is settled.
      settled: async () => health.checkOpen(),
      retry: () => refuse('resume'),
    },
    checkpoints: { create: reject('checkpoint') },
    clearing: { clear: reject('clear') },
    threads: { share: () => refuse('share') },
    ingests: { run: reject('ingest') },
  };
}

async function close({ storage, events, pool, replay }: ReadOnlyParts, side: ReadSide): Promise<void> {
  side.health.close();
  await Promise.all([side.executor.close(), side.reads.close()]);
  side.view.release();
  replay.release();
  pool.close();
  storage.closeNow();
  events.emit('closed', { location: storage.location });
}

function statsOf(
  { clock, events, versions, pool, replay, memdbs }: ReadOnlyParts,
  { reads, snapshots, executor }: ReadSide,
): StoreStats {
  const none = { count: 0, totalMs: 0, maxMs: 0 };
  const counters = new CompactionCounters();
  return {
    writes: { entries: 0, bytes: 0, groups: 0, journalBytes: 0, journalSyncs: 0, pendingBytes: 0 },
    stalls: new StallTracker(clock, events).stats,
    rotations: none,
    flushes: { ...new FlushCounters(), oldestMs: 0, failure: undefined },
    clears: { count: 0, tables: 0, bytes: 0, tombstones: 0 },
    ingests: { count: 0, failed: 0, entries: 0, bytes: 0, tables: 0 },
    memtables: {
      active: 1,
      frozen: memdbs.length - 1,
      entries: memdbs.reduce((sum, memdb) => sum + memdb.count, 0),
      bytes: memdbs.reduce((sum, { arena }) => sum + arena.kvBytesUsed, 0),
    },
    arenas: { inUse: pool.inUse, idle: pool.idle, preparing: pool.preparing, bytes: pool.bytes },
    levels: versions.current.levels.map((tables, level) => ({
      tables: tables.length,
      bytes: versions.current.levelBytes(level),
      ...counters.levels[level]!,
      writeAmplification: 1,
    })),
    compactions: { failed: 0, pauses: 0, bytesDone: 0, bytesPlanned: 0 },
    writeAmplification: 1,
    pressure: 0,
    workers: { kind: executor.kind, ...executor.stats() },
    blockCache: reads.blockCacheStats,
    sharedCache: reads.sharedCacheStats,
    tableCache: reads.tableCacheStats,
    openTables: reads.openTables,
    lastSequence: replay.lastSequence,
    snapshots: snapshots.size,
    iterators: reads.openIterators,
    threads: { handles: 0, attached: 0, heldViews: 0, revoked: 0, sharedBytes: 0 },
    rings: {
      count: 0,
      memoryBytes: 0,
      waitingBytes: 0,
      unwrittenBytes: 0,
      frames: 0,
      entries: 0,
      bytes: 0,
    },
  };
}
