/**
 * Puts the tables that an ingest has built into the version, all of them by one edit, or none.
 *
 *   1. everything written before is in tables; writes from here on wait
 *   2. in the commit lane: the range is empty, its sequence number is above all others, a level has room for the tables
 *   3. rename to the final names, sync the directory
 *   4. append the version edit to the manifest, sync it, install the version   (`version-set.ts`)
 *   5. readers see the version; the sequence number is the last one that was written; writes go on
 *   6. renew the MasterRoot and record it in arena.roots
 *
 * All entries have one sequence number. It was chosen when the ingest began, far above those in use, and counts only from 5 on: a
 * snapshot that is open then reads at a lower one. Where writes have come near it meanwhile, or 2 finds something in the
 * range, nothing is done and the caller writes batches instead.
 *
 * A failure before 4 leaves everything as it was. After a failed 4 the edit may be in force on disk: its sequence number is never
 * used again, so that whatever is written to the range from then on is newer, and the manifest is written anew without
 * the tables. Only where that fails, too, the outcome stays open until the next commit. Main thread only.
 */
import { EngineError, ErrorCode, messageOf } from '@arena-level/common/base/errors';
import { LEVELS } from '@arena-level/common/base/limits';
import { type Steps, wait } from '@arena-level/common/base/steps';
import type { CompactedTable, UserKeyRange } from '@arena-level/common/protocol/compaction-protocol';
import { tableFile, tempFile } from '@arena-level/common/storage/file-desc';
import type { Storage } from '@arena-level/common/storage/storage';
import type { CompactionCoordinator } from '../compaction/compaction-coordinator.ts';
import type { EventSink } from '../events/event-sink.ts';
import { checkTableFile } from '../flush/check-built-table.ts';
import type { FlushCoordinator } from '../flush/flush-coordinator.ts';
import type { NewTable } from '../manifest/version-edit.ts';
import type { MemtableSet } from '../memtable/memtable-set.ts';
import type { Rotation } from '../memtable/rotation.ts';
import type { ReadPath } from '../read/read-path.ts';
import type { RootKeeper } from '../roots/root-keeper.ts';
import type { CommitLane } from '../version/commit-lane.ts';
import type { ObsoleteTables } from '../version/obsolete-tables.ts';
import type { Version } from '../version/version.ts';
import type { VersionSet } from '../version/version-set.ts';
import type { WritePath } from '../write/write-path.ts';

export interface TableCommitModules {
  readonly storage: Storage;
  readonly versions: VersionSet;
  readonly memtables: MemtableSet;
  readonly rotation: Rotation;
  readonly lane: CommitLane;
  readonly roots: RootKeeper;
  readonly obsolete: ObsoleteTables;
  readonly compactions: CompactionCoordinator;
  readonly flush: FlushCoordinator;
  readonly writes: WritePath;
  readonly reads: ReadPath;
  readonly events: EventSink;
}

export interface BuiltTables {
  /** The ingest. */
  readonly call: number;
  /** In the order of their keys, at least one; they do not overlap. */
  readonly tables: readonly CompactedTable[];
  readonly range: UserKeyRange;
  /** Of all entries. */
  readonly sequence: number;
}

/** Sequence numbers in a MemDB are 31-bit distances from its base. So far from it they are still taken into it: */
const MAX_BASE_DISTANCE: number = 2 ** 30;

export class TableCommit {
  readonly #modules: TableCommitModules;

  constructor(modules: TableCommitModules) {
    this.#modules = modules;
  }

  /** Resolves with the level that has the tables; undefined: they were not put in, and their files are as they were. */
  async commit(built: BuiltTables): Promise<number | undefined> {
    const { writes, flush, compactions } = this.#modules;
    // Most of what writers would wait for is done before they wait.
    await writes.rotate(0);
    await flush.committed();
    let level: number | undefined;
    const work = this.#work(built, (found) => {
      level = found;
    });
    await compactions.runExclusive(() => writes.exclusive(work));
    return level;
  }

  /** The deepest level but 0 in which no table lies across the range; undefined: there is none. */
  levelFor({ smallest, largest }: UserKeyRange): number | undefined {
    const { current } = this.#modules.versions;
    for (let level = LEVELS - 1; level > 0; level--)
      if (!current.overlaps(level, smallest, largest)) return level;
    return undefined;
  }

  #work(built: BuiltTables, onStored: (level: number) => void): () => Steps<void> {
    const { memtables, flush, lane } = this.#modules;
    const commit = (): Steps<number | undefined> => this.#commit(built);
    return function* (): Steps<void> {
      yield* wait(
        () => {
          while (memtables.frozen.length > 0) flush.finishOldestNow();
        },
        () => flush.committed(),
      );
      const level = yield* lane.run(commit);
      if (level !== undefined) onStored(level);
    };
  }

  *#commit(built: BuiltTables): Steps<number | undefined> {
    const { versions, memtables, roots, writes, compactions } = this.#modules;
    const level = yield* this.#placeFor(built);
    if (level === undefined) return undefined;
    const numbers: number[] = [];
    let version: Version;
    try {
      yield* this.#name(built, level, numbers);
      version = yield* this.#install(built, level, numbers);
    } catch (error) {
      for (const number of numbers) this.#modules.obsolete.add(number);
      throw error;
    }
    for (const [at, { table }] of built.tables.entries()) roots.learn(numbers[at]!, table.root);
    memtables.installVersion(version);
    writes.passSequence(built.sequence, true);
    this.#renewBase(built.sequence);
    // Also one that was begun meanwhile: its outputs might lie across the new tables.
    compactions.giveUpInputs(new Set(version.levels.flat().map(({ number }) => number)));
    yield* roots.renewWithStated(version, versions.lastSequence);
    return level;
  }

  /** Step 2. Throws ARENA_WORKER_FAILED where a file is not what its thread has said. */
  *#placeFor({ tables, range, sequence }: BuiltTables): Steps<number | undefined> {
    const { storage, memtables, writes, reads } = this.#modules;
    const { active, frozen, view } = memtables;
    if (!active.isEmpty || frozen.length > 0 || writes.lastSequence >= sequence) return undefined;
    if (!(yield* reads.isEmpty(view, range))) return undefined;
    const level = this.levelFor(range);
    if (level === undefined) return undefined;
    for (const { tempNumber, table } of tables) yield* checkTableFile(storage, tempFile(tempNumber), table);
    return level;
  }

  /** Step 3. `numbers` gets the final numbers as files are renamed to them. */
  *#name({ call, tables }: BuiltTables, level: number, numbers: number[]): Steps<void> {
    const { storage, versions, events } = this.#modules;
    for (const { tempNumber } of tables) {
      const table = versions.newFileNumber();
      storage.renameNow(tempFile(tempNumber), tableFile(table));
      numbers.push(table);
      events.emit('table-ingested', { call, level, table });
    }
    yield* wait(
      () => storage.syncDirectoryNow(),
      () => storage.syncDirectory(),
    );
  }

  *#install({ tables, sequence }: BuiltTables, level: number, numbers: readonly number[]): Steps<Version> {
    const { versions } = this.#modules;
    const newTables: NewTable[] = tables.map(({ table: { size, smallest, largest } }, at) => ({
      level,
      table: { number: numbers[at]!, size, smallest, largest },
    }));
    try {
      return yield* versions.commit({ lastSequence: sequence, newTables });
    } catch (error) {
      yield* this.#takeBack(sequence, error);
      throw error;
    }
  }

  /** Behind a failed edit: a manifest without it. */
  *#takeBack(sequence: number, cause: unknown): Steps<void> {
    const { versions, writes } = this.#modules;
    writes.passSequence(sequence, false);
    try {
      yield* versions.commit({ lastSequence: sequence });
      writes.passSequence(sequence, true);
    } catch {
      throw new EngineError(
        ErrorCode.WriteOutcomeUnknown,
        `the ingested tables are not in the store, and may or may not be so after a reopen: ${messageOf(cause)}`,
        { cause },
      );
    }
  }

  /** Without memory for another MemDB the one that is there goes on, and ingests write batches as long as it does. */
  #renewBase(sequence: number): void {
    const { memtables, rotation } = this.#modules;
    if (sequence - memtables.active.arena.baseSequence <= MAX_BASE_DISTANCE / 2) return;
    try {
      rotation.enlargeEmpty(memtables, 0, 0);
    } catch {
      // As above.
    }
  }

  /** Whether a sequence number so far ahead can be written behind. */
  isInReach(sequence: number): boolean {
    return sequence - this.#modules.memtables.active.arena.baseSequence <= MAX_BASE_DISTANCE;
  }
}
