/**
 * What to compact next in the current version, tables found damaged or unreadable left out.
 *
 * Kept by the coordinator. Main thread only.
 */
import type { LevelSizes } from '../options/level-sizes.ts';
import type { VersionSet } from '../version/version-set.ts';
import type { CompactionPick, PickOptions } from './compaction-pick.ts';
import { pickCompaction, pickSeek } from './pick-compaction.ts';

export class CompactionPicker {
  readonly #versions: VersionSet;
  readonly #sizes: LevelSizes;
  /** Tables found damaged or unreadable, and what was found. */
  readonly #damaged = new Map<number, unknown>();
  /** Looked into in vain by many reads. */
  #seekTable: number | undefined;

  constructor(versions: VersionSet, sizes: LevelSizes) {
    this.#versions = versions;
    this.#sizes = sizes;
  }

  /** What was found first of the damage that is known; undefined: none is. */
  get damage(): unknown {
    return [...this.#damaged.values()][0];
  }

  /** For the level that is most over its size. */
  forLevels(): CompactionPick | undefined {
    return pickCompaction(
      this.#versions.current.levels,
      this.#sizes,
      (level) => this.#versions.compactPointer(level),
      this.#options,
    );
  }

  /** For the table that was named by `seeksUsedUp` last; once. */
  forSeeks(): CompactionPick | undefined {
    const table = this.#seekTable;
    this.#seekTable = undefined;
    const { levels } = this.#versions.current;
    const level = levels.findIndex((tables) => tables.some(({ number }) => number === table));
    if (table === undefined || level < 0) return undefined;
    return pickSeek(levels, this.#sizes, level, table, this.#options);
  }

  seeksUsedUp(table: number): void {
    this.#seekTable = table;
  }

  leaveOut(table: number, damage: unknown): void {
    this.#damaged.set(table, damage);
  }

  /** The tables that were left out are tried again. */
  restart(): void {
    this.#damaged.clear();
  }

  get #options(): PickOptions {
    return { excluded: new Set(this.#damaged.keys()) };
  }
}
