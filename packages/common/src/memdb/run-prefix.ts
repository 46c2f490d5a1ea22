import { commonPrefixLength } from '../bytes/compare.ts';

/** Bytes of a key that one number holds. */
const DIGITS_BYTES = 6;
/** Smaller and greater than any number of DIGITS_BYTES bytes. */
const BELOW = -1;
const ABOVE = 2 ** (8 * DIGITS_BYTES);

/**
 * Makes a number of a user key such that numbers compare like keys: equal numbers mean that the keys must be
 * compared. It is made of the bytes behind a prefix that most keys of the runs share; keys without it, whose place is
 * before or behind all others, get a number outside the range.
 */
export class RunPrefix {
  readonly #shared: Uint8Array;

  /** What two keys, the smallest and the largest of many, have in common; copied. */
  constructor(bytes: Uint8Array, leftStart: number, leftEnd: number, rightStart: number, rightEnd: number) {
    const length = commonPrefixLength(bytes, leftStart, leftEnd, bytes, rightStart, rightEnd);
    this.#shared = bytes.slice(leftStart, leftStart + length);
  }

  of(bytes: Uint8Array, start: number, end: number): number {
    const shared = this.#shared;
    const { length } = shared;
    for (let i = 0; i < length; i++) {
      // A key that ends within the prefix is before all keys that have it.
      const difference = start + i < end ? bytes[start + i]! - shared[i]! : -1;
      if (difference !== 0) return difference < 0 ? BELOW : ABOVE;
    }
    const at = start + length;
    const rest = end - at;
    if (rest >= DIGITS_BYTES) {
      const high = (bytes[at]! << 16) | (bytes[at + 1]! << 8) | bytes[at + 2]!;
      const low = (bytes[at + 3]! << 16) | (bytes[at + 4]! << 8) | bytes[at + 5]!;
      return high * 0x100_0000 + low;
    }
    let digits = 0;
    for (let i = 0; i < DIGITS_BYTES; i++) digits = digits * 0x100 + (i < rest ? bytes[at + i]! : 0);
    return digits;
  }

  /** Leading bytes that two keys of this same number are known to share. */
  sharedBytes(digits: number): number {
    return digits === BELOW || digits === ABOVE ? 0 : this.#shared.length;
  }
}
