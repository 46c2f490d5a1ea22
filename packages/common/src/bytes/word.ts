/** The bytes of a key as numbers: a comparison of words decides most comparisons of keys. */

export const WORD_BYTES = 4;

/** Up to four bytes at `at` as a big-endian word, zeros from `end` on: it orders as the bytes do, but for ties. */
export function wordAt(bytes: Uint8Array, at: number, end: number): number {
  if (at + WORD_BYTES <= end) {
    return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
  }
  let word = 0;
  for (let i = 0; i < WORD_BYTES; i++) word = word * 0x100 + (at + i < end ? bytes[at + i]! : 0);
  return word;
}
