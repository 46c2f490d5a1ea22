/**
 * The first bytes of a user key as two words that signed comparisons order like the keys: eight bytes behind the
 * arena's common prefix, big-endian, each word with its sign bit flipped. A key without the prefix gets the smallest or
 * the largest words, as its place is before or behind all keys that have it. Equal words leave the order open.
 */
import { WORD_BYTES, wordAt } from '../bytes/word.ts';

const LEAST = -0x8000_0000;
const GREATEST = 0x7fff_ffff;

/** Writes the words of bytes[start, end) to `words` at `index` and `index + 1`. */
export function writeKeyWords(
  words: Int32Array,
  index: number,
  prefix: Uint8Array,
  bytes: Uint8Array,
  start: number,
  end: number,
): void {
  const { length } = prefix;
  for (let i = 0; i < length; i++) {
    // A key that ends within the prefix is before all keys that have it.
    const difference = start + i < end ? bytes[start + i]! - prefix[i]! : -1;
    if (difference !== 0) {
      words[index] = difference < 0 ? LEAST : GREATEST;
      words[index + 1] = difference < 0 ? LEAST : GREATEST;
      return;
    }
  }
  words[index] = wordAt(bytes, start + length, end) ^ LEAST;
  words[index + 1] = wordAt(bytes, start + length + WORD_BYTES, end) ^ LEAST;
}

/** Leading bytes that two keys with these same words are known to share. */
export function sharedKeyBytes(high: number, low: number, prefixLength: number): number {
  const isOutside = (high === LEAST && low === LEAST) || (high === GREATEST && low === GREATEST);
  return isOutside ? 0 : prefixLength;
}
