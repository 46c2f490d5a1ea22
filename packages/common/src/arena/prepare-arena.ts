/**
 * What makes an arena ready for activation, done on a worker so that a rotation costs the main thread nothing:
 * an arena that was used is cleared, the pages of a new one are touched (the first touch of 48 MiB takes 35 ms).
 *
 * REQUIRES: the arena is Free and nobody activates it before the preparation has ended.
 */

import { Arena } from './arena.ts';
import { ArenaState } from './arena-state.ts';
import { checkHeader, damaged } from './check-header.ts';

const PAGE_BYTES = 4096;

/** Empties the index of an arena that comes back to the pool. */
export function clearArena(shared: SharedArrayBuffer): void {
  freeArena(shared).clearIndex();
}

/** Makes the system back every page of an arena with memory. The content stays as it is. */
export function touchArena(shared: SharedArrayBuffer): void {
  freeArena(shared);
  const bytes = new Uint8Array(shared);
  // A read would map the shared page of zeros; or-ing nothing in is a write that changes nothing.
  for (let offset = 0; offset < bytes.length; offset += PAGE_BYTES) Atomics.or(bytes, offset, 0);
}

export function prepareArena(shared: SharedArrayBuffer): void {
  touchArena(shared);
  clearArena(shared);
}

function freeArena(shared: SharedArrayBuffer): Arena {
  checkHeader(shared);
  const arena = new Arena(shared);
  if (arena.state !== ArenaState.Free) throw damaged('it is in use, so it cannot be prepared');
  return arena;
}
