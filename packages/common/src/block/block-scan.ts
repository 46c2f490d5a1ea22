/**
 * Searching a run of entries for a key without putting their keys together.
 *
 * Entries ascend, so how many bytes an entry shares with the one before (`shared`) says most of it, given how many
 * bytes the one before, which sorts before the target, has in common with the target (`matched`):
 *
 *     shared > matched   the byte that made the one before smaller is here too: still before the target
 *     shared < matched   a byte of the target's was left behind, upwards: after the target
 *     shared = matched   compare on from there
 *
 * The first rule needs a byte inside both user keys that differs. Where instead the key before is a prefix of the
 * target, or the target itself in a newer version, what is shared may reach into its trailer, and only whole keys
 * tell.
 */

import { decodeVarint32, varintEnd } from '../bytes/varint.ts';
import { readTrailerSequence, TRAILER_BYTES } from '../key/internal-key.ts';

/** Only whole keys tell, or the block is damaged: search with a cursor. */
export const SCAN_UNDECIDED = -1;

/**
 * Offset of the first entry at or after (user key, sequence), or `limit` when there is none; SCAN_UNDECIDED where
 * this search cannot tell. Begins at `offset`, a restart point. What the found entry shares with the one before is
 * the beginning of the target's user key.
 */
export function scanEntries(
  contents: Uint8Array,
  offset: number,
  limit: number,
  key: Uint8Array,
  keyStart: number,
  keyEnd: number,
  sequence: number,
): number {
  const keyLength = keyEnd - keyStart;
  let entry = offset;
  /** Bytes of the whole key before. */
  let before = 0;
  let matched = 0;
  let differsInside = false;
  while (entry < limit) {
    let at = entry + 3;
    let shared = contents[entry]!;
    let unshared = contents[entry + 1]!;
    let valueLength = contents[entry + 2]!;
    if (at > limit || (shared | unshared | valueLength) >= 0x80) {
      shared = decodeVarint32(contents, entry, limit);
      unshared = shared < 0 ? -1 : decodeVarint32(contents, varintEnd, limit);
      valueLength = unshared < 0 ? -1 : decodeVarint32(contents, varintEnd, limit);
      if (valueLength < 0) return SCAN_UNDECIDED;
      at = varintEnd;
    }
    const next = at + unshared + valueLength;
    if (next > limit || shared > before) return SCAN_UNDECIDED;
    before = shared + unshared;
    if (shared < matched) return entry;
    if (shared > matched) {
      if (!differsInside) return SCAN_UNDECIDED;
    } else {
      const suffixLength = unshared - TRAILER_BYTES;
      if (suffixLength < 0) return SCAN_UNDECIDED;
      const comparable = Math.min(suffixLength, keyLength - matched);
      const target = keyStart + matched;
      let same = 0;
      while (same < comparable && contents[at + same] === key[target + same]) same++;
      differsInside = same < comparable;
      if (differsInside) {
        if (contents[at + same]! > key[target + same]!) return entry;
      } else if (suffixLength > comparable) {
        return entry;
      } else if (
        matched + same === keyLength &&
        readTrailerSequence(contents, at + suffixLength) <= sequence
      ) {
        return entry;
      }
      matched += same;
    }
    entry = next;
  }
  return limit;
}
