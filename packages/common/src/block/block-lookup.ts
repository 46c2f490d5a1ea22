/**
 * Looking one key up in a data block. The first time the block itself is searched; from the second time on, an index
 * of its entries, which a block that is not asked again never gets.
 */
import { equalRanges } from '../bytes/compare.ts';
import { copyOwned } from '../bytes/owned-bytes.ts';
import { decodeVarint32 } from '../bytes/varint.ts';
import { WORD_BYTES, wordAt } from '../bytes/word.ts';
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
import {
  matchEntry,
  matchedKind,
  matchedSequence,
  matchedValueEnd,
  matchedValueStart,
} from './entry-match.ts';
import { restartFor } from './restart-search.ts';

/** The newest version of a key that was asked for. */
export interface BlockHit {
  /** A `ValueKind`. */
  readonly kind: number;
  readonly sequence: number;
  readonly valueBytes: Uint8Array<ArrayBuffer>;
  readonly valueStart: number;
  readonly valueEnd: number;
  /** True when `valueBytes` are the value, a copy for whoever asked; false when it lies in a block, to which nobody writes. */
  readonly isOwn: boolean;
}

/** A hit whose value, bytes[start, end), is copied: for bytes that nobody may hold. */
export function ownHit(
  kind: number,
  sequence: number,
  bytes: Uint8Array,
  start: number,
  end: number,
): BlockHit {
  const valueBytes = copyOwned(bytes, start, end);
  return { kind, sequence, valueBytes, valueStart: 0, valueEnd: valueBytes.length, isOwn: true };
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
  if (isHit) return { kind, sequence: found, valueBytes: block.contents, valueStart, valueEnd, isOwn: false };
  return valid ? undefined : BEHIND_BLOCK;
}

/** The entry at `entry`, if it is one of the user key. REQUIRES: as `matchEntry`. */
function hitAt(
  { contents, restartsOffset }: Block,
  entry: number,
  key: Uint8Array,
  keyStart: number,
  keyEnd: number,
): BlockHit | undefined {
  if (!matchEntry(contents, entry, restartsOffset, key, keyStart, keyEnd)) return undefined;
  return {
    kind: matchedKind,
    sequence: matchedSequence,
    valueBytes: contents,
    valueStart: matchedValueStart,
    valueEnd: matchedValueEnd,
    isOwn: false,
  };
}
