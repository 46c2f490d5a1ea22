/** Whole numbers from 0 to 2^53 - 1 in two Int32 words: typed arrays have no cheaper ones of 64 bits. */
const TWO_TO_32 = 0x1_0000_0000;

export function lowWord(value: number): number {
  return value | 0;
}

export function highWord(value: number): number {
  return Math.floor(value / TWO_TO_32);
}

export function fromWords(high: number, low: number): number {
  return high * TWO_TO_32 + (low >>> 0);
}
