/**
 * A data block as it lies in memory that threads share, with an index of its entries. Who looks a key up in it makes no
 * object, and may do so while the bytes are being overwritten: then it finds anything, throws nothing, and knows
 * afterwards that it was for nothing (`engine/src/cache/shared`).
 *
 *     │ entries │ bytes that all user keys begin with │ up to four of them │ first key │ end of entries │ 0 │   a word each
 *     │ word of the user key of each entry, ascending: four bytes behind what all begin with                │
 *     │ offset of each entry                                                                                │
 *     │ the contents of the block                                                                           │
 *
 * As `entry-index.ts` has it for blocks that a thread has for itself. Without entries nothing is found in it.
 */
import { compareRanges } from '../bytes/compare.ts';
import { decodeVarint32 } from '../bytes/varint.ts';
import { WORD_BYTES, wordAt } from '../bytes/word.ts';
import { matchEntry, matchedSequence, matchedValueEnd, matchedValueStart } from './entry-match.ts';
import type { ImageIndex } from './image-index.ts';

const ImageWord = { Entries: 0, PrefixLength: 1, Prefix: 2, FirstKey: 3, EntriesEnd: 4 } as const;
/** Even, so that contents are aligned as the image is. */
const HEADER_WORDS = 6;

/** What a search in an image finds. */
export const ImageAnswer = {
  /** A version, which the bindings of `entry-match.ts` tell. */
  Found: 0,
  /** An entry of another key where one of this key would be. */
  None: 1,
  /** Only entries before the key. */
  Behind: 2,
  /** Whole keys would tell, which nobody puts together from bytes that may change. */
  Undecided: 3,
} as const;
export type ImageAnswer = (typeof ImageAnswer)[keyof typeof ImageAnswer];

/** Words before the contents. */
export function imageIndexWords(index: ImageIndex | undefined): number {
  return HEADER_WORDS + 2 * (index?.entries ?? 0);
}

/** The same of an image that is there: anything, while its words are being overwritten. */
export function imageIndexWordsAt(words: Int32Array, at: number): number {
  return HEADER_WORDS + 2 * words[at + ImageWord.Entries]!;
}

/** Writes the image of a block to words[at, ...), which are the same memory as `bytes`. REQUIRES: room. */
export function writeImage(
  words: Int32Array,
  bytes: Uint8Array,
  at: number,
  contents: Uint8Array,
  index: ImageIndex | undefined,
): void {
  bytes.set(contents, (at + imageIndexWords(index)) * WORD_BYTES);
  words[at + ImageWord.Entries] = index?.entries ?? 0;
  if (index === undefined) return;
  words[at + ImageWord.PrefixLength] = index.prefixLength;
  words[at + ImageWord.Prefix] = index.prefixWord;
  words[at + ImageWord.FirstKey] = index.firstKey;
  words[at + ImageWord.EntriesEnd] = index.entriesEnd;
  const first = at + HEADER_WORDS;
  for (let place = 0; place < index.entries; place++) {
    words[first + place] = index.words[place]!;
    words[first + index.entries + place] = index.offsets[place]!;
  }
}

/**
 * The newest version of a user key with a sequence number at most `sequence`, in the image at words[at, end). What is
 * found lies in there, whatever the words are.
 */
export function searchImage(
  words: Int32Array,
  bytes: Uint8Array,
  at: number,
  end: number,
  key: Uint8Array,
  keyStart: number,
  keyEnd: number,
  sequence: number,
): ImageAnswer {
  const entries = words[at + ImageWord.Entries]!;
  const first = at + HEADER_WORDS;
  const behind = first + entries;
  const contents = (behind + entries) * WORD_BYTES;
  const limit = contents + words[at + ImageWord.EntriesEnd]!;
  if (entries <= 0 || limit > end * WORD_BYTES) return ImageAnswer.Undecided;

  const order = comparePrefix(words, bytes, at, contents, key, keyStart, keyEnd);
  if (order !== 0) return order > 0 ? ImageAnswer.Behind : ImageAnswer.None;
  const wordStart = words[at + ImageWord.PrefixLength]!;
  const word = wordAt(key, keyStart + wordStart, keyEnd);
  const place = findWord(words, first, behind, word);
  if (place === behind) return ImageAnswer.Behind;
  if (words[place]! >>> 0 !== word) return ImageAnswer.None;
  const isLast = place + 1 === behind;
  if (!isLast && words[place + 1]! >>> 0 === word) return ImageAnswer.Undecided;
  const entry = contents + words[place + entries]!;
  if (entry < contents) return ImageAnswer.Undecided;
  // What the entry shares with the one before must be known to be the key's: its first bytes, up to its word.
  const shared = decodeVarint32(bytes, entry, limit);
  if (shared < 0 || shared > Math.min(keyEnd - keyStart, wordStart + WORD_BYTES))
    return ImageAnswer.Undecided;
  const isMatch = matchEntry(bytes, entry, limit, key, keyStart, keyEnd);
  if (isMatch && matchedSequence <= sequence) {
    const isInside = matchedValueStart <= matchedValueEnd && matchedValueEnd <= limit;
    return isInside ? ImageAnswer.Found : ImageAnswer.Undecided;
  }
  return isLast ? ImageAnswer.Undecided : ImageAnswer.None;
}

/** Negative, 0 or positive: a user key sorts before all keys of the block, begins like them, or sorts behind them. */
function comparePrefix(
  words: Int32Array,
  bytes: Uint8Array,
  at: number,
  contents: number,
  key: Uint8Array,
  keyStart: number,
  keyEnd: number,
): number {
  const length = words[at + ImageWord.PrefixLength]!;
  const end = keyStart + length;
  if (length <= WORD_BYTES && keyEnd >= end) {
    return wordAt(key, keyStart, end) - (words[at + ImageWord.Prefix]! >>> 0);
  }
  const first = contents + words[at + ImageWord.FirstKey]!;
  return compareRanges(key, keyStart, Math.min(keyEnd, end), bytes, first, first + length);
}

/** The first of words[low, high), unsigned and ascending, that is at least `word`; `high`: there is none. */
function findWord(words: Int32Array, low: number, high: number, word: number): number {
  let start = low;
  let end = high;
  while (start < end) {
    const middle = (start + end) >>> 1;
    if (words[middle]! >>> 0 < word) start = middle + 1;
    else end = middle;
  }
  return start;
}
