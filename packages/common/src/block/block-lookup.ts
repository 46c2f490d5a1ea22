/**
 * Looking one key up in a data block. The first time the block itself is searched; from the second time on, an index
 * of its entries, which a block that is not asked again never gets.
 */
import { equalRanges } from '../bytes/compare.ts';
import { decodeVarint32, varintEnd } from '../bytes/varint.ts';
import { WORD_BYTES, wordAt } from '../bytes/word.ts';
import { readTrailerKind, readTrailerSequence, TRAILER_BYTES } from '../key/internal-key.ts';
import type { Block } from './block.ts';
import { BlockIterator } from './block-iterator.ts';
import { SCAN_UNDECIDED, scanEntries } from './block-scan.ts';
import {
  comparePrefix,
  type EntryIndex,
  entryOffset,
  findWord,
  hasWord,
  indexEntries,
  prefixLengthOf,
} from './entry-index.ts';
import { restartFor } from './restart-search.ts';

const SMALL_HEADER_BYTES = 3;

/** The newest version of a key that was asked for. The value lies in a block: nobody writes to it. */
export interface BlockHit {
  /** A `ValueKind`. */
  readonly kind: number;
  readonly sequence: number;
  readonly valueBytes: Uint8Array<ArrayBuffer>;
  readonly valueStart: number;
  readonly valueEnd: number;
}

/** All entries of the block sort before (user key, sequence). */
export const BEHIND_BLOCK: unique symbol = Symbol('behind block');

/** One iterator per thread: searching a block never waits. It lets go of the block each time. */
const search: BlockIterator = new BlockIterator();

/**
 * The newest version of the user key with a sequence number at most `sequence`; undefined when the first entry at or
 * after that is one of another key. REQUIRES: a data block that was checked when it was read.
 */
export function findInBlock(
  block: Block,
  key: Uint8Array,
  keyStart: number,
  keyEnd: number,
  sequence: number,
): BlockHit | undefined | typeof BEHIND_BLOCK {
  const index = indexOf(block);
  if (index !== undefined) {
    const answer = findByWord(block, index, key, keyStart, keyEnd, sequence);
    if (answer !== UNDECIDED) return answer;
  }
  const { contents, restartsOffset } = block;
  const restart = restartFor(block, key, keyStart, keyEnd, sequence);
  const entry = scanEntries(contents, restart, restartsOffset, key, keyStart, keyEnd, sequence);
  if (entry === SCAN_UNDECIDED) return findByWholeKeys(block, key, keyStart, keyEnd, sequence);
  return entry < restartsOffset ? hitAt(block, entry, key, keyStart, keyEnd) : BEHIND_BLOCK;
}

function indexOf(block: Block): EntryIndex | undefined {
  if (block.entryIndex !== undefined) return block.entryIndex;
  if (block.wasSearched) block.entryIndex = indexEntries(block);
  block.wasSearched = true;
  return block.entryIndex;
}

/** Several entries have the word of the key, or the last one has, or the key is not whole behind the word. */
const UNDECIDED: unique symbol = Symbol('undecided');

function findByWord(
  block: Block,
  index: EntryIndex,
  key: Uint8Array,
  keyStart: number,
  keyEnd: number,
  sequence: number,
): BlockHit | undefined | typeof BEHIND_BLOCK | typeof UNDECIDED {
  const order = comparePrefix(index, block, key, keyStart, keyEnd);
  if (order !== 0) return order > 0 ? BEHIND_BLOCK : undefined;
  const prefixLength = prefixLengthOf(index);
  const word = wordAt(key, keyStart + prefixLength, keyEnd);
  const place = findWord(index, word);
  if (place === index.length) return BEHIND_BLOCK;
  if (!hasWord(index, place, word)) return undefined;
  if (place + 1 === index.length || hasWord(index, place + 1, word)) return UNDECIDED;
  const entry = entryOffset(index, place, word);
  // What the entry shares with the one before must be known to be the key's: its first bytes, up to its word.
  const shared = decodeVarint32(block.contents, entry, block.restartsOffset);
  if (shared > Math.min(keyEnd - keyStart, prefixLength + WORD_BYTES)) return UNDECIDED;
  const hit = hitAt(block, entry, key, keyStart, keyEnd);
  return hit === undefined || hit.sequence <= sequence ? hit : undefined;
}

/** By an iterator that puts keys together: where entries share parts of their trailers. */
function findByWholeKeys(
  block: Block,
  key: Uint8Array,
  keyStart: number,
  keyEnd: number,
  sequence: number,
): BlockHit | undefined | typeof BEHIND_BLOCK {
  search.attach(block);
  search.seek(key, keyStart, keyEnd, sequence);
  const { valid, kind, sequence: found, valueStart, valueEnd } = search;
  const isHit = valid && equalRanges(search.keyBytes, 0, search.keyEnd, key, keyStart, keyEnd);
  search.detach();
  if (isHit) return { kind, sequence: found, valueBytes: block.contents, valueStart, valueEnd };
  return valid ? undefined : BEHIND_BLOCK;
}

/**
 * The entry at `entry`, if it is one of the user key. REQUIRES: what it shares with the entry before is the beginning
 * of the user key, so that its trailer is whole.
 */
function hitAt(
  block: Block,
  entry: number,
  key: Uint8Array,
  keyStart: number,
  keyEnd: number,
): BlockHit | undefined {
  const { contents, restartsOffset } = block;
  let shared = contents[entry]!;
  let unshared = contents[entry + 1]!;
  let valueLength = contents[entry + 2]!;
  let start = entry + SMALL_HEADER_BYTES;
  if ((shared | unshared | valueLength) >= 0x80) {
    shared = decodeVarint32(contents, entry, restartsOffset);
    unshared = decodeVarint32(contents, varintEnd, restartsOffset);
    valueLength = decodeVarint32(contents, varintEnd, restartsOffset);
    start = varintEnd;
  }
  if (shared + unshared - TRAILER_BYTES !== keyEnd - keyStart) return undefined;
  const valueStart = start + unshared;
  const trailer = valueStart - TRAILER_BYTES;
  if (!equalRanges(contents, start, trailer, key, keyStart + shared, keyEnd)) return undefined;
  return {
    kind: readTrailerKind(contents, trailer),
    sequence: readTrailerSequence(contents, trailer),
    valueBytes: contents,
    valueStart,
    valueEnd: valueStart + valueLength,
  };
}
