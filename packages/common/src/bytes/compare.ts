/** Comparisons of byte ranges, as unsigned bytes. Plain loops: no view is created per call. */

/** Negative, 0 or positive, as left[leftStart, leftEnd) sorts before, equals or sorts after right[rightStart, rightEnd). */
export function compareRanges(
  left: Uint8Array,
  leftStart: number,
  leftEnd: number,
  right: Uint8Array,
  rightStart: number,
  rightEnd: number,
): number {
  const leftLength = leftEnd - leftStart;
  const rightLength = rightEnd - rightStart;
  const shared = Math.min(leftLength, rightLength);
  for (let i = 0; i < shared; i++) {
    const difference = left[leftStart + i]! - right[rightStart + i]!;
    if (difference !== 0) return difference;
  }
  return leftLength - rightLength;
}

export function compareBytes(left: Uint8Array, right: Uint8Array): number {
  return compareRanges(left, 0, left.length, right, 0, right.length);
}

export function equalRanges(
  left: Uint8Array,
  leftStart: number,
  leftEnd: number,
  right: Uint8Array,
  rightStart: number,
  rightEnd: number,
): boolean {
  const length = leftEnd - leftStart;
  if (length !== rightEnd - rightStart) return false;
  for (let i = 0; i < length; i++) if (left[leftStart + i] !== right[rightStart + i]) return false;
  return true;
}

/** Length of the longest common prefix. */
export function commonPrefixLength(
  left: Uint8Array,
  leftStart: number,
  leftEnd: number,
  right: Uint8Array,
  rightStart: number,
  rightEnd: number,
): number {
  const limit = Math.min(leftEnd - leftStart, rightEnd - rightStart);
  let i = 0;
  while (i < limit && left[leftStart + i] === right[rightStart + i]) i++;
  return i;
}

export const EMPTY_BYTES: Uint8Array<ArrayBuffer> = new Uint8Array(0);
