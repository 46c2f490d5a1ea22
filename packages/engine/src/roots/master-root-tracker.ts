/**
 * MasterRoots of versions, from the roots of their tables (`merkle/master-root.ts`).
 *
 * A table's root comes from its builder, its meta block, or a computation over its blocks; this knows them by file
 * number and keeps the leaf of each table, so that a new version costs one hash per new table and the tree above.
 */
import { EngineError, ErrorCode } from '@arena-level/common/base/errors';
import { masterRoot, tableLeaf } from '@arena-level/common/merkle/master-root';
import type { TableMetadata } from '../manifest/table-metadata.ts';
import type { Version } from '../version/version.ts';

/** A leaf holds the level, so a table that moves gets another. */
interface CachedLeaf {
  readonly level: number;
  readonly leaf: Uint8Array;
}

export class MasterRootTracker {
  readonly #roots = new Map<number, Uint8Array>();
  readonly #leaves = new Map<number, CachedLeaf>();
  #lastVersion = 0;
  #lastRoot: Uint8Array | undefined;

  /** States the root of a table. A root that contradicts a known one is damage somewhere, and the caller's to report: false. */
  setRoot(number: number, root: Uint8Array): boolean {
    const known = this.#roots.get(number);
    if (known !== undefined) return Buffer.compare(known, root) === 0;
    this.#roots.set(number, root);
    return true;
  }

  rootOf(number: number): Uint8Array | undefined {
    return this.#roots.get(number);
  }

  /** A table that no live version has any more. */
  forget(number: number): void {
    this.#roots.delete(number);
    this.#leaves.delete(number);
  }

  /** The tables of a version whose roots are not known yet. */
  missing(version: Version): TableMetadata[] {
    return version.levels.flatMap((tables) => tables.filter(({ number }) => !this.#roots.has(number)));
  }

  /** The MasterRoot of a version. REQUIRES: nothing is missing. */
  compute(version: Version): Uint8Array {
    if (this.#lastRoot === undefined || version.id !== this.#lastVersion) {
      this.#lastRoot = masterRoot(this.#leavesOf(version));
      this.#lastVersion = version.id;
    }
    return this.#lastRoot;
  }

  /** In the order of the MasterRoot: level 0 by ascending file number (a version has it descending), deeper by key. */
  #leavesOf(version: Version): Uint8Array[] {
    const leaves = version.levels.flatMap((tables, level) => {
      const ordered = level === 0 ? [...tables].reverse() : tables;
      return ordered.map((table) => this.#leafOf(level, table));
    });
    return leaves;
  }

  #leafOf(level: number, table: TableMetadata): Uint8Array {
    const cached = this.#leaves.get(table.number);
    if (cached !== undefined && cached.level === level) return cached.leaf;
    const root = this.#roots.get(table.number);
    if (root === undefined) {
      throw new EngineError(ErrorCode.Internal, `the root of table ${table.number} is not known yet`);
    }
    const leaf = tableLeaf({ level, ...table, root });
    this.#leaves.set(table.number, { level, leaf });
    return leaf;
  }
}
