import { expect, test } from 'vitest';
import { withinHours } from './within-hours.ts';

test.each([
  ['the first size is always tried', 0, 0, true],
  ['a size that fits', 100, 100, true],
  ['a size that would not end in time', 100, 200, false],
  ['a size for which nothing is left', 1000, 10, false],
])('%s', (_, usedMs, lastMs, expected) => {
  expect(withinHours(usedMs, lastMs, 4, 1000)).toBe(expected);
});
