import { type Arena, createArena } from '@arena-level/common/arena/arena';
import { ArenaState } from '@arena-level/common/arena/arena-state';
import { prepareArena } from '@arena-level/common/arena/prepare-arena';
import { createMemDb } from '@arena-level/common/memdb/create-memdb';
import type { MemDb, MemDbKind } from '@arena-level/common/memdb/memdb';
import { check } from '../measure.ts';
import { type Entries, RECORD_BYTES } from './entries.ts';

/** Entries that fill an arena of so many bytes. */
export function entriesThatFit(kvBytes: number): number {
  return Math.floor(kvBytes / RECORD_BYTES);
}

/** An arena whose pages are touched, as the pool of the engine hands them out. */
export function preparedArena(kind: MemDbKind, entries: number): Arena {
  const arena = createArena({ kind, kvBytes: entries * RECORD_BYTES, entries });
  prepareArena(arena.shared);
  return arena;
}

/** `commonPrefix`: what most keys begin with, if the arena is to be told. */
export function activeMemDb(arena: Arena, commonPrefix?: Uint8Array | undefined): MemDb {
  if (arena.state !== ArenaState.Free) arena.abandon();
  arena.activate(0, commonPrefix);
  return createMemDb(arena);
}

/** Inserts entries [from, to) in batches. Sequence numbers begin at 1. */
export function insertEntries(
  memdb: MemDb,
  entries: Entries,
  from: number,
  to: number,
  batchEntries: number,
): void {
  for (let at = from; at < to; at += batchEntries) {
    const end = Math.min(to, at + batchEntries);
    memdb.insert(entries.records, at * RECORD_BYTES, end * RECORD_BYTES, end - at, at + 1);
  }
}

export function filledMemDb(arena: Arena, entries: Entries, commonPrefix?: Uint8Array | undefined): MemDb {
  const memdb = activeMemDb(arena, commonPrefix);
  insertEntries(memdb, entries, 0, entries.count, 100);
  check(memdb.count === entries.count, 'an arena is full');
  return memdb;
}
