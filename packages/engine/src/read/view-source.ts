import type { InternalIterator } from '@arena-level/common/iterator/internal-iterator';
import { TRAILER_BYTES } from '@arena-level/common/key/internal-key';
import type { BlockRunSource } from '@arena-level/common/table/block-source';
import type { TableCache } from '../cache/table-cache.ts';
import { isAboveRange, isBelowRange, type KeyRange } from '../iterator/key-range.ts';
import { LevelIterator } from '../iterator/level-iterator.ts';
import { mergeIterators } from '../iterator/merging-iterator.ts';
import type { IteratorSource } from '../iterator/range-reader.ts';
import type { TableMetadata } from '../manifest/table-metadata.ts';
import type { MemtableHandle, ReadView } from '../memtable/read-view.ts';
import { findTable } from '../version/version.ts';

/** All entries of a read view, for an iterator that stays inside a range of user keys. Holds the view. */
export class ViewSource implements IteratorSource {
  readonly #view: ReadView;
  readonly #range: KeyRange;
  readonly #tables: TableCache;
  readonly #blocks: BlockRunSource;

  constructor(view: ReadView, range: KeyRange, tables: TableCache, blocks: BlockRunSource) {
    view.retain();
    this.#view = view;
    this.#range = range;
    this.#tables = tables;
    this.#blocks = blocks;
  }

  orderStep(): boolean {
    return this.#memtables().some(({ memdb }) => memdb.orderStep());
  }

  /** Newest first: memtables, tables of level 0, deeper levels. Tables outside the range are left out. */
  open(): InternalIterator {
    const { levels } = this.#view.version;
    const children: InternalIterator[] = [];
    for (const { memdb } of this.#memtables()) if (memdb.count > 0) children.push(memdb.iterator());
    for (const table of levels[0]!) if (this.#overlaps(table)) children.push(this.#level([table]));
    for (let level = 1; level < levels.length; level++) {
      const tables = levels[level]!;
      const first = this.#firstTable(tables);
      if (first !== undefined && !this.#isAbove(first)) children.push(this.#level(tables));
    }
    return mergeIterators(children);
  }

  check(): void {
    this.#view.check();
  }

  release(): void {
    this.#view.release();
  }

  #memtables(): readonly MemtableHandle[] {
    return [this.#view.active, ...this.#view.frozen];
  }

  #level(tables: readonly TableMetadata[]): InternalIterator {
    return new LevelIterator(tables, this.#tables, this.#blocks);
  }

  /** The first of the ordered tables that does not lie below the range. */
  #firstTable(tables: readonly TableMetadata[]): TableMetadata | undefined {
    const { lower } = this.#range;
    return tables[
      lower === undefined ? 0 : findTable(tables, lower, 0, lower.length, Number.POSITIVE_INFINITY)
    ];
  }

  #overlaps(table: TableMetadata): boolean {
    const { largest } = table;
    return !this.#isAbove(table) && !isBelowRange(this.#range, largest, 0, largest.length - TRAILER_BYTES);
  }

  #isAbove({ smallest }: TableMetadata): boolean {
    return isAboveRange(this.#range, smallest, 0, smallest.length - TRAILER_BYTES);
  }
}
