import { ArenaState } from '@arena-level/common/arena/arena-state';
import type { Clock } from '@arena-level/common/base/clock';
import { type Steps, wait } from '@arena-level/common/base/steps';
import { fileName, tableFile, tempFile } from '@arena-level/common/storage/file-desc';
import type { Storage } from '@arena-level/common/storage/storage';
import type { TableSummary } from '@arena-level/common/table/table-options';
import type { EventSink } from '../events/event-sink.ts';
import type { VersionEdit } from '../manifest/version-edit.ts';
import type { Memtable } from '../memtable/memtable.ts';
import type { MemtableSet } from '../memtable/memtable-set.ts';
import type { RootKeeper } from '../roots/root-keeper.ts';
import type { VersionSet } from '../version/version-set.ts';
import { checkBuiltTable } from './check-built-table.ts';

/** A finished build that waits for its commit, and how far that has come. */
export interface BuiltFlush {
  readonly tempNumber: number;
  /** Undefined when the memtable was empty. */
  readonly table: TableSummary | undefined;
  readonly dropped: number;
  /** The table's file number, once the file has its final name. */
  tableNumber?: number;
}

export interface FlushCommitModules {
  readonly storage: Storage;
  readonly versions: VersionSet;
  readonly memtables: MemtableSet;
  readonly roots: RootKeeper;
  readonly events: EventSink;
  /** A frozen slot is free. */
  readonly onSlotFree: () => void;
}

/**
 * The commit of one flushed memtable, the heart of the engine's promises. In this order:
 *
 *   1. check the answer against the arena and the file
 *   2. rename to the final name: file numbers are given here, so they ascend with age
 *   3. sync the directory
 *   4. append the version edit to the manifest, sync it, install the version   (`version-set.ts`)
 *   5. drop the memtable: readers find its entries in the table from now on
 *   6. remove the journal
 *   7. renew the MasterRoot and record it in arena.roots
 *
 * Whatever fails before the version is installed leaves memtable and journal in place, and the commit is tried
 * again from the step that failed: a table that has its name keeps it, an edit that may be in a failed manifest
 * goes into a whole new one. Failures behind that are reported and cost nothing: a journal left behind is removed
 * by the next open, a root that was not recorded is computed again.
 */
export class FlushCommit {
  readonly #modules: FlushCommitModules;

  constructor(modules: FlushCommitModules) {
    this.#modules = modules;
  }

  *commit(memtable: Memtable, built: BuiltFlush): Steps<void> {
    const { storage, versions, memtables, roots, events, onSlotFree } = this.#modules;
    if (built.table !== undefined) yield* this.#name(memtable, built, built.table);
    else yield* this.#syncDirectory();
    const version = yield* versions.commit(this.#edit(memtable, built));
    if (built.table !== undefined && built.tableNumber !== undefined) {
      roots.learn(built.tableNumber, built.table.root);
    }
    memtable.arena.transition(ArenaState.Flushed);
    memtables.dropOldest(memtable, version);
    events.emit('memtable-dropped', { journal: memtable.journal.number });
    onSlotFree();

    // The commit is in force: nothing from here on may fail it.
    try {
      memtable.journal.close();
      yield* wait(
        () => storage.removeNow(memtable.journal.file),
        () => storage.remove(memtable.journal.file),
      );
      events.emit('journal-removed', { journal: memtable.journal.number });
    } catch (error) {
      events.emit('cleanup-failed', { file: fileName(memtable.journal.file), error: error as Error });
    }
    yield* roots.renewWithStated(version, memtable.lastSequence);
  }

  *#name(memtable: Memtable, built: BuiltFlush, table: TableSummary): Steps<void> {
    const { storage, versions, events } = this.#modules;
    if (built.tableNumber === undefined) {
      yield* checkBuiltTable(storage, tempFile(built.tempNumber), memtable.memdb.count, table, built.dropped);
      const number = versions.newFileNumber();
      storage.renameNow(tempFile(built.tempNumber), tableFile(number));
      built.tableNumber = number;
      events.emit('table-renamed', { journal: memtable.journal.number, table: number });
    }
    yield* this.#syncDirectory();
    events.emit('directory-synced', { table: built.tableNumber });
  }

  /** Names are durable before the manifest states them: that of the table, and that of the next journal. */
  *#syncDirectory(): Steps<void> {
    const { storage } = this.#modules;
    yield* wait(
      () => storage.syncDirectoryNow(),
      () => storage.syncDirectory(),
    );
  }

  #edit(memtable: Memtable, { table, tableNumber }: BuiltFlush): VersionEdit {
    const { memtables, versions } = this.#modules;
    const next = memtables.frozen[1] ?? memtables.active;
    return {
      logNumber: next.journal.number,
      // Tables of an ingest may be ahead of a memtable that was frozen to be healed.
      lastSequence: Math.max(memtable.lastSequence, versions.lastSequence),
      ...(table === undefined || tableNumber === undefined
        ? {}
        : {
            newTables: [
              {
                level: 0,
                table: {
                  number: tableNumber,
                  size: table.size,
                  smallest: table.smallest,
                  largest: table.largest,
                },
              },
            ],
          }),
    };
  }
}

/** The last build of a memtable's table. */
interface FlushAttempt {
  readonly memtable: Memtable;
  readonly attempt: number;
  readonly startedMs: number;
}

/** Tells that a flush has come to its end. */
export function announceFlush(
  { clock, events }: { readonly clock: Clock; readonly events: EventSink },
  { memtable, attempt, startedMs }: FlushAttempt,
  { table, tableNumber, dropped }: BuiltFlush,
): void {
  events.emit('flush-finished', {
    journal: memtable.journal.number,
    attempt,
    table: tableNumber,
    sizeBytes: table?.size ?? 0,
    entries: table?.entries ?? 0,
    dropped,
    durationMs: clock.now() - startedMs,
  });
}
