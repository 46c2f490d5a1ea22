/**
 * The commit of a compaction, as that of a flush:
 *
 *   1. check the outputs against the inputs and their files
 *   2. rename them to their final names
 *   3. sync the directory
 *   4. append the version edit to the manifest, sync it, install the version   (`version-set.ts`)
 *   5. readers see the new version; the inputs are removed when the last reader of an older one has gone
 *   6. renew the MasterRoot and record it in arena.roots
 *
 * Whatever fails before the version is installed leaves the inputs in force. The commit is tried again from the step
 * that failed: a table that has its name keeps it.
 */
import { type Steps, wait } from '@arena-level/common/base/steps';
import { compareBytes } from '@arena-level/common/bytes/compare';
import { compareInternalKeys, userKeyOf } from '@arena-level/common/key/internal-key';
import type { CompactedTable, CompactionJob } from '@arena-level/common/protocol/compaction-protocol';
import { fileName, tableFile, tempFile } from '@arena-level/common/storage/file-desc';
import type { Storage } from '@arena-level/common/storage/storage';
import type { EventSink } from '../events/event-sink.ts';
import { checkTableFile, mismatch } from '../flush/check-built-table.ts';
import type { VersionEdit } from '../manifest/version-edit.ts';
import type { MemtableSet } from '../memtable/memtable-set.ts';
import type { RootKeeper } from '../roots/root-keeper.ts';
import type { VersionSet } from '../version/version-set.ts';
import type { CompactionPick } from './compaction-pick.ts';

/** The outputs of one part of a compaction, and what it was asked for. */
export interface BuiltPart {
  readonly job: CompactionJob;
  readonly tables: readonly CompactedTable[];
  readonly entries: number;
  readonly dropped: number;
}

export interface BuiltCompaction {
  readonly pick: CompactionPick;
  /** In the order of their keys; none for a table that only changes its level. */
  readonly parts: readonly BuiltPart[];
  /** Final numbers of outputs that have been renamed, by temporary number. */
  readonly numbers: Map<number, number>;
}

export interface CompactionCommitModules {
  readonly storage: Storage;
  readonly versions: VersionSet;
  readonly memtables: MemtableSet;
  readonly roots: RootKeeper;
  readonly events: EventSink;
}

export class CompactionCommit {
  readonly #modules: CompactionCommitModules;

  constructor(modules: CompactionCommitModules) {
    this.#modules = modules;
  }

  *commit(built: BuiltCompaction): Steps<void> {
    const { storage, versions, memtables, roots } = this.#modules;
    const tables = built.parts.flatMap((part) => part.tables);
    if (built.numbers.size < tables.length) yield* this.#check(built);
    this.#name(built, tables);
    if (tables.length > 0) {
      yield* wait(
        () => storage.syncDirectoryNow(),
        () => storage.syncDirectory(),
      );
    }
    const version = yield* versions.commit(editOf(built, tables));
    for (const { tempNumber, table } of tables) roots.learn(built.numbers.get(tempNumber)!, table.root);
    memtables.installVersion(version);
    yield* roots.renewWithStated(version, versions.lastSequence);
  }

  /** Throws ARENA_WORKER_FAILED for outputs that are not those of their job. */
  *#check({ parts, numbers }: BuiltCompaction): Steps<void> {
    for (const part of parts) {
      checkPart(part);
      for (const { tempNumber, table } of part.tables) {
        if (!numbers.has(tempNumber))
          yield* checkTableFile(this.#modules.storage, tempFile(tempNumber), table);
      }
    }
  }

  #name({ pick, numbers }: BuiltCompaction, tables: readonly CompactedTable[]): void {
    const { storage, versions, events } = this.#modules;
    for (const { tempNumber } of tables) {
      if (numbers.has(tempNumber)) continue;
      const table = versions.newFileNumber();
      storage.renameNow(tempFile(tempNumber), tableFile(table));
      numbers.set(tempNumber, table);
      events.emit('table-compacted', { level: pick.outputLevel, table });
    }
  }
}

/** Counts add up; tables ascend, lie in the part's range, and within what its inputs have. */
function checkPart({ job, tables, entries, dropped }: BuiltPart): void {
  const { first, count } = job.tempNumbers;
  let kept = 0;
  let last: Uint8Array | undefined;
  for (const { tempNumber, table } of tables) {
    const name = fileName(tempFile(tempNumber));
    if (tempNumber < first || tempNumber >= first + count) {
      throw mismatch(name, 'a table under a number that it was not given');
    }
    // All versions of a user key are in one table.
    const ascends = last === undefined || compareBytes(userKeyOf(last), userKeyOf(table.smallest)) < 0;
    if (!ascends || compareInternalKeys(table.smallest, table.largest) > 0) {
      throw mismatch(name, 'tables whose keys do not ascend');
    }
    if (!isWithin(job, table.smallest, table.largest))
      throw mismatch(name, 'keys outside of what it was given');
    kept += table.entries;
    last = table.largest;
  }
  if (kept + dropped !== entries) {
    const name = tables.length === 0 ? 'no table' : fileName(tempFile(tables[0]!.tempNumber));
    throw mismatch(name, `${kept} entries and ${dropped} dropped of ${entries}`);
  }
}

function isWithin({ runs, begin, end }: CompactionJob, smallest: Uint8Array, largest: Uint8Array): boolean {
  if (begin !== undefined && compareBytes(userKeyOf(smallest), begin) < 0) return false;
  if (end !== undefined && compareBytes(userKeyOf(largest), end) >= 0) return false;
  const inputs = runs.flat();
  return (
    inputs.some((input) => compareInternalKeys(input.smallest, smallest) <= 0) &&
    inputs.some((input) => compareInternalKeys(input.largest, largest) >= 0)
  );
}

function editOf({ pick, numbers }: BuiltCompaction, tables: readonly CompactedTable[]): VersionEdit {
  const { level, outputLevel, inputs, nextInputs, isTrivialMove, pointer } = pick;
  const deleted = (tableLevel: number) => (table: { readonly number: number }) => ({
    level: tableLevel,
    number: table.number,
  });
  return {
    compactPointers: [{ level, key: pointer }],
    deletedTables: [...inputs.map(deleted(level)), ...nextInputs.map(deleted(outputLevel))],
    newTables: isTrivialMove
      ? inputs.map((table) => ({ level: outputLevel, table }))
      : tables.map(({ tempNumber, table: { size, smallest, largest } }) => ({
          level: outputLevel,
          table: { number: numbers.get(tempNumber)!, size, smallest, largest },
        })),
  };
}
