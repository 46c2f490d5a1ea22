/**
 * Whether an entry of a block is one of a given user key, and if so what it holds: in live bindings that the caller reads
 * before the next match, so that nothing is allocated.
 */
import { equalRanges } from '../bytes/compare.ts';
import { decodeVarint32, varintEnd } from '../bytes/varint.ts';
import { readTrailerKind, readTrailerSequence, TRAILER_BYTES } from '../key/internal-key.ts';

const SMALL_HEADER_BYTES = 3;

/** Of the last entry that matched: a `ValueKind`, its sequence number, and its value at bytes[start, end). */
export let matchedKind = 0;
export let matchedSequence = 0;
export let matchedValueStart = 0;
export let matchedValueEnd = 0;

/**
 * True when the entry at bytes[entry, ...) is one of the user key. REQUIRES: what it shares with the entry before is the
 * beginning of the user key, so that its trailer is whole. In bytes that are no entry anything may be found, and where
 * they end before `limit` what was found ends there, too, or the caller looks no further.
 */
export function matchEntry(
  bytes: Uint8Array,
  entry: number,
  limit: number,
  key: Uint8Array,
  keyStart: number,
  keyEnd: number,
): boolean {
  let shared = bytes[entry]!;
  let unshared = bytes[entry + 1]!;
  let valueLength = bytes[entry + 2]!;
  let start = entry + SMALL_HEADER_BYTES;
  if ((shared | unshared | valueLength) >= 0x80) {
    shared = decodeVarint32(bytes, entry, limit);
    unshared = decodeVarint32(bytes, varintEnd, limit);
    valueLength = decodeVarint32(bytes, varintEnd, limit);
    start = varintEnd;
  }
  if (shared + unshared - TRAILER_BYTES !== keyEnd - keyStart) return false;
  const valueStart = start + unshared;
  const trailer = valueStart - TRAILER_BYTES;
  if (!equalRanges(bytes, start, trailer, key, keyStart + shared, keyEnd)) return false;
  matchedKind = readTrailerKind(bytes, trailer);
  matchedSequence = readTrailerSequence(bytes, trailer);
  matchedValueStart = valueStart;
  matchedValueEnd = valueStart + valueLength;
  return true;
}
