/**
 * The filter block of a table: one bloom filter for each 2 KiB of data blocks.
 *
 *     filters │ offset of each (u32 LE) │ offset of these offsets (u32 LE) │ 11 (1 byte: log2 of 2 KiB)
 *
 * Filter i is over the user keys of the data blocks that begin in [i * 2 KiB, (i + 1) * 2 KiB). No block begins in
 * most windows where blocks are large; their filters have no bytes, which says: no key.
 */
import { KIB } from '../base/limits.ts';
import { readU32LE, writeU32LE } from '../bytes/endian.ts';
import { bloomBytes, bloomMayContain, writeBloom } from './bloom.ts';

/** What current LevelDB calls the filter. On disk: never change. */
export const FILTER_NAME = 'leveldb.BuiltinBloomFilter2';

/**
 * What goleveldb calls the same filter, and what LevelDB before 1.18 called one whose hash depended on the machine:
 * a key is absent from it only when `bloomHash` and `signedBloomHash` both say so.
 */
export const LEGACY_FILTER_NAME = 'leveldb.BuiltinBloomFilter';

/** In the metaindex, the name follows this. */
export const FILTER_KEY_PREFIX = 'filter.';

const WINDOW_LOG2 = 11;
const WORD_BYTES = 4;
const FOOT_BYTES: number = WORD_BYTES + 1;

/** Collects the hashes of one table's user keys. Nothing is allocated per key. One owner. */
export class FilterBlockBuilder {
  readonly #bitsPerKey: number;
  /** Of the keys since the last filter was made. */
  #hashes: Uint32Array<ArrayBuffer> = new Uint32Array(256);
  #keys = 0;
  /** INVARIANT: bytes from `#end` on are zero. */
  #filters: Uint8Array<ArrayBuffer> = new Uint8Array(16 * KIB);
  #end = 0;
  readonly #offsets: number[] = [];

  constructor(bitsPerKey: number) {
    this.#bitsPerKey = bitsPerKey;
  }

  add(keyHash: number): void {
    if (this.#keys === this.#hashes.length) {
      const larger = new Uint32Array(2 * this.#keys);
      larger.set(this.#hashes);
      this.#hashes = larger;
    }
    this.#hashes[this.#keys++] = keyHash;
  }

  /** The next data block begins at `offset` of the file; keys added so far belong to blocks before it. */
  startBlock(offset: number): void {
    const windows = Math.floor(offset / 2 ** WINDOW_LOG2);
    while (this.#offsets.length < windows) this.#finishFilter();
  }

  /** Contents of the filter block: a copy. */
  finish(): Uint8Array<ArrayBuffer> {
    if (this.#keys > 0) this.#finishFilter();
    const arrayOffset = this.#end;
    const contents = new Uint8Array(arrayOffset + this.#offsets.length * WORD_BYTES + FOOT_BYTES);
    contents.set(this.#filters.subarray(0, arrayOffset));
    let at = arrayOffset;
    for (const offset of this.#offsets) {
      writeU32LE(contents, at, offset);
      at += WORD_BYTES;
    }
    writeU32LE(contents, at, arrayOffset);
    contents[at + WORD_BYTES] = WINDOW_LOG2;
    return contents;
  }

  #finishFilter(): void {
    this.#offsets.push(this.#end);
    if (this.#keys === 0) return;
    const end = this.#end + bloomBytes(this.#keys, this.#bitsPerKey);
    if (end > this.#filters.length) {
      const larger = new Uint8Array(Math.max(end, 2 * this.#filters.length));
      larger.set(this.#filters);
      this.#filters = larger;
    }
    writeBloom(this.#filters, this.#end, this.#hashes, this.#keys, this.#bitsPerKey);
    this.#end = end;
    this.#keys = 0;
  }
}

/** Asks a filter block. One that makes no sense says "maybe" to everything. */
export class FilterBlockReader {
  readonly #contents: Uint8Array;
  readonly #filters: number;
  readonly #arrayOffset: number;
  readonly #windowBytes: number;

  constructor(contents: Uint8Array) {
    this.#contents = contents;
    const foot = contents.length - FOOT_BYTES;
    const arrayOffset = foot < 0 ? 0 : readU32LE(contents, foot);
    this.#arrayOffset = arrayOffset;
    this.#filters = foot < arrayOffset ? 0 : Math.floor((foot - arrayOffset) / WORD_BYTES);
    this.#windowBytes = foot < 0 ? 1 : 2 ** contents[contents.length - 1]!;
  }

  /** Bytes held in memory. */
  get sizeBytes(): number {
    return this.#contents.length;
  }

  /** False only when no user key of this hash is in the data block that begins at `blockOffset`. */
  mayContain(blockOffset: number, keyHash: number): boolean {
    const index = Math.floor(blockOffset / this.#windowBytes);
    if (index >= this.#filters) return true;
    const at = this.#arrayOffset + index * WORD_BYTES;
    const start = readU32LE(this.#contents, at);
    // Behind the last offset stands the offset of the array: where the last filter ends.
    const end = readU32LE(this.#contents, at + WORD_BYTES);
    if (start > end || end > this.#arrayOffset) return true;
    return start < end && bloomMayContain(this.#contents, start, end, keyHash);
  }
}
