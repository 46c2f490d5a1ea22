/**
 * What makes an arena ready, done on a worker so that it costs the main thread nothing: an arena that was used is
 * cleared, the pages of a new one are touched (the first touch of 48 MiB takes 35 ms).
 */

import { Arena } from './arena.ts';
import { ArenaState } from './arena-state.ts';
import { checkHeader, damaged } from './check-header.ts';

const PAGE_BYTES = 4096;
/** Pages between two looks at the state: some milliseconds where memory is slow to come. */
const PAGES_PER_LOOK = 64;

/** Empties the index of an arena that comes back to the pool. REQUIRES: as `prepareArena`. */
export function clearArena(shared: SharedArrayBuffer): void {
  freeArena(shared).clearIndex();
}

/**
 * Makes the system back every page of an arena with memory, until it is frozen. The content stays as it is: this may run
 * ahead of the thread that fills the arena.
 */
export function touchArena(shared: SharedArrayBuffer): void {
  checkHeader(shared);
  const arena = new Arena(shared);
  const bytes = new Uint8Array(shared);
  for (let offset = 0, pages = 1; offset < bytes.length; offset += PAGE_BYTES, pages++) {
    // A read would map the shared page of zeros; or-ing nothing in is a write that changes nothing, atomic beside others.
    Atomics.or(bytes, offset, 0);
    if (pages % PAGES_PER_LOOK === 0 && !isToBeFilled(arena)) return;
  }
}

/** REQUIRES: the arena is Free and nobody activates it before this has ended. */
export function prepareArena(shared: SharedArrayBuffer): void {
  freeArena(shared);
  touchArena(shared);
  clearArena(shared);
}

function isToBeFilled({ state }: Arena): boolean {
  return state === ArenaState.Free || state === ArenaState.Active;
}

function freeArena(shared: SharedArrayBuffer): Arena {
  checkHeader(shared);
  const arena = new Arena(shared);
  if (arena.state !== ArenaState.Free) throw damaged('it is in use, so it cannot be prepared');
  return arena;
}
