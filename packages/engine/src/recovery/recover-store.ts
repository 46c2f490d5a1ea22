import { runLater } from '@arena-level/common/base/steps';
import { type FileDesc, FileType, fileName } from '@arena-level/common/storage/file-desc';
import type { Storage } from '@arena-level/common/storage/storage';
import type { TableOptions } from '@arena-level/common/table/table-options';
import type { EventSink } from '../events/event-sink.ts';
import type { FlushExecutor } from '../flush/flush-executor.ts';
import type { ArenaPool } from '../memtable/arena-pool.ts';
import type { Memtable } from '../memtable/memtable.ts';
import type { Rotation } from '../memtable/rotation.ts';
import type { ResolvedOptions } from '../options/options.ts';
import type { RecoveryReport } from '../public/public-types.ts';
import { RootKeeper } from '../roots/root-keeper.ts';
import type { VersionSet } from '../version/version-set.ts';
import { type ReplayResult, replayJournals } from './journal-replay.ts';
import { checkTablesExist, liveJournals, missingJournal, problemOf } from './recovered-files.ts';
import { ReplaySink } from './replay-sink.ts';

export interface RecoveryModules {
  readonly storage: Storage;
  readonly versions: VersionSet;
  readonly rotation: Rotation;
  readonly pool: ArenaPool;
  readonly executor: FlushExecutor;
  readonly events: EventSink;
}

export interface RecoveredStore {
  /** The active memtable, empty, with its new journal. */
  readonly memtable: Memtable;
  readonly roots: RootKeeper;
  readonly report: RecoveryReport;
}

/**
 * Brings a store whose manifest was read to the state of its last acknowledged write: journals become tables, and
 * one commit makes them, the new journal's number and the last sequence number durable together. Until that commit
 * nothing is removed that it replaces; a crash anywhere before or behind it is repeated by the next open.
 */
export async function recoverStore(
  modules: RecoveryModules,
  options: ResolvedOptions,
  table: TableOptions,
  isNew: boolean,
): Promise<RecoveredStore> {
  const { storage, versions, rotation, executor, pool, events } = modules;
  const files = storage.listNow();
  // No number of any file that is there, live or not, is given out again.
  for (const file of files) versions.reserveFileNumber(file.number);
  checkTablesExist(storage, versions);
  const missing = missingJournal(files, versions);
  if (missing !== undefined && options.recover === 'stop') throw missing;

  const newFileNumber = (): number => versions.newFileNumber();
  const sink = new ReplaySink({ storage, pool, executor, newFileNumber }, table, versions.lastSequence);
  let replayed: ReplayResult;
  let memtable: Memtable;
  const roots = await RootKeeper.open({ storage, versions, events });
  try {
    replayed = await replayJournals(storage, liveJournals(files, versions), sink, options);
    await sink.finish();
    // Before the commit: it raises the journal number above them, and then they would count as obsolete.
    for (const journal of replayed.behindTear) storage.quarantineNow(journal);
    if (replayed.behindTear.length > 0) await storage.syncDirectory();
    memtable = rotation.first(versions.newFileNumber(), sink.lastSequence);
  } catch (error) {
    sink.abandon();
    roots.closeNow();
    throw error;
  }
  const lost = replayed.behindTear.map(fileName);
  const removed: string[] = [];
  try {
    // A new store's manifest needs no second edit: it replays journals from number 0 on.
    if (!isNew) await commitRecovered(modules, sink, memtable, roots);
    if (replayed.torn !== undefined) {
      storage.quarantineNow(replayed.torn);
      lost.push(fileName(replayed.torn));
    }
    await removeObsolete(storage, versions, memtable.journal.number, removed);
  } catch (error) {
    memtable.journal.close();
    memtable.release();
    roots.closeNow();
    throw error;
  }
  const damage = missing === undefined ? replayed.damage : [problemOf(missing), ...replayed.damage];
  return { memtable, roots, report: reportOf(isNew, { ...replayed, damage }, sink, lost, removed) };
}

async function commitRecovered(
  { versions }: RecoveryModules,
  sink: ReplaySink,
  memtable: Memtable,
  roots: RootKeeper,
): Promise<void> {
  const edit = {
    logNumber: memtable.journal.number,
    lastSequence: sink.lastSequence,
    newTables: sink.tables,
  };
  const version = await runLater(versions.commit(edit));
  // The commit synced the directory, and with it the journal's name.
  memtable.journal.nameDurable = true;
  for (const [number, root] of sink.roots) roots.learn(number, root);
  await runLater(roots.renew(version, sink.lastSequence));
}

/** Removes what no one needs after a successful commit. What cannot be removed stays for the next open. */
async function removeObsolete(
  storage: Storage,
  versions: VersionSet,
  journal: number,
  removed: string[],
): Promise<void> {
  const live = versions.liveFiles();
  for (const file of storage.listNow()) {
    if (!isObsolete(file, live.tables, live.manifests, journal)) continue;
    try {
      await storage.remove(file);
      removed.push(fileName(file));
    } catch {
      // Harmless: it is found again.
    }
  }
}

function isObsolete(
  file: FileDesc,
  tables: ReadonlySet<number>,
  manifests: ReadonlySet<number>,
  journal: number,
): boolean {
  switch (file.type) {
    case FileType.Table:
      return !tables.has(file.number);
    case FileType.Manifest:
      return !manifests.has(file.number);
    case FileType.Journal:
      return file.number < journal;
    case FileType.Temp:
      return true;
    default:
      return false;
  }
}

function reportOf(
  isNew: boolean,
  replayed: ReplayResult,
  sink: ReplaySink,
  lost: readonly string[],
  removed: readonly string[],
): RecoveryReport {
  return {
    created: isNew,
    groups: replayed.groups,
    entries: replayed.entries,
    tablesWritten: sink.tables.length,
    ...(replayed.tear === undefined ? {} : { tear: replayed.tear }),
    lost,
    removed,
    damage: replayed.damage,
  };
}
