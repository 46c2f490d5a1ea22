import { type Arena, createArena } from '@arena-level/common/arena/arena';
import { ArenaState } from '@arena-level/common/arena/arena-state';
import type { Prng } from '@arena-level/common/base/prng';
import {
  deleteRecordBytes,
  encodeDeleteRecord,
  encodePutRecord,
  putRecordBytes,
} from '@arena-level/common/key/batch-record';
import { createMemDb } from '@arena-level/common/memdb/create-memdb';
import type { MemDbKind } from '@arena-level/common/memdb/memdb';
import type { FlushJob } from '@arena-level/common/protocol/flush-protocol';
import { DEFAULT_TABLE_OPTIONS, type TableOptions } from '@arena-level/common/table/table-options';

/** A write: a put, or a tombstone where there is no value. */
export interface Write {
  readonly key: Uint8Array;
  readonly value: Uint8Array | undefined;
}

export const put = (key: string, value: string): Write => ({
  key: Buffer.from(key),
  value: Buffer.from(value),
});
export const del = (key: string): Write => ({ key: Buffer.from(key), value: undefined });

/** An arena in state Flushing with these writes in it, under the sequence numbers firstSequence, firstSequence + 1, ... */
export function frozenArena(kind: MemDbKind, writes: readonly Write[], firstSequence = 1): Arena {
  let recordBytes = 0;
  for (const { key, value } of writes) {
    recordBytes +=
      value === undefined ? deleteRecordBytes(key.length) : putRecordBytes(key.length, value.length);
  }
  const arena = createArena({ kind, kvBytes: Math.max(recordBytes, 1), entries: writes.length });
  arena.activate(firstSequence - 1);
  const memdb = createMemDb(arena);
  const records = new Uint8Array(recordBytes);
  let end = 0;
  for (const { key, value } of writes) {
    end =
      value === undefined ? encodeDeleteRecord(records, end, key) : encodePutRecord(records, end, key, value);
  }
  if (writes.length > 0) memdb.insert(records, 0, end, writes.length, firstSequence);
  arena.freeze();
  arena.transition(ArenaState.Flushing);
  return arena;
}

export function flushJob(
  arena: Arena,
  change: Partial<FlushJob> = {},
  options: Partial<TableOptions> = {},
): FlushJob {
  return {
    arena: arena.shared,
    generation: arena.generation,
    entries: arena.visibleCount,
    tempNumber: 7,
    dropHorizon: 0,
    options: { ...DEFAULT_TABLE_OPTIONS, ...options },
    ...change,
  };
}

/** Random writes over few enough keys that many have several versions; short and long keys, empty ones too. */
export function randomWrites(prng: Prng, count: number): Write[] {
  return Array.from({ length: count }, () => {
    const number = prng.below(Math.max(1, count >>> 1));
    const key =
      number === 0
        ? new Uint8Array(0)
        : Buffer.from(`${prng.oneIn(2) ? '' : 'prefix/of/a/longer/key/'}${number}`);
    if (prng.oneIn(5)) return { key, value: undefined };
    const value = new Uint8Array(prng.oneIn(50) ? prng.below(9000) : prng.below(120));
    for (let i = 0; i < value.length; i++) value[i] = prng.below(256);
    return { key, value };
  });
}
