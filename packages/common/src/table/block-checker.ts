import type { Block } from '../block/block.ts';
import { copyRange, withCapacity } from '../block/copy-range.ts';
import { readU32LE } from '../bytes/endian.ts';
import { decodeVarint32, varintEnd } from '../bytes/varint.ts';
import { TRAILER_BYTES } from '../key/internal-key.ts';
import { ValueKind } from '../key/value-kind.ts';

const FIRST_KEY_BYTES = 256;
const SMALL_HEADER_BYTES = 3;
/** In the highest byte of a trailer: sequence numbers from 2^53 on. */
const SEQUENCE_BEYOND = 0x20;

/** Reusable for block after block. */
export class BlockChecker {
  /** First internal key of the last block checked, in its contents: contents[firstStart, firstEnd). */
  firstStart = 0;
  firstEnd = 0;
  /** Its last internal key: lastKey[0, lastEnd), good until the next block. */
  lastKey: Uint8Array<ArrayBuffer> = new Uint8Array(FIRST_KEY_BYTES);
  lastEnd = 0;

  /** Throws, by block and entry, where the block is not sound. */
  check(block: Block): void {
    const { contents, restartsOffset: limit, restartCount } = block;
    if (limit === 0) throw block.damage('data block has no entries');
    let restart = 0;
    let nextRestart = 0;
    let before = -1;
    for (let entry = 0; entry < limit; ) {
      let at = entry + SMALL_HEADER_BYTES;
      let shared = contents[entry]!;
      let unshared = contents[entry + 1]!;
      let valueLength = contents[entry + 2]!;
      if (at > limit || (shared | unshared | valueLength) >= 0x80) {
        shared = decodeVarint32(contents, entry, limit);
        unshared = shared < 0 ? -1 : decodeVarint32(contents, varintEnd, limit);
        valueLength = unshared < 0 ? -1 : decodeVarint32(contents, varintEnd, limit);
        if (valueLength < 0) throw block.entryDamage(entry, 'has a length that is cut off');
        at = varintEnd;
      }
      if (shared > Math.max(before, 0) || unshared + valueLength > limit - at)
        throw block.entryDamage(entry, 'has lengths that do not fit');
      if (entry === nextRestart) {
        if (shared !== 0) throw block.entryDamage(entry, 'is a restart point and has no whole key');
        nextRestart = ++restart < restartCount ? block.restart(restart) : limit;
      } else if (entry > nextRestart) {
        throw block.damage(`restart point ${restart} of the block is not the start of an entry`);
      }
      this.#take(block, entry, before, shared, at, at + unshared);
      if (before < 0) {
        this.firstStart = at;
        this.firstEnd = at + unshared;
      }
      before = this.lastEnd;
      entry = at + unshared + valueLength;
    }
    if (restart < restartCount)
      throw block.damage(`restart point ${restart} of the block is not the start of an entry`);
  }

  /** Takes the key whose unshared bytes are contents[start, end), behind one of `before` bytes; -1: the first. */
  #take(block: Block, entry: number, before: number, shared: number, start: number, end: number): void {
    const { contents } = block;
    const keyEnd = shared + end - start;
    const userEnd = keyEnd - TRAILER_BYTES;
    if (userEnd < 0) throw block.entryDamage(entry, 'has a key shorter than its trailer');
    if (keyEnd > this.lastKey.length) this.lastKey = withCapacity(this.lastKey, keyEnd);
    const key = this.lastKey;
    const userEndBefore = before - TRAILER_BYTES;
    let order = -1;
    let highBefore = 0;
    let lowBefore = 0;
    if (before >= 0) {
      order = compareBehind(key, shared, userEndBefore, contents, start, userEnd);
      if (order === 0) {
        highBefore = readU32LE(key, userEndBefore + 4);
        lowBefore = readU32LE(key, userEndBefore);
      }
    }
    this.lastEnd = copyRange(key, shared, contents, start, end);
    if (key[userEnd]! > ValueKind.Put) throw block.entryDamage(entry, `is of unknown kind ${key[userEnd]}`);
    if (key[keyEnd - 1]! >= SEQUENCE_BEYOND) throw block.sequenceTooLarge(entry);
    if (order === 0) {
      const byHigh = readU32LE(key, userEnd + 4) - highBefore;
      order = byHigh !== 0 ? byHigh : readU32LE(key, userEnd) - lowBefore;
    }
    if (order >= 0) throw block.entryDamage(entry, 'does not sort after the entry before');
  }
}

/**
 * Order of the user key `before`[0, beforeEnd) and the one that shares its first `shared` bytes, or the trailer behind
 * them, and goes on with contents[start, ...), `userEnd` bytes in all.
 */
function compareBehind(
  before: Uint8Array,
  shared: number,
  beforeEnd: number,
  contents: Uint8Array,
  start: number,
  userEnd: number,
): number {
  const common = Math.min(beforeEnd, userEnd);
  for (let i = shared, at = start; i < common; i++, at++) {
    const difference = before[i]! - contents[at]!;
    if (difference !== 0) return difference;
  }
  return beforeEnd - userEnd;
}
