import { MAX_SEQUENCE } from '@arena-level/common/base/limits';
import { type Steps, wait } from '@arena-level/common/base/steps';
import type { UserKeyRange } from '@arena-level/common/protocol/compaction-protocol';
import type { BlockRunSource } from '@arena-level/common/table/block-source';
import type { TableCache } from '../cache/table-cache.ts';
import { isAboveRange, keyRange } from '../iterator/key-range.ts';
import type { ReadView } from '../memtable/read-view.ts';
import { ViewSource } from './view-source.ts';

/**
 * Whether a view has no entry at all of the user keys of a range: no value, no tombstone, no older version. Looks at one entry of
 * each memtable, table of level 0 and level that may have any.
 */
export function* isEmptyRange(
  view: ReadView,
  { smallest, largest }: UserKeyRange,
  tables: TableCache,
  blocks: BlockRunSource,
): Steps<boolean> {
  const range = keyRange({ gte: smallest, lte: largest });
  const source = new ViewSource(view, range, tables, blocks);
  try {
    const entries = source.open();
    try {
      entries.seek(smallest, 0, smallest.length, MAX_SEQUENCE);
      while (entries.blocked) {
        yield* wait(
          () => entries.unblockNow(),
          () => entries.unblock(),
        );
      }
      return !entries.valid || isAboveRange(range, entries.keyBytes, entries.keyStart, entries.keyEnd);
    } finally {
      entries.release();
    }
  } finally {
    source.release();
  }
}
