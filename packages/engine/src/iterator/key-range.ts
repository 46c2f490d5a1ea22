import { compareBytes, compareRanges } from '@arena-level/common/bytes/compare';

/** Bounds of user keys, as a caller states them; all that are given hold. */
export interface RangeBounds {
  readonly gt?: Uint8Array | undefined;
  readonly gte?: Uint8Array | undefined;
  readonly lt?: Uint8Array | undefined;
  readonly lte?: Uint8Array | undefined;
}

/** A range of user keys; a bound that is undefined is open. Holds copies of the caller's bounds. */
export interface KeyRange {
  readonly lower: Uint8Array | undefined;
  readonly includesLower: boolean;
  readonly upper: Uint8Array | undefined;
  readonly includesUpper: boolean;
}

/** The keys that satisfy every bound. */
export function keyRange(bounds: RangeBounds): KeyRange {
  const { gt, gte, lt, lte } = bounds;
  // Of an exclusive and an inclusive bound at the same key the exclusive one is the narrower.
  const includesLower = gte !== undefined && (gt === undefined || compareBytes(gt, gte) < 0);
  const includesUpper = lte !== undefined && (lt === undefined || compareBytes(lt, lte) > 0);
  return {
    lower: ownCopy(includesLower ? gte : gt),
    includesLower,
    upper: ownCopy(includesUpper ? lte : lt),
    includesUpper,
  };
}

export function isBelowRange(range: KeyRange, key: Uint8Array, keyStart: number, keyEnd: number): boolean {
  const { lower } = range;
  if (lower === undefined) return false;
  const order = compareRanges(key, keyStart, keyEnd, lower, 0, lower.length);
  return order < 0 || (order === 0 && !range.includesLower);
}

export function isAboveRange(range: KeyRange, key: Uint8Array, keyStart: number, keyEnd: number): boolean {
  const { upper } = range;
  if (upper === undefined) return false;
  const order = compareRanges(key, keyStart, keyEnd, upper, 0, upper.length);
  return order > 0 || (order === 0 && !range.includesUpper);
}

function ownCopy(bytes: Uint8Array | undefined): Uint8Array | undefined {
  return bytes === undefined ? undefined : new Uint8Array(bytes);
}
