import type { Clock } from '@arena-level/common/base/clock';
import { MIB } from '@arena-level/common/base/limits';
import { runLater } from '@arena-level/common/base/steps';
import { CURRENT_FILE, fileName, manifestFile } from '@arena-level/common/storage/file-desc';
import type { Storage } from '@arena-level/common/storage/storage';
import { SharedCachePlace } from '../cache/shared/shared-cache-place.ts';
import { ChannelPublisher } from '../channels/channel-publisher.ts';
import { threadPauseGate } from '../compaction/pause-gate.ts';
import { EventSink } from '../events/event-sink.ts';
import { workerFile } from '../flush/worker-file.ts';
import { Health } from '../health/health.ts';
import { StallTracker } from '../health/stall-tracker.ts';
import { beginInfoLog, tellOfRecovery } from '../info-log/store-log.ts';
import { Ingests } from '../ingest/ingests.ts';
import { LoopTurns } from '../iterator/turns.ts';
import type { DirectoryLock } from '../lock/directory-lock.ts';
import { ArenaPool } from '../memtable/arena-pool.ts';
import { MemtableSet } from '../memtable/memtable-set.ts';
import { Rotation } from '../memtable/rotation.ts';
import type { ResolvedOptions } from '../options/options.ts';
import { tableOptions } from '../options/table-options.ts';
import type { RecoveryReport } from '../public/public-types.ts';
import { ReadPath } from '../read/read-path.ts';
import { SnapshotList } from '../read/snapshot-list.ts';
import { recoverStore } from '../recovery/recover-store.ts';
import { WriteRings } from '../rings/write-rings.ts';
import { ThreadSharing } from '../threads/owner/thread-sharing.ts';
import { CommitLane } from '../version/commit-lane.ts';
import { ObsoleteTables } from '../version/obsolete-tables.ts';
import { VersionSet, type VersionSetStep } from '../version/version-set.ts';
import { Checkpoints } from './checkpoints.ts';
import { makeExecutor } from './make-executor.ts';
import type { OpenModules } from './open-modules.ts';
import { RangeClearing } from './range-clearing.ts';
import type { StoreParts } from './store-core.ts';
import { Verification } from './verification.ts';
import { type Foundation, makeWriteSide, type WriteSide } from './write-side.ts';

type Modules = OpenModules & { readonly clock: Clock };

/** A compaction of fewer input bytes per part is not worth another thread. */
const MIN_PART_BYTES = 4 * MIB;

/** Puts the parts of a store together around the state that recovery finds. */
export async function assembleStore(
  storage: Storage,
  lock: DirectoryLock,
  options: ResolvedOptions,
  modules: Modules,
): Promise<StoreParts> {
  const { clock } = modules;
  const events = new EventSink(modules.trace);
  new ChannelPublisher(storage.location, clock, events);
  const executor = makeExecutor(storage, options, modules);
  const pool = new ArenaPool(
    { kind: options.memtable, standardBytes: options.writeBufferBytes, maxIdle: options.maxIdleArenas },
    { clock, preparer: executor.kind === 'worker' ? executor : undefined },
  );
  const infoLog = beginInfoLog(storage, options, modules, events);
  let versions: VersionSet | undefined;
  try {
    const isNew = storage.sizeNow(CURRENT_FILE) === undefined;
    // A table becomes obsolete only behind a commit, when all parts are there.
    let parts: StoreParts | undefined;
    versions = await openVersions(storage, options, events, isNew, (table) => {
      parts?.reads.evict(table);
      parts?.roots.forget(table);
      parts?.obsolete.add(table);
    });
    const newFileNumber = (): number => versions!.newFileNumber();
    const rotation = new Rotation({ storage, pool, clock, events, newFileNumber });
    const table = tableOptions(options, 0);
    const isHealthy = (): boolean => versions!.isHealthy;
    const recoveryModules = { storage, versions, rotation, pool, executor, events };
    const { roots, memtable, report } = await recoverStore(recoveryModules, options, table, isNew);
    const foundation: Foundation = {
      storage,
      options,
      table,
      clock,
      turns: new LoopTurns(clock),
      events,
      executor,
      pool,
      versions,
      lane: new CommitLane(),
      obsolete: new ObsoleteTables(storage, events, isHealthy),
      rotation,
      health: new Health(),
      stalls: new StallTracker(clock, events),
      snapshots: new SnapshotList(),
      memtables: new MemtableSet(memtable, versions.current),
      roots,
      gate: modules.pauseGate ?? threadPauseGate,
      minPartBytes: modules.minCompactionPartBytes ?? MIN_PART_BYTES,
    };
    const writeSide = makeWriteSide(foundation, memtable.lastSequence);
    parts = completed({ ...foundation, infoLog }, writeSide, modules, lock, report);
    tellOfRecovery(infoLog, report, versions);
    parts.compactions.schedule();
    return parts;
  } catch (error) {
    pool.close();
    await executor.close();
    versions?.closeNow();
    await infoLog.close(error);
    throw error;
  }
}

/** What reads, verifies, copies and clears, beside what writes. */
function completed(
  foundation: Foundation & Pick<StoreParts, 'infoLog'>,
  writeSide: WriteSide,
  modules: Modules,
  lock: DirectoryLock,
  recovery: RecoveryReport,
): StoreParts {
  const { versions, roots, executor, health } = foundation;
  const flushedFrom = versions.nextFileNumber;
  const reads = makeReadSide(foundation, writeSide, flushedFrom);
  const verification = new Verification({ versions, roots, tables: reads.tables, executor, health });
  const checkpoints = new Checkpoints({
    ...foundation,
    verification,
    flush: async () => {
      await writeSide.writes.rotate(0);
      await writeSide.flush.committed();
    },
  });
  const clearing = new RangeClearing({ ...foundation, ...writeSide, reads });
  const rings = new WriteRings(writeSide.writes, foundation.options);
  const threads = new ThreadSharing({ ...foundation, rings, reads, flushedFrom });
  const ingests = makeIngests(foundation, writeSide, reads, modules);
  return {
    ...foundation,
    ...writeSide,
    lock,
    reads,
    verification,
    checkpoints,
    clearing,
    ingests,
    rings,
    threads,
    recovery,
  };
}

function makeIngests(
  foundation: Foundation,
  writeSide: WriteSide,
  reads: ReadPath,
  { pool }: Modules,
): Ingests {
  const { options } = foundation;
  return new Ingests({
    ...foundation,
    ...writeSide,
    reads,
    workerUrl: () => workerFile(options.workerUrl),
    // That of `foundation` holds arenas.
    pool,
    tableBytes: options.sizes.tableBytes,
    table: (level) => tableOptions(options, level),
  });
}

function openVersions(
  storage: Storage,
  options: ResolvedOptions,
  events: EventSink,
  isNew: boolean,
  onObsolete: (table: number) => void,
): Promise<VersionSet> {
  const versionOptions = {
    maxManifestBytes: options.maxManifestBytes,
    onStep: (step: VersionSetStep) => reportCommit(events, step),
    onObsolete: ({ number }: { readonly number: number }) => onObsolete(number),
  };
  return runLater(
    isNew ? VersionSet.create(storage, versionOptions) : VersionSet.recover(storage, versionOptions),
  );
}

function makeReadSide(
  foundation: Foundation,
  { writes, compactions }: WriteSide,
  flushedFrom: number,
): ReadPath {
  return new ReadPath(foundation.options, {
    ...foundation,
    sharedCache: SharedCachePlace.empty(foundation.options),
    lastSequence: () => writes.lastSequence,
    flushedFrom,
    onSeeksUsedUp: (table) => compactions.seeksUsedUp(table),
  });
}

/** What the version set tells of a commit, as events of the store. */
function reportCommit(events: EventSink, step: VersionSetStep): void {
  switch (step.step) {
    case 'edit-appended':
      events.emit('edit-appended', { manifest: step.manifest, bytes: step.bytes });
      break;
    case 'manifest-synced':
      events.emit('manifest-synced', { manifest: step.manifest });
      break;
    case 'current-switched':
      events.emit('manifest-switched', { manifest: step.manifest });
      break;
    case 'manifest-left-over':
      events.emit('cleanup-failed', {
        file: fileName(manifestFile(step.manifest)),
        error: step.error as Error,
      });
      break;
    case 'version-installed':
      events.emit('version-installed', { tables: step.tables, lastSequence: step.lastSequence });
      break;
  }
}
