/**
 * The entries of a block in an array of numbers, for point lookups in blocks that stay in a cache.
 *
 * Searching the block itself means to walk half of a restart interval, a kilobyte of memory that is in no processor
 * cache. Here an entry is one number: the word of its user key, four bytes behind what all keys of the block begin
 * with, and its offset.
 *
 *     PREFIX_LENGTH   bytes that all user keys begin with
 *     PREFIX          those bytes as a number, or -1 when there are more than a number holds
 *     ENTRIES …       word × 2^21 + offset of each entry, ascending
 *
 * A plain array, since its numbers lie together in the JavaScript heap: a typed array would take as much again, and
 * two more places in memory, for its objects. Immutable.
 */
import { commonPrefixLength, compareRanges } from '../bytes/compare.ts';
import { decodeVarint32, varintEnd } from '../bytes/varint.ts';
import { wordAt } from '../bytes/word.ts';
import type { Block } from './block.ts';
import { BlockIterator } from './block-iterator.ts';

export type EntryIndex = readonly number[];

const PREFIX_LENGTH = 0;
const PREFIX = 1;
const ENTRIES = 2;

/** Offsets of entries in larger blocks do not fit beside a word. */
const OFFSET_RANGE: number = 2 ** 21;
/** Bytes of a prefix that a number holds. */
const PREFIX_NUMBER_BYTES = 6;

/** One per thread: walking a block never waits. It lets go of the block each time. */
const walk: BlockIterator = new BlockIterator();

/** Undefined for a block that is too large. REQUIRES: a data block that was checked when it was read. */
export function indexEntries(block: Block): EntryIndex | undefined {
  if (block.restartsOffset > OFFSET_RANGE) return undefined;
  walk.attach(block);
  walk.last();
  const last = walk.keyBytes.slice(0, walk.keyEnd);
  walk.first();
  const prefixLength = commonPrefixLength(walk.keyBytes, 0, walk.keyEnd, last, 0, last.length);
  const prefix = prefixLength > PREFIX_NUMBER_BYTES ? -1 : prefixNumber(last, 0, prefixLength);
  const index: number[] = [prefixLength, prefix];
  for (; walk.valid; walk.next()) {
    index.push(wordAt(walk.keyBytes, prefixLength, walk.keyEnd) * OFFSET_RANGE + walk.entryOffset);
  }
  walk.detach();
  return index;
}

/** Bytes that all user keys of the block begin with. */
export function prefixLengthOf(index: EntryIndex): number {
  return index[PREFIX_LENGTH]!;
}

/**
 * Negative, 0 or positive: a user key sorts before all keys of the block, begins like them, or sorts behind them.
 */
export function comparePrefix(
  index: EntryIndex,
  block: Block,
  key: Uint8Array,
  keyStart: number,
  keyEnd: number,
): number {
  const length = index[PREFIX_LENGTH]!;
  const end = keyStart + length;
  if (keyEnd >= end && index[PREFIX]! >= 0) return prefixNumber(key, keyStart, end) - index[PREFIX]!;
  const { contents } = block;
  const start = firstKeyStart(block);
  return compareRanges(key, keyStart, Math.min(keyEnd, end), contents, start, start + length);
}

/** Place of the first entry whose word is at least this one; `index.length`: there is none. */
export function findWord(index: EntryIndex, word: number): number {
  const target = word * OFFSET_RANGE;
  let low = ENTRIES;
  let high = index.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (index[middle]! < target) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** True when the entry at a place that `findWord` found, or behind it, has this word. */
export function hasWord(index: EntryIndex, place: number, word: number): boolean {
  return place < index.length && index[place]! < (word + 1) * OFFSET_RANGE;
}

/** Offset in the contents of the entry at a place, given its word. */
export function entryOffset(index: EntryIndex, place: number, word: number): number {
  return index[place]! - word * OFFSET_RANGE;
}

/** The first key of a block is whole. */
function firstKeyStart({ contents, restartsOffset }: Block): number {
  decodeVarint32(contents, 0, restartsOffset);
  decodeVarint32(contents, varintEnd, restartsOffset);
  decodeVarint32(contents, varintEnd, restartsOffset);
  return varintEnd;
}

function prefixNumber(bytes: Uint8Array, start: number, end: number): number {
  let number = 0;
  for (let i = start; i < end; i++) number = number * 0x100 + bytes[i]!;
  return number;
}
