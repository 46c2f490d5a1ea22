/**
 * A sequence number in shared memory: there are no cheap 64-bit atomics, so it takes two words and, before them, a
 * version that is odd while they change. One thread writes a cell; any read it.
 */
import { fromWords, highWord, lowWord } from '@arena-level/common/bytes/two-words';

/** What `loadCell` gives while the cell is being written. */
export const UNSETTLED = -1;
/** Above every sequence number. */
export const NO_SEQUENCE: number = Number.MAX_SAFE_INTEGER;

/** `at`: the first of the cell's three words. */
export function storeCell(words: Int32Array, at: number, sequence: number): void {
  openCell(words, at);
  Atomics.store(words, at + 1, lowWord(sequence));
  Atomics.store(words, at + 2, highWord(sequence));
  settleCell(words, at);
}

/** Makes the cell unsettled until `settleCell`: whoever needs its number waits. */
export function openCell(words: Int32Array, at: number): void {
  Atomics.add(words, at, 1);
}

export function settleCell(words: Int32Array, at: number): void {
  Atomics.add(words, at, 1);
}

export function loadCell(words: Int32Array, at: number): number {
  const version = Atomics.load(words, at);
  const low = Atomics.load(words, at + 1);
  const high = Atomics.load(words, at + 2);
  if ((version & 1) === 1 || Atomics.load(words, at) !== version) return UNSETTLED;
  return fromWords(high, low);
}
