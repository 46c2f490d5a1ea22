/**
 * Deletes all keys of a range. Where that is safe, whole tables that lie inside of it are dropped by one version edit,
 * unread, and only what other tables and the memtables have of the range gets tombstones; otherwise every key does.
 *
 * Dropping, beside which compactions are put off:
 *
 *   1. D = the tables of the current version whose user keys all lie in the range
 *   2. a tombstone for each key of the range that would be seen without D: older values below D never come back
 *   3. everything written so far is durable: the tombstones, and those before them that a key of D relied on
 *   4. in the commit lane: D is still there as it was and no snapshot is open; otherwise again from 1, and then by tombstones
 *   5. readers see the version without D, then the edit is made durable, and the new version is installed
 *
 * Readers change at 5 before the edit is durable, so that a snapshot taken meanwhile sees one state throughout. Hence
 * what they saw stays when the edit cannot be made durable: D is gone for this store, the caller is told that a reopen
 * may find it again, and the next commit, that of a repeated call for instance, settles it.
 * A crash before the edit leaves each key as it was or deleted. Iterators and reads that were begun keep their view.
 *
 * Main thread only.
 */
import type { Clock } from '@arena-level/common/base/clock';
import { asError, EngineError, ErrorCode, hasCode, messageOf } from '@arena-level/common/base/errors';
import { runLater, type Steps } from '@arena-level/common/base/steps';
import { TRAILER_BYTES } from '@arena-level/common/key/internal-key';
import type { CompactionCoordinator } from '../compaction/compaction-coordinator.ts';
import type { EventSink } from '../events/event-sink.ts';
import type { ClearReason } from '../events/events.ts';
import type { Health } from '../health/health.ts';
import type { CheckedClearRange } from '../iterator/clear-range.ts';
import type { Entry } from '../iterator/entry-batch.ts';
import { isAboveRange, isBelowRange, type KeyRange } from '../iterator/key-range.ts';
import type { StoreIterator } from '../iterator/store-iterator.ts';
import type { Durability } from '../journal/durability.ts';
import type { TableMetadata } from '../manifest/table-metadata.ts';
import type { MemtableSet } from '../memtable/memtable-set.ts';
import { ReadView } from '../memtable/read-view.ts';
import type { BatchOperation, ClearRange } from '../public/public-types.ts';
import type { StoreStats } from '../public/stats.ts';
import type { ReadPath } from '../read/read-path.ts';
import type { SnapshotList } from '../read/snapshot-list.ts';
import type { RootKeeper } from '../roots/root-keeper.ts';
import type { CommitLane } from '../version/commit-lane.ts';
import type { ObsoleteTables } from '../version/obsolete-tables.ts';
import { type Levels, Version } from '../version/version.ts';
import type { VersionSet } from '../version/version-set.ts';
import { checkBatch } from '../write/check-entries.ts';
import type { WritePath } from '../write/write-path.ts';

/** Tombstones of one batch. */
const MAX_BATCH_TOMBSTONES = 1000;
/** How often dropping is tried where a compaction that could not be put off takes tables away. */
const MAX_ATTEMPTS = 3;

export interface RangeClearingModules {
  readonly memtables: MemtableSet;
  readonly versions: VersionSet;
  readonly obsolete: ObsoleteTables;
  readonly lane: CommitLane;
  readonly roots: RootKeeper;
  readonly snapshots: SnapshotList;
  readonly durability: Durability;
  readonly writes: WritePath;
  readonly compactions: CompactionCoordinator;
  readonly reads: ReadPath;
  readonly health: Health;
  readonly events: EventSink;
  readonly clock: Clock;
}

interface PlacedTable {
  readonly level: number;
  readonly table: TableMetadata;
}

/** What one call has done. */
interface Tally {
  tables: number;
  bytes: number;
  tombstones: number;
}

type Counters = { -readonly [K in keyof StoreStats['clears']]: StoreStats['clears'][K] };

export class RangeClearing {
  readonly counters: Counters = { count: 0, tables: 0, bytes: 0, tombstones: 0 };
  readonly #modules: RangeClearingModules;
  #calls = 0;

  constructor(modules: RangeClearingModules) {
    this.#modules = modules;
  }

  /** Deletes what was written to the range before the call, and may delete what comes meanwhile. */
  async clear({ asked, range, limit }: CheckedClearRange, sync: boolean): Promise<void> {
    const { health, writes, durability, clock, events } = this.#modules;
    health.checkOpen();
    const tally: Tally = { tables: 0, bytes: 0, tombstones: 0 };
    const began = clock.now();
    const letGo = clock.keepAlive();
    const isWhole =
      range.lower === undefined && range.upper === undefined && limit === Number.POSITIVE_INFINITY;
    const reason: ClearReason = isWhole ? 'all' : 'range';
    const call = ++this.#calls;
    events.emit('clear-started', { call, reason });
    try {
      await writes.idle();
      const isDone = limit === Number.POSITIVE_INFINITY && (await this.#tryToDrop(asked, range, tally));
      if (!isDone) await this.#deleteAll(() => this.#modules.reads.iterator(keysOf(asked)), tally);
      await this.#settleDropped();
      if (sync) await durability.reach();
    } catch (error) {
      events.emit('clear-failed', { call, reason, error: asError(error), durationMs: clock.now() - began });
      throw error;
    } finally {
      letGo();
      this.#count(tally);
    }
    events.emit('range-cleared', { call, reason, ...tally, durationMs: clock.now() - began });
  }

  #count({ tables, bytes, tombstones }: Tally): void {
    this.counters.count++;
    this.counters.tables += tables;
    this.counters.bytes += bytes;
    this.counters.tombstones += tombstones;
  }

  /** False: what is in the range is to be deleted by tombstones. */
  async #tryToDrop(asked: ClearRange, range: KeyRange, tally: Tally): Promise<boolean> {
    const { memtables, compactions } = this.#modules;
    if (!this.#mayDrop() || tablesInside(memtables.view.version.levels, range).length === 0) return false;
    let isDone = false;
    await compactions.runExclusive(async () => {
      for (let attempt = 0; attempt < MAX_ATTEMPTS && !isDone && this.#mayDrop(); attempt++) {
        const tables = tablesInside(memtables.view.version.levels, range);
        if (tables.length === 0) return;
        isDone = await this.#dropTables(tables, asked, tally);
      }
    });
    return isDone;
  }

  /** A snapshot reads from the current version: what it sees stays there. */
  #mayDrop(): boolean {
    return this.#modules.snapshots.size === 0;
  }

  async #dropTables(tables: readonly PlacedTable[], asked: ClearRange, tally: Tally): Promise<boolean> {
    const { memtables, durability, lane } = this.#modules;
    const { view } = memtables;
    view.retain();
    try {
      await this.#deleteAll(() => this.#rest(view, tables, asked), tally);
      await durability.reach();
      return await runLater(lane.run(() => this.#commit(tables, tally)));
    } finally {
      view.release();
    }
  }

  /** The keys of the range that are seen in a view when these tables are not there. */
  #rest(view: ReadView, tables: readonly PlacedTable[], asked: ClearRange): StoreIterator {
    const { reads, writes } = this.#modules;
    const version = versionWithout(view.version, tables);
    const rest = new ReadView(view.active, view.frozen, version);
    version.release();
    try {
      return reads.iteratorOver(rest, writes.lastSequence, keysOf(asked));
    } finally {
      rest.release();
    }
  }

  /** Step 4 and 5. False: the tables may not be dropped any more, and nothing was done. */
  *#commit(tables: readonly PlacedTable[], tally: Tally): Steps<boolean> {
    const { versions, memtables, roots, compactions, snapshots } = this.#modules;
    const { current } = versions;
    if (!hasAll(current.levels, tables)) return false;
    const reduced = versionWithout(current, tables);
    const isInstalled = snapshots.ifNone(() => memtables.installVersion(reduced));
    reduced.release();
    if (!isInstalled) return false;
    try {
      yield* versions.drop(tables.map(({ level, table: { number } }) => ({ level, number })));
    } catch (error) {
      throw outcomeUnknown(error);
    } finally {
      memtables.installVersion(versions.current);
      // Also one that was begun meanwhile; none can have been committed.
      compactions.giveUpInputs(new Set(tables.map(({ table }) => table.number)));
    }
    tally.tables += tables.length;
    for (const { table } of tables) tally.bytes += table.size;
    yield* roots.renewWithStated(versions.current, versions.lastSequence);
    return true;
  }

  /** A call before this one may have dropped tables and failed to say so on disk. */
  async #settleDropped(): Promise<void> {
    const { versions, lane, roots, obsolete } = this.#modules;
    if (versions.isHealthy) return;
    const settle = function* (): Steps<void> {
      if (versions.isHealthy) return;
      yield* versions.commit({});
      yield* roots.renewWithStated(versions.current, versions.lastSequence);
    };
    await runLater(lane.run(settle));
    obsolete.remove();
  }

  /** A tombstone for every key of an iterator, in bounded batches. */
  async #deleteAll(open: () => StoreIterator, tally: Tally): Promise<void> {
    const { health } = this.#modules;
    const iterator = open();
    try {
      for (;;) {
        health.checkOpen();
        const entries = await this.#next(iterator);
        if (entries.length === 0) return;
        await this.#write(entries.map(([key]) => ({ type: 'del', key: key! })));
        tally.tombstones += entries.length;
      }
    } finally {
      iterator.close();
    }
  }

  /** Nobody has the iterator but the close of the store, and that is what a caller is told. */
  async #next(iterator: StoreIterator): Promise<Entry[]> {
    try {
      return await iterator.nextv(MAX_BATCH_TOMBSTONES);
    } catch (error) {
      if (hasCode(error, ErrorCode.IteratorNotOpen)) this.#modules.health.checkOpen();
      throw error;
    }
  }

  /** Waits for its turn where other writes fill the backlog. */
  async #write(tombstones: readonly BatchOperation[]): Promise<void> {
    const { writes } = this.#modules;
    const recordBytes = checkBatch(tombstones);
    for (;;) {
      try {
        await writes.batch(tombstones, recordBytes, false);
        return;
      } catch (error) {
        if (!hasCode(error, ErrorCode.WriteBacklog)) throw error;
        await writes.idle();
      }
    }
  }
}

function outcomeUnknown(cause: unknown): EngineError {
  return new EngineError(
    ErrorCode.WriteOutcomeUnknown,
    `the range is cleared, and may or may not be so after a reopen: ${messageOf(cause)}`,
    { cause },
  );
}

function keysOf(range: ClearRange) {
  return { ...range, values: false };
}

function tablesInside(levels: Levels, range: KeyRange): PlacedTable[] {
  return levels.flatMap((tables, level) =>
    tables
      .filter(({ smallest, largest }) => isInside(range, smallest) && isInside(range, largest))
      .map((table) => ({ level, table })),
  );
}

function isInside(range: KeyRange, internalKey: Uint8Array): boolean {
  const end = internalKey.length - TRAILER_BYTES;
  return !isBelowRange(range, internalKey, 0, end) && !isAboveRange(range, internalKey, 0, end);
}

function hasAll(levels: Levels, tables: readonly PlacedTable[]): boolean {
  return tables.every(({ level, table }) => levels[level]!.some(({ number }) => number === table.number));
}

/** A version for readers alone, which has the files of the other one kept as long as it is read. */
function versionWithout(version: Version, tables: readonly PlacedTable[]): Version {
  const left = new Set(tables.map(({ table }) => table.number));
  version.retain();
  return new Version(
    version.id,
    version.levels.map((level) => level.filter(({ number }) => !left.has(number))),
    () => version.release(),
  );
}
