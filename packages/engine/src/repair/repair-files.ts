/**
 * Makes a store that opens of the files of one that may not. Nothing is deleted: what is unusable, or replaced, goes
 * to `lost/`. In this order:
 *
 *     manifest found, or not → tables read, those damaged written anew ● each, journals made tables ● each → ● dir
 *     → an empty journal ● → new MANIFEST ● with everything → ● dir → CURRENT ● rename ● dir → the rest to lost/ ● dir
 *
 * With a manifest that can be trusted, its tables keep their levels, and tables and journals that it does not name
 * are not used: they have been replaced or deleted. Until CURRENT is switched, nothing that it names is touched, so a
 * repair that a crash interrupted begins again from the same state.
 *
 * Without one, all tables and journals are taken; every table goes to level 0, numbered by age (`table-order.ts`).
 * CURRENT and the manifests, being of no use, go to `lost/` first: a table may be renamed only when none names it. So
 * does `arena.roots`.
 * Repeated after a crash this finds the tables it has written beside those it wrote them from: the same entries twice.
 */
import type { Clock } from '@arena-level/common/base/clock';
import { LEVELS } from '@arena-level/common/base/limits';
import { runLater } from '@arena-level/common/base/steps';
import { compareBytes } from '@arena-level/common/bytes/compare';
import { compareInternalKeys } from '@arena-level/common/key/internal-key';
import {
  CURRENT_FILE,
  type FileDesc,
  FileType,
  fileName,
  journalFile,
  tableFile,
} from '@arena-level/common/storage/file-desc';
import type { Storage } from '@arena-level/common/storage/storage';
import { LiveJournal } from '../journal/live-journal.ts';
import type { TableMetadata } from '../manifest/table-metadata.ts';
import type { NewTable } from '../manifest/version-edit.ts';
import type { ResolvedOptions } from '../options/options.ts';
import { tableOptions } from '../options/table-options.ts';
import type { FileProblem, RepairProgress, RepairReport } from '../public/public-types.ts';
import { type RootsContents, readRoots } from '../roots/roots-file.ts';
import type { ManifestState } from '../version/manifest-reader.ts';
import { EMPTY_LEVELS } from '../version/version.ts';
import { VersionSet } from '../version/version-set.ts';
import { findManifest } from './find-manifest.ts';
import { tablesOfJournals } from './journal-tables.ts';
import { nameOfTable, rewriteTable } from './rewrite-table.ts';
import { type ScannedTable, scanTable } from './scan-table.ts';
import { orderByAge } from './table-order.ts';

/** REQUIRES: the store is locked, and nobody has it open. */
export async function repairFiles(
  storage: Storage,
  clock: Clock,
  options: ResolvedOptions,
  onProgress: ((progress: RepairProgress) => void) | undefined,
): Promise<RepairReport> {
  const files = storage.listNow();
  const roots = await runLater(readRoots(storage));
  const damage: FileProblem[] = [];
  const state = await findManifest(storage, files, roots, damage);
  const versions = emptyVersions(storage, files, roots, state);
  try {
    return await new StoreRepair({ storage, clock, options, files, versions, damage, onProgress }).run(
      state,
      roots,
    );
  } finally {
    versions.closeNow();
  }
}

/** Gives out numbers that nothing has had, and writes the manifest. */
function emptyVersions(
  storage: Storage,
  files: readonly FileDesc[],
  { last, tableRoots }: RootsContents,
  state: ManifestState | undefined,
): VersionSet {
  const empty: ManifestState = {
    number: 0,
    levels: EMPTY_LEVELS,
    logNumber: 0,
    prevLogNumber: 0,
    nextFileNumber: state?.nextFileNumber ?? 1,
    lastSequence: 0,
    compactPointers: state?.compactPointers ?? new Array(LEVELS).fill(undefined),
    sizeBytes: 0,
    torn: false,
  };
  const versions = new VersionSet(storage, empty, undefined, {});
  for (const { number } of files) versions.reserveFileNumber(number);
  for (const number of tableRoots.keys()) versions.reserveFileNumber(number);
  versions.reserveFileNumber(last?.manifestNumber ?? 0);
  return versions;
}

interface RepairParts {
  readonly storage: Storage;
  readonly clock: Clock;
  readonly options: ResolvedOptions;
  /** What was there at the beginning. */
  readonly files: readonly FileDesc[];
  readonly versions: VersionSet;
  readonly damage: FileProblem[];
  readonly onProgress: ((progress: RepairProgress) => void) | undefined;
}

class StoreRepair {
  readonly #parts: RepairParts;
  readonly #kept: string[] = [];
  readonly #renamed: { from: string; to: string }[] = [];
  readonly #rewritten: { from: string; to: string; entries: number }[] = [];
  readonly #unreadable: string[] = [];
  readonly #missing: string[] = [];
  readonly #lost: string[] = [];
  #journals: RepairReport['journals'] = [];
  #entries = 0;
  #lastSequence = 0;
  #ageIsCertain = true;
  #bytesDone = 0;
  /** Of all tables and journals, as they were found. */
  readonly #bytesTotal: number;

  constructor(parts: RepairParts) {
    this.#parts = parts;
    const { storage, files } = parts;
    const data = files.filter(({ type }) => type === FileType.Table || type === FileType.Journal);
    this.#bytesTotal = data.reduce((sum, file) => sum + (storage.sizeNow(file) ?? 0), 0);
  }

  async run(state: ManifestState | undefined, { last }: RootsContents): Promise<RepairReport> {
    this.#lastSequence = Math.max(state?.lastSequence ?? 0, last?.lastSequence ?? 0);
    this.#report(0);
    const scanned = state === undefined ? undefined : await this.#scanListed(state);
    const levelsKept = state !== undefined && scanned !== undefined;
    const tables = levelsKept ? await this.#keepLevels(state, scanned) : await this.#gatherAll();
    await this.#commit(tables);
    await this.#setAside((file) => this.#isLeftOver(file));
    return {
      levelsKept,
      ageIsCertain: this.#ageIsCertain,
      lastSequence: this.#lastSequence,
      entries: this.#entries,
      kept: this.#kept,
      renamed: this.#renamed,
      rewritten: this.#rewritten,
      unreadable: this.#unreadable,
      missing: this.#missing,
      journals: this.#journals,
      lost: this.#lost,
      damage: this.#parts.damage,
    };
  }

  /** The listed tables that are there, by number; undefined when one is not what the manifest states. */
  async #scanListed({ levels }: ManifestState): Promise<Map<number, ScannedTable> | undefined> {
    const { storage, damage } = this.#parts;
    const scanned = new Map<number, ScannedTable>();
    for (const stated of levels.flat()) {
      if (storage.sizeNow(tableFile(stated.number)) === undefined) continue;
      const table = await scanTable(storage, stated.number, stated.size);
      this.#report(stated.size);
      if (!fits(table, stated)) {
        const reason = 'it holds other keys than the manifest states: no manifest is trusted';
        damage.push({ file: nameOfTable(stated), reason });
        return undefined;
      }
      scanned.set(stated.number, table);
    }
    return scanned;
  }

  async #keepLevels(state: ManifestState, scanned: ReadonlyMap<number, ScannedTable>): Promise<NewTable[]> {
    const tables: NewTable[] = [];
    for (const [level, listed] of state.levels.entries()) {
      // In level 0 a table with a new number is newer than all others: those that are newer follow it.
      let renumbers = false;
      for (const { number } of listed.toReversed()) {
        const table = scanned.get(number);
        const usable = await this.#usable(table, number, level, renumbers);
        if (level === 0 && usable !== undefined && usable.number !== number) renumbers = true;
        if (usable !== undefined) tables.push({ level, table: usable });
      }
    }
    for (const table of await this.#replay(this.#liveJournals(state))) tables.push({ level: 0, table });
    return tables;
  }

  /** Journals that are not wholly in the tables of a manifest. */
  #liveJournals({ logNumber, prevLogNumber }: ManifestState): number[] {
    const journals = this.#numbersOf(FileType.Journal).filter(
      (number) => number >= logNumber || (prevLogNumber !== 0 && number === prevLogNumber),
    );
    if (logNumber !== 0 && !journals.includes(logNumber)) {
      const reason = 'the manifest names this journal, and it is missing';
      this.#parts.damage.push({ file: fileName(journalFile(logNumber)), reason });
    }
    return journals;
  }

  async #gatherAll(): Promise<NewTable[]> {
    const { storage } = this.#parts;
    await this.#setAside(({ type }) => type === CURRENT_FILE.type || type === FileType.Manifest);
    // It may state roots of tables that have changed places. Not before the manifests: it may be what tells against them.
    await this.#setAside(({ type }) => type === FileType.Roots);
    const found: ScannedTable[] = [];
    for (const number of this.#numbersOf(FileType.Table)) {
      const table = await scanTable(storage, number);
      this.#report(table.size);
      const usable = await this.#usable(table, number, 0, false);
      if (usable !== undefined) found.push(usable);
    }
    for (const table of await this.#replay(this.#numbersOf(FileType.Journal))) found.push(table);
    const { tables, isCertain } = await orderByAge(storage, found);
    this.#ageIsCertain = isCertain;
    return this.#renumber(tables).map((table) => ({ level: 0, table }));
  }

  /** The table itself, when it is whole and may keep its number; otherwise one that is written from it. */
  async #usable(
    table: ScannedTable | undefined,
    number: number,
    level: number,
    renumbers: boolean,
  ): Promise<ScannedTable | undefined> {
    const { storage, versions, options, damage } = this.#parts;
    const name = nameOfTable({ number });
    if (table === undefined) {
      this.#missing.push(name);
      return undefined;
    }
    for (const problem of table.damage) damage.push(problem);
    if (table.entries === 0) {
      this.#unreadable.push(name);
      return undefined;
    }
    this.#entries += table.entries;
    this.#lastSequence = Math.max(this.#lastSequence, table.largestSequence);
    if (table.damage.length === 0 && !renumbers) {
      this.#kept.push(name);
      return table;
    }
    const newFileNumber = (): number => versions.newFileNumber();
    const written = await rewriteTable(storage, table, newFileNumber, tableOptions(options, level));
    this.#rewritten.push({ from: name, to: nameOfTable(written), entries: written.entries });
    return written;
  }

  /** Journals as tables, oldest first. */
  async #replay(numbers: readonly number[]): Promise<ScannedTable[]> {
    const { storage, clock, options, versions, damage } = this.#parts;
    const newFileNumber = (): number => versions.newFileNumber();
    const modules = { storage, clock, newFileNumber };
    const replayed = await tablesOfJournals(modules, numbers, options, this.#lastSequence, damage);
    this.#lastSequence = Math.max(this.#lastSequence, replayed.lastSequence);
    this.#journals = replayed.journals;
    for (const number of numbers) this.#report(storage.sizeNow(journalFile(number)) ?? 0);
    const tables: ScannedTable[] = [];
    for (const number of replayed.tables) {
      const table = await scanTable(storage, number);
      this.#entries += table.entries;
      tables.push(table);
    }
    return tables;
  }

  /** Gives the tables numbers that ascend in their order. REQUIRES: no manifest names them. */
  #renumber(tables: readonly ScannedTable[]): TableMetadata[] {
    const { storage, versions } = this.#parts;
    let last = -1;
    return tables.map((table) => {
      if (table.number > last) {
        last = table.number;
        return table;
      }
      last = versions.newFileNumber();
      storage.renameNow(tableFile(table.number), tableFile(last));
      this.#noteRenamed(nameOfTable(table), nameOfTable({ number: last }));
      return { ...table, number: last };
    });
  }

  /** `bytes` more have been read. Of a repair that begins again without a manifest no more than all. */
  #report(bytes: number): void {
    const bytesTotal = this.#bytesTotal;
    this.#bytesDone = Math.min(this.#bytesDone + bytes, bytesTotal);
    this.#parts.onProgress?.({ bytesDone: this.#bytesDone, bytesTotal });
  }

  #noteRenamed(from: string, to: string): void {
    const at = this.#kept.indexOf(from);
    const rewritten = this.#rewritten.findIndex((one) => one.to === from);
    if (at >= 0) {
      this.#kept.splice(at, 1);
      this.#renamed.push({ from, to });
    } else if (rewritten >= 0) {
      this.#rewritten[rewritten] = { ...this.#rewritten[rewritten]!, to };
    }
  }

  /** The new journal has a number above all others: what is left of them is not replayed again by anybody. */
  async #commit(newTables: readonly NewTable[]): Promise<void> {
    const { storage, versions } = this.#parts;
    await storage.syncDirectory();
    const logNumber = versions.newFileNumber();
    const journal = LiveJournal.createNow(storage, logNumber, this.#lastSequence + 1);
    try {
      await journal.sync();
    } finally {
      journal.close();
    }
    await runLater(versions.commit({ logNumber, lastSequence: this.#lastSequence, newTables }));
  }

  #isLeftOver({ type, number }: FileDesc): boolean {
    const { versions } = this.#parts;
    const live = versions.liveFiles();
    switch (type) {
      case FileType.Table:
        return !live.tables.has(number);
      case FileType.Manifest:
        return !live.manifests.has(number);
      case FileType.Journal:
        return number < versions.logNumber;
      default:
        return false;
    }
  }

  async #setAside(isWanted: (file: FileDesc) => boolean): Promise<void> {
    const { storage } = this.#parts;
    const files = storage.listNow().filter(isWanted);
    for (const file of files) {
      storage.quarantineNow(file);
      this.#lost.push(fileName(file));
    }
    if (files.length > 0) await storage.syncDirectory();
  }

  /** Of the files that were there, ascending, each once. */
  #numbersOf(type: FileType): number[] {
    const numbers = this.#parts.files.filter((file) => file.type === type).map(({ number }) => number);
    return [...new Set(numbers)].sort((left, right) => left - right);
  }
}

/** True when a table can be the one that a manifest states: the same bounds, or narrower ones where blocks are lost. */
function fits(table: ScannedTable, { smallest, largest }: TableMetadata): boolean {
  if (table.entries === 0) return true;
  if (table.damage.length === 0) {
    return compareBytes(table.smallest, smallest) === 0 && compareBytes(table.largest, largest) === 0;
  }
  return (
    compareInternalKeys(table.smallest, smallest) >= 0 && compareInternalKeys(table.largest, largest) <= 0
  );
}
