import { commonPrefixLength } from '../bytes/compare.ts';
import { decodeVarint32, varintEnd } from '../bytes/varint.ts';
import { WORD_BYTES, wordAt } from '../bytes/word.ts';
import { TRAILER_BYTES } from '../key/internal-key.ts';
import type { Block } from './block.ts';

const FIRST_ENTRIES = 64;
const SMALL_HEADER_BYTES = 3;

/**
 * The entries of one block after the other, as `block-image.ts` keeps them. Unlike an `EntryIndex` it is made of every block
 * that is kept, so it is made in one walk that puts no keys together: of each only the bytes that its word has.
 */
export class ImageIndex {
  entries = 0;
  /** Bytes that all user keys begin with. */
  prefixLength = 0;
  /** Up to four of them. */
  prefixWord = 0;
  /** Where in the contents the first key begins, and the entries end. */
  firstKey = 0;
  entriesEnd = 0;
  /** Of each entry, `entries` of both: the word of its user key behind the prefix, and its offset. */
  words: Int32Array<ArrayBuffer> = new Int32Array(FIRST_ENTRIES);
  offsets: Int32Array<ArrayBuffer> = new Int32Array(FIRST_ENTRIES);
  #shared = 0;
  #unshared = 0;
  #keyStart = 0;

  /** Forgets the block before. REQUIRES: a data block that was checked when it was read. */
  read(block: Block): this {
    const { contents, restartsOffset: limit } = block;
    this.entries = 0;
    this.entriesEnd = limit;
    this.#decode(contents, 0, limit);
    this.firstKey = this.#keyStart;
    this.prefixLength = this.#commonPrefix(block);
    this.prefixWord = wordAt(contents, this.firstKey, this.firstKey + this.prefixLength);
    const wordEnd = this.prefixLength + WORD_BYTES;
    /** The bytes of a word, of the whole key and what follows it: what is shared with a key may be of its trailer. */
    let bytes = 0;
    for (let entry = 0; entry < limit; ) {
      const next = this.#decode(contents, entry, limit);
      const userEnd = this.#shared + this.#unshared - TRAILER_BYTES;
      for (let at = Math.max(this.#shared, this.prefixLength); at < wordEnd; at++) {
        const shift = (wordEnd - 1 - at) * 8;
        bytes = (bytes & ~(0xff << shift)) | (contents[this.#keyStart + at - this.#shared]! << shift);
      }
      this.#add(withoutLast(bytes, wordEnd - userEnd), entry);
      entry = next;
    }
    return this;
  }

  /** Of the first key and the last one, of which what they share with those before says it: restart points are whole. */
  #commonPrefix(block: Block): number {
    const { contents, restartsOffset: limit } = block;
    const firstEnd = this.#keyStart + this.#unshared - TRAILER_BYTES;
    let next = this.#decode(contents, block.restart(block.restartCount - 1), limit);
    const end = this.#keyStart + this.#unshared - TRAILER_BYTES;
    let common = commonPrefixLength(contents, this.firstKey, firstEnd, contents, this.#keyStart, end);
    while (next < limit) {
      next = this.#decode(contents, next, limit);
      common = Math.min(common, this.#shared);
    }
    return common;
  }

  #add(word: number, offset: number): void {
    if (this.entries === this.words.length) {
      this.words = doubled(this.words);
      this.offsets = doubled(this.offsets);
    }
    this.words[this.entries] = word;
    this.offsets[this.entries++] = offset;
  }

  /** Reads the header of an entry; the offset behind the entry. */
  #decode(contents: Uint8Array, entry: number, limit: number): number {
    let shared = contents[entry]!;
    let unshared = contents[entry + 1]!;
    let valueLength = contents[entry + 2]!;
    let keyStart = entry + SMALL_HEADER_BYTES;
    if ((shared | unshared | valueLength) >= 0x80) {
      shared = decodeVarint32(contents, entry, limit);
      unshared = decodeVarint32(contents, varintEnd, limit);
      valueLength = decodeVarint32(contents, varintEnd, limit);
      keyStart = varintEnd;
    }
    this.#shared = shared;
    this.#unshared = unshared;
    this.#keyStart = keyStart;
    return keyStart + unshared + valueLength;
  }
}

/** A word whose last `count` bytes, if any, are zeros. */
function withoutLast(word: number, count: number): number {
  if (count <= 0) return word;
  return count >= WORD_BYTES ? 0 : (word >>> (count * 8)) << (count * 8);
}

function doubled(words: Int32Array): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(2 * words.length);
  larger.set(words);
  return larger;
}
