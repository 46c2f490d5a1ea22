/**
 * Internal keys, as tables and manifests store them:
 *
 *     user key │ (sequence << 8 | kind) as u64, little-endian
 *
 * Order: user key ascending, then sequence descending, then kind descending.
 */
import { compareRanges } from '../bytes/compare.ts';
import { readU32LE, writeU32LE } from '../bytes/endian.ts';

export const TRAILER_BYTES = 8;

/** Writes the trailer at `offset`. REQUIRES: room for TRAILER_BYTES. */
export function writeTrailer(target: Uint8Array, offset: number, sequence: number, kind: number): void {
  writeU32LE(target, offset, ((sequence % 0x100_0000) * 0x100 + kind) >>> 0);
  writeU32LE(target, offset + 4, Math.floor(sequence / 0x100_0000));
}

/** The sequence number of the trailer at `offset`; above MAX_SEQUENCE it is not exact and the caller refuses it. */
export function readTrailerSequence(bytes: Uint8Array, offset: number): number {
  return readU32LE(bytes, offset + 4) * 0x100_0000 + (readU32LE(bytes, offset) >>> 8);
}

export function readTrailerKind(bytes: Uint8Array, offset: number): number {
  return bytes[offset]!;
}

export function makeInternalKey(
  userKey: Uint8Array,
  sequence: number,
  kind: number,
): Uint8Array<ArrayBuffer> {
  const key = new Uint8Array(userKey.length + TRAILER_BYTES);
  key.set(userKey);
  writeTrailer(key, userKey.length, sequence, kind);
  return key;
}

/** The user key part, as a view. REQUIRES: internalKey.length >= TRAILER_BYTES. */
export function userKeyOf<T extends ArrayBufferLike>(internalKey: Uint8Array<T>): Uint8Array<T> {
  return internalKey.subarray(0, internalKey.length - TRAILER_BYTES);
}

/** Order of two whole internal keys. REQUIRES: both at least TRAILER_BYTES long. */
export function compareInternalKeys(left: Uint8Array, right: Uint8Array): number {
  const leftUserEnd = left.length - TRAILER_BYTES;
  const rightUserEnd = right.length - TRAILER_BYTES;
  const byUserKey = compareRanges(left, 0, leftUserEnd, right, 0, rightUserEnd);
  if (byUserKey !== 0) return byUserKey;
  const highDifference = readU32LE(right, rightUserEnd + 4) - readU32LE(left, leftUserEnd + 4);
  return highDifference !== 0
    ? highDifference
    : readU32LE(right, rightUserEnd) - readU32LE(left, leftUserEnd);
}
