/**
 * Opens a store to read it only: roots → CURRENT → manifest → tables are there, and are opened → journals are replayed
 * into memory. No lock is taken, and no file is written, created, renamed or removed.
 *
 * Beside a live writer any of these files may go while they are read, but never before an edit has said so: an attempt
 * that fails is repeated when the manifest has grown, or another one is in force, since it began. What stays is one
 * moment: a manifest, and journals from the number on that it states.
 */
import type { Clock } from '@arena-level/common/base/clock';
import { ErrorCode, errnoOf, hasCode } from '@arena-level/common/base/errors';
import { KIB } from '@arena-level/common/base/limits';
import { runLater } from '@arena-level/common/base/steps';
import { journalFile, manifestFile } from '@arena-level/common/storage/file-desc';
import type { Storage } from '@arena-level/common/storage/storage';
import { ChannelPublisher } from '../channels/channel-publisher.ts';
import { EventSink } from '../events/event-sink.ts';
import { readCurrentNow } from '../manifest/current-file.ts';
import { ArenaPool } from '../memtable/arena-pool.ts';
import type { ResolvedOptions } from '../options/options.ts';
import type { RecoveryReport } from '../public/public-types.ts';
import { MemoryReplay } from '../read-only/memory-replay.ts';
import { ReadOnlyStorage } from '../read-only/read-only-storage.ts';
import { type ReplayResult, replayJournals } from '../recovery/journal-replay.ts';
import { checkTablesExist, liveJournals, missingJournal, problemOf } from '../recovery/recovered-files.ts';
import { RootKeeper } from '../roots/root-keeper.ts';
import { readRoots } from '../roots/roots-file.ts';
import { VersionSet } from '../version/version-set.ts';
import type { OpenModules } from './open-modules.ts';
import { makeReadOnlyCore } from './read-only-core.ts';
import type { StoreCore } from './store-core.ts';

type Modules = OpenModules & { readonly clock: Clock };

const MAX_ATTEMPTS = 20;

/** REQUIRES: a CURRENT was there. The caller closes `storage` when this fails. */
export async function openReadOnly(
  storage: Storage,
  options: ResolvedOptions,
  modules: Modules,
): Promise<StoreCore> {
  for (let attempt = 1; ; attempt++) {
    const before = inForce(storage);
    const hasChanged = (): boolean => before === undefined || before !== inForce(storage);
    try {
      return await openOnce(storage, options, modules, hasChanged);
    } catch (error) {
      if (attempt === MAX_ATTEMPTS || !mayHaveVanished(error) || !hasChanged()) throw error;
    }
  }
}

/** Which edit is the last one; undefined when that cannot be read. */
function inForce(storage: Storage): string | undefined {
  try {
    const number = readCurrentNow(storage);
    if (number === undefined) return undefined;
    return `${number} ${storage.sizeNow(manifestFile(number))}`;
  } catch {
    return undefined;
  }
}

function mayHaveVanished(error: unknown): boolean {
  return (
    errnoOf(error) === 'ENOENT' ||
    hasCode(error, ErrorCode.Corruption) ||
    hasCode(error, ErrorCode.StoreMissing)
  );
}

async function openOnce(
  inner: Storage,
  options: ResolvedOptions,
  modules: Modules,
  hasChanged: () => boolean,
): Promise<StoreCore> {
  const storage = new ReadOnlyStorage(inner);
  const { clock } = modules;
  const events = new EventSink(modules.trace);
  new ChannelPublisher(inner.location, clock, events);
  let replay: MemoryReplay | undefined;
  try {
    // Before the manifest: what they say is never newer than that.
    const contents = await runLater(readRoots(storage));
    const versions = await runLater(VersionSet.recover(storage));
    const roots = RootKeeper.forReading({ storage, versions, events }, contents);
    checkTablesExist(storage, versions);
    const tables = versions.current.levels.flat().map(({ number }) => number);
    await storage.hold(tables, options.maxOpenFiles);

    const files = storage.listNow();
    const missing = missingJournal(files, versions);
    if (missing !== undefined && (options.recover === 'stop' || hasChanged())) throw missing;
    const journals = liveJournals(files, versions);
    const pool = poolFor(journals, storage, options, clock);
    replay = new MemoryReplay(pool, versions.lastSequence);
    const replayed = await replayJournals(storage, journals, replay, options);
    const memdbs = replay.finish();
    const damage = missing === undefined ? replayed.damage : [problemOf(missing), ...replayed.damage];
    const parts = { storage, clock, events, options, modules, versions, roots, pool, replay, memdbs };
    return makeReadOnlyCore({ ...parts, recovery: reportOf({ ...replayed, damage }) });
  } catch (error) {
    replay?.release();
    storage.releaseHeld();
    throw error;
  }
}

/** Arenas no larger than the journals need. */
function poolFor(
  journals: readonly number[],
  storage: Storage,
  options: ResolvedOptions,
  clock: Clock,
): ArenaPool {
  const bytes = journals.reduce((sum, number) => sum + (storage.sizeNow(journalFile(number)) ?? 0), 0);
  const standardBytes = Math.min(options.writeBufferBytes, Math.max(bytes, 4 * KIB));
  return new ArenaPool({ kind: options.memtable, standardBytes, maxIdle: 0 }, { clock, preparer: undefined });
}

function reportOf({ groups, entries, tear, damage }: ReplayResult): RecoveryReport {
  return {
    created: false,
    groups,
    entries,
    tablesWritten: 0,
    ...(tear === undefined ? {} : { tear }),
    lost: [],
    removed: [],
    damage,
  };
}
