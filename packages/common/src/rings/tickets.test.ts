import { expect, test } from 'vitest';
import { hasReached, ticketAfter } from './tickets.ts';

const GREATEST = 2 ** 31 - 1;

test('tickets go on behind the greatest Int32', () => {
  expect(ticketAfter(0)).toBe(1);
  expect(ticketAfter(-1)).toBe(0);
  expect(ticketAfter(GREATEST)).toBe(-(2 ** 31));
});

test.each([
  [0, 0, true],
  [1, 0, true],
  [0, 1, false],
  [-(2 ** 31), GREATEST, true],
  [GREATEST, -(2 ** 31), false],
  [-(2 ** 31) + 5, GREATEST - 5, true],
])('a counter at %i has reached %i: %s', (counter, ticket, reached) => {
  expect(hasReached(counter, ticket)).toBe(reached);
});
