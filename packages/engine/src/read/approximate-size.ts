/**
 * How many bytes of tables a range of user keys takes, as LevelDB reckons it: how far into each table the range ends,
 * less how far in it begins, a table that lies before a key counting whole. Exact to about a block per level; older versions and
 * tombstones count, memtables do not.
 */
import type { Steps } from '@arena-level/common/base/steps';
import { compareBytes } from '@arena-level/common/bytes/compare';
import { userKeyOf } from '@arena-level/common/key/internal-key';
import type { TableCache } from '../cache/table-cache.ts';
import type { TableMetadata } from '../manifest/table-metadata.ts';
import type { Version } from '../version/version.ts';

/** Bytes of the user keys [start, end) in all levels. REQUIRES: the version is held, and the keys stay as they are. */
export function* approximateSize(
  version: Version,
  tables: TableCache,
  start: Uint8Array,
  end: Uint8Array,
): Steps<number> {
  if (compareBytes(start, end) >= 0) return 0;
  let bytes = 0;
  for (const level of version.levels) {
    for (const table of level) {
      bytes += (yield* offsetIn(table, tables, end)) - (yield* offsetIn(table, tables, start));
    }
  }
  return bytes;
}

/** About how many bytes of a table lie before a user key. Only a table that has keys on both sides of it is opened. */
function* offsetIn(table: TableMetadata, tables: TableCache, key: Uint8Array): Steps<number> {
  if (compareBytes(userKeyOf(table.largest), key) < 0) return table.size;
  if (compareBytes(userKeyOf(table.smallest), key) >= 0) return 0;
  const reader = yield* tables.acquire(table);
  try {
    return reader.approximateOffset(key, 0, key.length);
  } finally {
    tables.release(reader);
  }
}
