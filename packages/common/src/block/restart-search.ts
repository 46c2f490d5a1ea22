/** Binary search over the restart points of a block. Plain functions over its bytes: nothing is allocated. */
import { compareRanges } from '../bytes/compare.ts';
import { decodeVarint32, varintEnd } from '../bytes/varint.ts';
import { readTrailerSequence, TRAILER_BYTES } from '../key/internal-key.ts';
import type { Block } from './block.ts';

const SMALL_HEADER_BYTES = 3;

/**
 * Offset of the last restart point whose entry sorts before (user key, sequence), or of the first one. Throws where a
 * restart point has no whole key.
 */
export function restartFor(
  block: Block,
  key: Uint8Array,
  keyStart: number,
  keyEnd: number,
  sequence: number,
): number {
  let low = 0;
  let high = block.restartCount - 1;
  let found = 0;
  while (low < high) {
    const middle = (low + high + 1) >>> 1;
    const offset = block.restart(middle);
    if (isBefore(block, offset, key, keyStart, keyEnd, sequence)) {
      low = middle;
      found = offset;
    } else {
      high = middle - 1;
    }
  }
  return found;
}

/** Offset of the last restart point before the entry at `offset`. REQUIRES: offset > 0. */
export function restartBefore(block: Block, offset: number): number {
  let low = 0;
  let high = block.restartCount - 1;
  while (low < high) {
    const middle = (low + high + 1) >>> 1;
    if (block.restart(middle) < offset) low = middle;
    else high = middle - 1;
  }
  return block.restart(low);
}

/** True when the entry at `offset`, a restart point, sorts before (user key, sequence). */
function isBefore(
  block: Block,
  offset: number,
  key: Uint8Array,
  keyStart: number,
  keyEnd: number,
  sequence: number,
): boolean {
  const { contents, restartsOffset } = block;
  let start = offset + SMALL_HEADER_BYTES;
  let shared = contents[offset]!;
  let length = contents[offset + 1]!;
  let valueLength = contents[offset + 2]!;
  if (start > restartsOffset || (shared | length | valueLength) >= 0x80) {
    shared = decodeVarint32(contents, offset, restartsOffset);
    length = shared < 0 ? -1 : decodeVarint32(contents, varintEnd, restartsOffset);
    valueLength = length < 0 ? -1 : decodeVarint32(contents, varintEnd, restartsOffset);
    start = varintEnd;
  }
  if (shared !== 0 || length < TRAILER_BYTES || valueLength < 0 || length > restartsOffset - start) {
    throw block.entryDamage(offset, 'is a restart point and has no whole key');
  }
  const userEnd = start + length - TRAILER_BYTES;
  const order = compareRanges(contents, start, userEnd, key, keyStart, keyEnd);
  return order < 0 || (order === 0 && readTrailerSequence(contents, userEnd) > sequence);
}
