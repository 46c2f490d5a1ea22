import type { Arena } from '@arena-level/common/arena/arena';
import { ArenaState } from '@arena-level/common/arena/arena-state';
import { createMemDb } from '@arena-level/common/memdb/create-memdb';
import type { MemDb } from '@arena-level/common/memdb/memdb';
import type { ArenaPool } from './arena-pool.ts';

/**
 * An empty MemDB for sequence numbers above `baseSequence`, in an arena of the pool with room for a batch of this
 * size. When this fails, the arena is in the pool again.
 */
export function takeMemDb(
  pool: ArenaPool,
  recordBytes: number,
  entries: number,
  baseSequence: number,
  commonPrefix?: Uint8Array,
): MemDb {
  return activateMemDb(pool, pool.take(recordBytes, entries), baseSequence, commonPrefix);
}

/** The same in a free arena that was taken from the pool before. */
export function activateMemDb(
  pool: ArenaPool,
  arena: Arena,
  baseSequence: number,
  commonPrefix?: Uint8Array,
): MemDb {
  try {
    arena.activate(baseSequence, commonPrefix);
    return createMemDb(arena);
  } catch (error) {
    giveBackUnused(pool, arena);
    throw error;
  }
}

/** Gives back an arena that will not be flushed. REQUIRES: Free, Active or Frozen; no thread reads it. */
export function giveBackUnused(pool: ArenaPool, arena: Arena): void {
  if (arena.state !== ArenaState.Free) arena.abandon();
  pool.give(arena);
}
