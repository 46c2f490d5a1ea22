import { expect, test } from 'vitest';
import { fromWords, highWord, lowWord } from './two-words.ts';

test.each([
  [0, 0, 0],
  [1, 0, 1],
  [2 ** 31, 0, -(2 ** 31)],
  [2 ** 32 - 1, 0, -1],
  [2 ** 32, 1, 0],
  [5 * 2 ** 32 + 7, 5, 7],
  [Number.MAX_SAFE_INTEGER, 2 ** 21 - 1, -1],
])('%d is the words %d and %d', (value, high, low) => {
  expect([highWord(value), lowWord(value)]).toEqual([high, low]);
  const words = Int32Array.of(highWord(value), lowWord(value));
  expect(fromWords(words[0]!, words[1]!)).toBe(value);
});
