/**
 * Applies version edits to the levels of a version and checks the result.
 *
 * Levels that no edit touches are shared with the base. What does not fit together goes to `fail`, which makes the
 * error: corruption when a manifest is read, a bug when an edit is committed.
 */
import { LEVELS } from '@arena-level/common/base/limits';
import { equalRanges } from '@arena-level/common/bytes/compare';
import { compareInternalKeys } from '@arena-level/common/key/internal-key';
import type { TableMetadata } from '../manifest/table-metadata.ts';
import type { VersionEdit } from '../manifest/version-edit.ts';
import type { Levels } from './version.ts';

interface LevelChange {
  readonly deleted: Set<number>;
  readonly added: Map<number, TableMetadata>;
}

export class VersionBuilder {
  readonly #base: Levels;
  readonly #fail: (reason: string) => Error;
  readonly #changes: readonly LevelChange[];

  constructor(base: Levels, fail: (reason: string) => Error) {
    this.#base = base;
    this.#fail = fail;
    this.#changes = Array.from({ length: LEVELS }, () => ({ deleted: new Set(), added: new Map() }));
  }

  /** Deletions apply before additions. */
  apply(edit: VersionEdit): void {
    for (const { level, number } of edit.deletedTables ?? []) this.#delete(level, number);
    const addedHere = new Map<number, number>();
    for (const { level, table } of edit.newTables ?? []) {
      // goleveldb states a table that it recovered from a journal twice in the first record of a manifest.
      if (addedHere.get(table.number) === level && this.#isRepeated(level, table)) continue;
      addedHere.set(table.number, level);
      this.#add(level, table);
    }
  }

  build(): Levels {
    return this.#base.map((tables, level) => {
      const { deleted, added } = this.#changes[level]!;
      if (deleted.size === 0 && added.size === 0) return tables;
      const built = tables.filter((table) => !deleted.has(table.number));
      for (const table of added.values()) built.push(table);
      built.sort(level === 0 ? newestFirst : bySmallestKey);
      this.#checkLevel(level, built);
      return built;
    });
  }

  #delete(level: number, number: number): void {
    const { deleted, added } = this.#change(level);
    if (added.delete(number)) return;
    if (deleted.has(number) || !hasTable(this.#base[level]!, number)) {
      throw this.#fail(`table ${number} is deleted from level ${level}, where it is not`);
    }
    deleted.add(number);
  }

  #add(level: number, table: TableMetadata): void {
    const { number, smallest, largest } = table;
    const { added } = this.#change(level);
    for (let other = 0; other < LEVELS; other++) {
      if (this.#has(other, number))
        throw this.#fail(`table ${number} is added to level ${level} and is in level ${other}`);
    }
    if (compareInternalKeys(smallest, largest) > 0) throw this.#fail(`table ${number} ends before it begins`);
    added.set(number, table);
  }

  #change(level: number): LevelChange {
    const change = this.#changes[level];
    if (change === undefined) throw this.#fail(`there is no level ${level}`);
    return change;
  }

  #has(level: number, number: number): boolean {
    const { deleted, added } = this.#changes[level]!;
    return added.has(number) || (!deleted.has(number) && hasTable(this.#base[level]!, number));
  }

  #isRepeated(level: number, table: TableMetadata): boolean {
    const known = this.#changes[level]?.added.get(table.number);
    return known !== undefined && isSameTable(known, table);
  }

  #checkLevel(level: number, tables: readonly TableMetadata[]): void {
    if (level === 0) return;
    for (let i = 1; i < tables.length; i++) {
      const before = tables[i - 1]!;
      const table = tables[i]!;
      if (compareInternalKeys(before.largest, table.smallest) >= 0) {
        throw this.#fail(`tables ${before.number} and ${table.number} of level ${level} overlap`);
      }
    }
  }
}

function hasTable(tables: readonly TableMetadata[], number: number): boolean {
  return tables.some((table) => table.number === number);
}

function newestFirst(left: TableMetadata, right: TableMetadata): number {
  return right.number - left.number;
}

function bySmallestKey(left: TableMetadata, right: TableMetadata): number {
  return compareInternalKeys(left.smallest, right.smallest);
}

function isSameTable(left: TableMetadata, right: TableMetadata): boolean {
  return (
    left.size === right.size &&
    equalRanges(left.smallest, 0, left.smallest.length, right.smallest, 0, right.smallest.length) &&
    equalRanges(left.largest, 0, left.largest.length, right.largest, 0, right.largest.length)
  );
}
