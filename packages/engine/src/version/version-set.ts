/**
 * The committed state of a store: its current version, the numbers the manifest keeps, and the one way to change
 * them, `commit`.
 *
 * INVARIANTS: a version is installed only after its edit is durable, but for one that merely lacks tables, see `drop`. File numbers are never given out twice, not
 * after a failure either. `lastSequence` and `logNumber` never go down.
 *
 * Commits come one at a time; the owner sees to that. All else on the thread that owns the engine.
 */
import { EngineError, ErrorCode } from '@arena-level/common/base/errors';
import { invariant } from '@arena-level/common/base/invariant';
import { LEVELS, MAX_SEQUENCE } from '@arena-level/common/base/limits';
import type { Steps } from '@arena-level/common/base/steps';
import { CURRENT_FILE, fileName } from '@arena-level/common/storage/file-desc';
import type { Storage } from '@arena-level/common/storage/storage';
import { readCurrentNow } from '../manifest/current-file.ts';
import {
  DEFAULT_MAX_MANIFEST_BYTES,
  ManifestLog,
  type ManifestStep,
  removeUnfinishedManifestNow,
} from '../manifest/manifest-log.ts';
import type { TableMetadata } from '../manifest/table-metadata.ts';
import type { CompactPointer, NewTable, VersionEdit } from '../manifest/version-edit.ts';
import { LiveVersions } from './live-versions.ts';
import { COMPARATOR_NAME, type ManifestState, readManifest } from './manifest-reader.ts';
import { EMPTY_LEVELS, type Levels, Version } from './version.ts';
import { VersionBuilder } from './version-builder.ts';

export type VersionSetStep =
  | ManifestStep
  | {
      readonly step: 'version-installed';
      readonly version: number;
      readonly tables: number;
      readonly lastSequence: number;
    };

export interface VersionSetOptions {
  /** Default 64 MiB. */
  readonly maxManifestBytes?: number;
  /** Told of each step of a commit as soon as it is done. */
  readonly onStep?: (step: VersionSetStep) => void;
  /** Told once of each table that no live version has any more. Its removal is durable, so its file may go. */
  readonly onObsolete?: (table: TableMetadata) => void;
}

/** Number of the manifest of a new store, as in LevelDB. */
const FIRST_MANIFEST = 1;

const NEW_STORE: ManifestState = {
  number: 0,
  levels: EMPTY_LEVELS,
  logNumber: 0,
  prevLogNumber: 0,
  nextFileNumber: FIRST_MANIFEST,
  lastSequence: 0,
  compactPointers: new Array(LEVELS).fill(undefined),
  sizeBytes: 0,
  torn: false,
};

export class VersionSet {
  /** What the manifest said when the store was opened. */
  readonly recovered: ManifestState;
  readonly #options: VersionSetOptions;
  readonly #manifest: ManifestLog;
  readonly #live: LiveVersions;
  readonly #compactPointers: (Uint8Array | undefined)[];
  #current: Version;
  #nextFileNumber: number;
  #lastSequence: number;
  #logNumber: number;
  #isCommitting = false;

  /** For `create` and `recover`. */
  constructor(
    storage: Storage,
    state: ManifestState,
    inForce: number | undefined,
    options: VersionSetOptions,
  ) {
    this.recovered = state;
    this.#options = options;
    this.#manifest = new ManifestLog(storage, inForce, {
      maxBytes: options.maxManifestBytes ?? DEFAULT_MAX_MANIFEST_BYTES,
      onStep: (step) => options.onStep?.(step),
    });
    this.#live = new LiveVersions((table) => options.onObsolete?.(table));
    this.#compactPointers = [...state.compactPointers];
    this.#nextFileNumber = state.nextFileNumber;
    this.#lastSequence = state.lastSequence;
    this.#logNumber = state.logNumber;
    this.#current = new Version(1, state.levels, (version) => this.#live.release(version.id));
    this.#live.install(1, state.levels.flat(), []);
    if (inForce !== undefined) this.reserveFileNumber(inForce);
    this.reserveFileNumber(state.logNumber);
    for (const { number } of state.levels.flat()) this.reserveFileNumber(number);
  }

  /** Makes the files of a new store. REQUIRES: a directory without CURRENT, tables and journals. */
  static *create(storage: Storage, options: VersionSetOptions = {}): Steps<VersionSet> {
    invariant(storage.sizeNow(CURRENT_FILE) === undefined, 'a store is created where there is one');
    removeUnfinishedManifestNow(storage, FIRST_MANIFEST);
    const set = new VersionSet(storage, NEW_STORE, undefined, options);
    yield* set.commit({});
    return set;
  }

  /**
   * Reads the manifest that CURRENT names; the first commit writes a new one. A manifest that cannot be read is no
   * error where CURRENT has come to name another: a reader beside a live writer was too slow.
   */
  static *recover(storage: Storage, options: VersionSetOptions = {}): Steps<VersionSet> {
    for (;;) {
      const number = readCurrentNow(storage);
      if (number === undefined) {
        throw new EngineError(ErrorCode.StoreMissing, `there is no store in ${storage.location}`, {
          file: fileName(CURRENT_FILE),
        });
      }
      try {
        return new VersionSet(storage, yield* readManifest(storage, number), number, options);
      } catch (error) {
        if (readCurrentNow(storage) === number) throw error;
      }
    }
  }

  get current(): Version {
    return this.#current;
  }

  /** The number that `newFileNumber` gives out next. */
  get nextFileNumber(): number {
    return this.#nextFileNumber;
  }

  /** The last sequence number that is covered by tables and by the manifest. */
  get lastSequence(): number {
    return this.#lastSequence;
  }

  /** Journals below this number are not needed any more. */
  get logNumber(): number {
    return this.#logNumber;
  }

  /** False after a failed commit, until one succeeds: what is in force is open, and no file may be deleted. */
  get isHealthy(): boolean {
    return this.#manifest.isHealthy;
  }

  /** The manifest that edits are appended to; undefined before the first commit. */
  get manifest(): { readonly number: number; readonly sizeBytes: number } | undefined {
    return this.#manifest.open;
  }

  /** Internal key up to which a level was compacted. */
  compactPointer(level: number): Uint8Array | undefined {
    return this.#compactPointers[level];
  }

  newFileNumber(): number {
    invariant(this.#nextFileNumber < Number.MAX_SAFE_INTEGER, 'file numbers are used up');
    return this.#nextFileNumber++;
  }

  /** Sets `count` numbers in a row aside, for temporary files that another thread names. Returns the first. */
  reserveNumbers(count: number): number {
    const first = this.newFileNumber();
    this.reserveFileNumber(first + count - 1);
    return first;
  }

  /** A number that is in use, by a file that was found for instance: it is not given out. */
  reserveFileNumber(number: number): void {
    if (number >= this.#nextFileNumber) this.#nextFileNumber = number + 1;
  }

  /**
   * Makes an edit durable and installs its version, which is returned (and held by this set, not by the caller).
   * Numbers that the edit does not state stay as they are. After a failure nothing has changed here, while on disk
   * the edit may be in force or not: the caller repeats it, and the next commit, whatever its edit, writes a whole
   * new manifest.
   */
  *commit(edit: VersionEdit): Steps<Version> {
    return yield* this.#commit(edit, false);
  }

  /**
   * As `commit`, of an edit that does no more than take tables away: its version is installed after a failure, too. On
   * disk the edit may then be in force or not, until the next commit, whatever its edit, writes a whole new manifest.
   * Until then the tables' files stay.
   */
  *drop(deletedTables: NonNullable<VersionEdit['deletedTables']>): Steps<Version> {
    return yield* this.#commit({ deletedTables }, true);
  }

  *#commit(edit: VersionEdit, isDecided: boolean): Steps<Version> {
    invariant(!this.#isCommitting, 'one commit at a time');
    this.#isCommitting = true;
    try {
      const levels = this.#apply(edit);
      try {
        yield* this.#record(levels, edit);
      } catch (error) {
        if (isDecided) {
          this.#manifest.distrust();
          this.#install(levels, edit);
        }
        throw error;
      }
      return this.#install(levels, edit);
    } finally {
      this.#isCommitting = false;
    }
  }

  /** Makes an edit durable. */
  *#record(levels: Levels, edit: VersionEdit): Steps<void> {
    if (this.#manifest.needsRoll) {
      const number = this.newFileNumber();
      yield* this.#manifest.roll(number, this.#snapshot(levels, edit));
    } else {
      yield* this.#manifest.append({ ...edit, ...this.#numbers(edit) });
    }
  }

  /** File numbers of all that a live version, or a manifest that may be in force, needs. */
  liveFiles(): { readonly tables: ReadonlySet<number>; readonly manifests: ReadonlySet<number> } {
    return { tables: this.#live.tables(), manifests: new Set(this.#manifest.manifests) };
  }

  /** Closes the manifest. REQUIRES: no commit is under way. */
  closeNow(): void {
    invariant(!this.#isCommitting, 'a version set is closed while it commits');
    this.#manifest.closeNow();
  }

  #apply(edit: VersionEdit): Levels {
    const { logNumber = this.#logNumber, lastSequence = this.#lastSequence } = edit;
    invariant(logNumber >= this.#logNumber, 'the journal number of an edit goes back');
    invariant(lastSequence >= this.#lastSequence, 'the last sequence number of an edit goes back');
    invariant(lastSequence <= MAX_SEQUENCE, 'a sequence number is above the limit');
    const builder = new VersionBuilder(
      this.#current.levels,
      (reason) => new EngineError(ErrorCode.Internal, `an edit does not fit the version: ${reason}`),
    );
    builder.apply(edit);
    return builder.build();
  }

  #numbers(edit: VersionEdit): VersionEdit {
    return {
      logNumber: edit.logNumber ?? this.#logNumber,
      prevLogNumber: 0,
      nextFileNumber: this.#nextFileNumber,
      lastSequence: edit.lastSequence ?? this.#lastSequence,
    };
  }

  /** The whole state with an edit applied, as one edit. */
  #snapshot(levels: Levels, edit: VersionEdit): VersionEdit {
    const pointers = [...this.#compactPointers];
    for (const { level, key } of edit.compactPointers ?? []) pointers[level] = key;
    const compactPointers: CompactPointer[] = [];
    pointers.forEach((key, level) => {
      if (key !== undefined) compactPointers.push({ level, key });
    });
    const newTables: NewTable[] = levels.flatMap((tables, level) =>
      tables.map((table) => ({ level, table })),
    );
    return { comparator: COMPARATOR_NAME, ...this.#numbers(edit), compactPointers, newTables };
  }

  #install(levels: Levels, edit: VersionEdit): Version {
    const previous = this.#current;
    const { added, removed } = changedTables(previous.levels, edit);
    const version = new Version(previous.id + 1, levels, (released) => this.#live.release(released.id));
    this.#current = version;
    this.#lastSequence = edit.lastSequence ?? this.#lastSequence;
    this.#logNumber = edit.logNumber ?? this.#logNumber;
    for (const { level, key } of edit.compactPointers ?? []) this.#compactPointers[level] = key;
    for (const { number } of added) this.reserveFileNumber(number);
    this.#live.install(version.id, added, removed);
    this.#options.onStep?.({
      step: 'version-installed',
      version: version.id,
      tables: version.tableCount,
      lastSequence: this.#lastSequence,
    });
    previous.release();
    return version;
  }
}

/** Tables that come with an edit and those that go; one that changes level does neither. */
function changedTables(
  before: Levels,
  edit: VersionEdit,
): { added: TableMetadata[]; removed: TableMetadata[] } {
  const deleted = new Map((edit.deletedTables ?? []).map(({ level, number }) => [number, level]));
  const added: TableMetadata[] = [];
  for (const { table } of edit.newTables ?? []) if (!deleted.delete(table.number)) added.push(table);
  const removed: TableMetadata[] = [];
  for (const [number, level] of deleted) {
    const table = before[level]!.find((candidate) => candidate.number === number);
    if (table !== undefined) removed.push(table);
  }
  return { added, removed };
}
