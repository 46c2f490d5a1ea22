import { describe, expect, test } from 'vitest';
import { createArena } from './arena.ts';
import { ArenaState, isArenaState } from './arena-state.ts';
import { IndexKind } from './index-kind.ts';
import { HeaderWord } from './layout.ts';

const { Free, Active, Frozen, Flushing, Flushed } = ArenaState;
const states = Object.values(ArenaState);
const edges: readonly (readonly [ArenaState, ArenaState])[] = [
  [Active, Frozen],
  [Frozen, Flushing],
  [Flushing, Flushed],
  [Flushing, Frozen],
  [Flushed, Free],
];

function arenaIn(state: ArenaState): ReturnType<typeof createArena> {
  const arena = createArena({ kind: IndexKind.Hash, kvBytes: 1024 });
  arena.header[HeaderWord.State] = state;
  return arena;
}

describe('the life of an arena', () => {
  test('has exactly the documented edges', () => {
    for (const from of states) {
      for (const to of states) {
        const arena = arenaIn(from);
        const isLegal = edges.some((edge) => edge[0] === from && edge[1] === to);
        if (isLegal) arena.transition(to);
        else expect(() => arena.transition(to), `${from} → ${to}`).toThrow(/edges|activate/);
        expect(arena.state).toBe(isLegal ? to : from);
      }
    }
  });

  test.each(states)('from state %d leads to Active only when that is Free', (from) => {
    const arena = arenaIn(from);
    if (from === Free) arena.activate(0);
    else expect(() => arena.activate(0)).toThrow(/edges/);
    expect(arena.state).toBe(from === Free ? Active : from);
    expect(arena.generation).toBe(from === Free ? 1 : 0);
  });

  test.each(states)(
    'can be abandoned in state %d only when no flush is under way and something is in it',
    (from) => {
      const arena = arenaIn(from);
      if (from === Active || from === Frozen) arena.abandon();
      else expect(() => arena.abandon()).toThrow(/abandoned/);
      expect(arena.state).toBe(from === Active || from === Frozen ? Free : from);
    },
  );

  test('knows its states from other words', () => {
    expect(states.every(isArenaState)).toBe(true);
    expect([-1, 5, 0.5, Number.NaN].some(isArenaState)).toBe(false);
  });

  test('begins a new generation each time, also after 2^31 of them', () => {
    const arena = arenaIn(Free);
    arena.header[HeaderWord.Generation] = 2 ** 31 - 1;
    arena.activate(0);
    expect(arena.generation).toBe(0);
    arena.abandon();
    arena.activate(0);
    expect(arena.generation).toBe(1);
  });
});
