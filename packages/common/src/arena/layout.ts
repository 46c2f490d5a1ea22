/**
 * Every number of an arena's shared memory. No other file has a literal word index.
 *
 * One SharedArrayBuffer per MemDB, little-endian:
 *
 *     ┌──────────── header: 64 Int32 words ────────────┬──── nodeData: Int32 words ────┬──── kvData: bytes ────┐
 *     │  0 magic            8 state *                  │ word 0 is nil, never a node   │ batch records, as     │
 *     │  1 layout version   9 generation *             │                               │ key/batch-record.ts   │
 *     │  2 index kind      10 base sequence, low       │ hash:                         │ writes them, in order │
 *     │  3 node capacity   11 base sequence, high      │   16  2^bits bucket words     │ of their sequence     │
 *     │  4 kv capacity     12 common prefix length     │   ..  nodes of 7 words        │ numbers:              │
 *     │  5 bucket bits     13 clean *                  │                               │                       │
 *     │  6 hash seed 0     14 cancel *                 │ skiplist:                     │ kind │ key length │    │
 *     │  7 hash seed 1     15 progress *               │   16  head, a node of         │ key │ value length │  │
 *     │ 16 visible count * 17 node words used          │       MAX_HEIGHT levels       │ value                 │
 *     │ 18 kv bytes used   19 height in use            │   ..  nodes of 7 + height     │                       │
 *     │ 20 last delta *                                │       words                   │                       │
 *     │ 21..31 reserved    32..63 common prefix, bytes │                               │ append only           │
 *     └────────────────────────────────────────────────┴───────────────────────────────┴───────────────────────┘
 *      * read and written with Atomics (the last delta is written so only while other threads read). Everything else is written by the owner alone, only while the arena is
 *        Active (words 0 to 7: before anyone else sees it).
 *
 * Visible count and last delta, which other threads poll, share a cache line only with what changes with them.
 */
import { GIB } from '../base/limits.ts';
import { IndexKind } from './index-kind.ts';

/** Grows with every change of the layout; a thread that runs other code refuses the arena. */
export const ARENA_LAYOUT_VERSION = 2;
/** 'AREN' in memory. */
export const ARENA_MAGIC = 0x4e455241;

export const WORD_BYTES = 4;
export const HEADER_WORDS = 64;
export const HEADER_BYTES: number = HEADER_WORDS * WORD_BYTES;

/** Words of the header. */
export const HeaderWord = {
  Magic: 0,
  LayoutVersion: 1,
  Kind: 2,
  NodeWordsCapacity: 3,
  KvBytesCapacity: 4,
  BucketBits: 5,
  HashSeed0: 6,
  HashSeed1: 7,
  State: 8,
  Generation: 9,
  BaseSequenceLow: 10,
  BaseSequenceHigh: 11,
  PrefixLength: 12,
  Clean: 13,
  Cancel: 14,
  Progress: 15,
  VisibleCount: 16,
  NodeWordsUsed: 17,
  KvBytesUsed: 18,
  Height: 19,
  /** Sequence number of the last visible entry minus the base sequence; stored behind the visible count. */
  LastDelta: 20,
  Prefix: 32,
} as const;

export const PREFIX_OFFSET: number = HeaderWord.Prefix * WORD_BYTES;
/** A longer common prefix is cut: what lies behind it is compared as part of the keys. */
export const MAX_PREFIX_BYTES: number = HEADER_BYTES - PREFIX_OFFSET;

/** First word of nodeData in use; the words before it keep 0 free as nil and the region behind on a cache line. */
export const INDEX_WORD = 16;

// Words of a node. The first four are the same in both kinds.
export const NODE_KEY_OFFSET = 0;
export const NODE_KEY_LENGTH = 1;
/** Bytes of the value, or TOMBSTONE. */
export const NODE_VALUE_LENGTH = 2;
/** Sequence number minus the arena's base sequence. */
export const NODE_SEQUENCE_DELTA = 3;
export const TOMBSTONE = -1;

// hash
export const HASH_NODE_HASH = 4;
/** Next key of the bucket: a link to the newest node of that key. */
export const HASH_NODE_NEXT = 5;
/** The version of the same key before this one. */
export const HASH_NODE_OLDER = 6;
export const HASH_NODE_WORDS = 7;
/** Node and bucket words that the capacity is computed with. */
const HASH_WORDS_PER_ENTRY = 8;

// skiplist
/** Entry number << SKIP_HEIGHT_BITS | height. */
export const SKIP_NODE_ENTRY = 4;
/** The first 8 user-key bytes after the common prefix, big-endian, biased so that signed words order like bytes. */
export const SKIP_NODE_PREFIX_HIGH = 5;
export const SKIP_NODE_PREFIX_LOW = 6;
export const SKIP_NODE_NEXT = 7;
export const SKIP_HEIGHT_BITS = 4;
export const MAX_HEIGHT = 12;
/** One node in BRANCHING reaches the next level. */
export const BRANCHING = 4;
export const SKIP_HEAD: number = INDEX_WORD;
const SKIP_FIRST_NODE = SKIP_HEAD + SKIP_NODE_NEXT + MAX_HEIGHT;

/** Entries of one arena: an entry number fits in 24 bits beside five key bytes (sort) or a height (skiplist). */
export const MAX_ARENA_ENTRIES: number = 2 ** 24;
/** Largest nodeData region, in words: references are Int32. */
export const MAX_NODE_WORDS: number = (2 * GIB) / WORD_BYTES;
/** Greatest distance of a sequence number from the arena's base. */
export const MAX_SEQUENCE_DELTA: number = 2 ** 31 - 1;
/** Room that every arena has, however small its kvData. */
const MIN_ENTRIES = 64;

/** Sizes of the two regions. */
export interface ArenaSizes {
  readonly kvBytes: number;
  readonly nodeWords: number;
}

export function arenaByteLength({ nodeWords, kvBytes }: ArenaSizes): number {
  return HEADER_BYTES + nodeWords * WORD_BYTES + kvBytes;
}

/**
 * Sizes that hold `entries` entries of `recordBytes` bytes of batch records in all. The node region is at least
 * half as large as kvData, which suits entries of 64 bytes and more; a standard arena is one for 0 entries.
 */
export function arenaSizesFor(kind: IndexKind, recordBytes: number, entries: number): ArenaSizes {
  const standardWords = Math.floor(recordBytes / 2 / WORD_BYTES);
  const neededWords = nodeWordsFor(kind, Math.max(entries, MIN_ENTRIES));
  return { kvBytes: Math.max(recordBytes, 1), nodeWords: Math.max(standardWords, neededWords) };
}

/** Node words in which `entries` entries fit for certain. */
export function nodeWordsFor(kind: IndexKind, entries: number): number {
  return kind === IndexKind.Hash
    ? INDEX_WORD + entries * HASH_WORDS_PER_ENTRY
    : SKIP_FIRST_NODE + entries * maxNodeWords(kind);
}

/** Words of the largest node of a kind. */
export function maxNodeWords(kind: IndexKind): number {
  return kind === IndexKind.Hash ? HASH_NODE_WORDS : SKIP_NODE_NEXT + MAX_HEIGHT;
}

/** The bucket table has 2^bits words: one bucket for each entry that fits, rounded down to a power of two. */
export function bucketBitsFor(kind: IndexKind, nodeWords: number): number {
  if (kind !== IndexKind.Hash) return 0;
  return 31 - Math.clz32(Math.min((nodeWords - INDEX_WORD) / HASH_WORDS_PER_ENTRY, MAX_ARENA_ENTRIES));
}

/** The word at which the first node stands. Hash nodes have a fixed size: entry i is HASH_NODE_WORDS * i further. */
export function firstNodeFor(kind: IndexKind, bucketBits: number): number {
  return kind === IndexKind.Hash ? INDEX_WORD + 2 ** bucketBits : SKIP_FIRST_NODE;
}
