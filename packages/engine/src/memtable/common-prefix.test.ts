import { createArena } from '@arena-level/common/arena/arena';
import { deleteRecordBytes, encodeDeleteRecord } from '@arena-level/common/key/batch-record';
import { createMemDb } from '@arena-level/common/memdb/create-memdb';
import { type MemDb, MemDbKind } from '@arena-level/common/memdb/memdb';
import { describe, expect, test } from 'vitest';
import { commonPrefixOf } from './common-prefix.ts';

function memdbWith(kind: MemDbKind, keys: readonly string[]): MemDb {
  const arena = createArena({ kind, kvBytes: 4096 });
  arena.activate(0);
  const memdb = createMemDb(arena);
  keys.forEach((text, index) => {
    const key = Buffer.from(text, 'latin1');
    const record = new Uint8Array(deleteRecordBytes(key.length));
    encodeDeleteRecord(record, 0, key);
    memdb.insert(record, 0, record.length, 1, index + 1);
  });
  return memdb;
}

describe('the common prefix of a skiplist MemDB', () => {
  test.each([
    { id: 'no key', keys: [], prefix: '' },
    { id: 'one key', keys: ['user:7'], prefix: 'user:7' },
    { id: 'keys that share a beginning', keys: ['user:9', 'user:10', 'user:12'], prefix: 'user:' },
    { id: 'a key that is the beginning of another', keys: ['user:10', 'user:1'], prefix: 'user:1' },
    { id: 'keys that share nothing', keys: ['b', 'a', 'c'], prefix: '' },
    { id: 'the empty key', keys: ['', 'a'], prefix: '' },
  ])('is what the first and the last share: $id', ({ keys, prefix }) => {
    expect(Buffer.from(commonPrefixOf(memdbWith(MemDbKind.Skiplist, keys))).toString('latin1')).toBe(prefix);
  });

  test('is not looked for in a hash MemDB', () => {
    expect(commonPrefixOf(memdbWith(MemDbKind.Hash, ['user:1', 'user:2']))).toHaveLength(0);
  });
});
