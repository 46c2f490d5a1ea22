import type { Arena } from '../arena/arena.ts';
import { ArenaState } from '../arena/arena-state.ts';
import { invariant } from '../base/invariant.ts';
import { ArenaMemDb } from './arena-memdb.ts';
import type { MemDb, MemDbReader } from './memdb.ts';

/** The MemDB of an arena that was just activated. Only the thread that owns the engine, once per activation. */
export function createMemDb(arena: Arena): MemDb {
  invariant(
    arena.state === ArenaState.Active && arena.visibleCount === 0,
    'a MemDB begins in a fresh active arena',
  );
  return new ArenaMemDb(arena, true);
}

/** A reader over an arena of this or another thread. It is good while the arena's generation stays the same. */
export function attachMemDb(arena: Arena): MemDbReader {
  invariant(arena.state !== ArenaState.Free, 'a free arena holds nothing to read');
  return new ArenaMemDb(arena, false);
}
