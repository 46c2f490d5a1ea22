/**
 * The life of an arena. Only the thread that owns the engine changes the state.
 *
 *     Free ──► Active ──► Frozen ──► Flushing ──► Flushed ──► Free
 *                           ▲───────────┘ the flush failed and will be retried
 *
 *     Active, Frozen ··► Free   abandoned: the store is closed or dropped, and the journal holds what the arena holds
 *
 * | edge                | taken when                                                       |
 * | ------------------- | ---------------------------------------------------------------- |
 * | Free → Active       | a memtable takes the arena; the generation grows                 |
 * | Active → Frozen     | rotation, after the last insert                                  |
 * | Frozen → Flushing   | a flush is requested; cancel and progress start anew             |
 * | Flushing → Flushed  | the table is committed to the manifest                           |
 * | Flushing → Frozen   | the flush ended without a table that counts                      |
 * | Flushed → Free      | nobody reads it any more: no reference, no task, no other thread |
 *
 * Between Free and Active the owner, or a worker it asked to, may clear the index (`prepare-arena.ts`).
 */
import { invariant } from '../base/invariant.ts';

/** In the header of shared memory. */
export const ArenaState = { Free: 0, Active: 1, Frozen: 2, Flushing: 3, Flushed: 4 } as const;
export type ArenaState = (typeof ArenaState)[keyof typeof ArenaState];

const NEXT_STATES: readonly (readonly ArenaState[])[] = [
  [ArenaState.Active],
  [ArenaState.Frozen],
  [ArenaState.Flushing],
  [ArenaState.Flushed, ArenaState.Frozen],
  [ArenaState.Free],
];

export function isArenaState(word: number): word is ArenaState {
  return Number.isInteger(word) && word >= ArenaState.Free && word <= ArenaState.Flushed;
}

/** Throws unless the life of an arena has this edge. */
export function assertTransition(from: ArenaState, to: ArenaState): void {
  invariant(NEXT_STATES[from]!.includes(to), 'an arena changes its state only along the edges of its life');
}

/** Throws unless an arena in this state may be abandoned: in any other a worker reads it or nothing is in it. */
export function assertAbandonable(from: ArenaState): void {
  invariant(
    from === ArenaState.Active || from === ArenaState.Frozen,
    'only an active or frozen arena is abandoned',
  );
}
