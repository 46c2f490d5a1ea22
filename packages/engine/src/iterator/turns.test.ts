import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { FakeClock } from '../cache/fake-clock.test-support.ts';
import { LoopTurns } from './turns.ts';

test('a turn is due when it has lasted long since it was first asked about, and a new one is not', async () => {
  const clock = new FakeClock();
  const turns = new LoopTurns(clock);
  expect(turns.isDue()).toBe(false);
  expect(turns.isDue()).toBe(false);
  clock.advance(5);
  expect(turns.isDue()).toBe(true);
  await Promise.resolve();
  expect(turns.isDue()).toBe(true);
  await turns.next();
  expect(turns.isDue()).toBe(false);
  clock.advance(5);
  expect(turns.isDue()).toBe(true);
  await nextTurn();
  clock.advance(5);
  expect(turns.isDue()).toBe(false);
});
