/**
 * The index of an open table, kept parsed: for every data block a key at or after its last entry, and its handle.
 *
 * A search is a binary search over arrays. Most of its comparisons are decided by one word per block, the four bytes
 * of the user key behind what all keys have in common. Immutable.
 */
import { corruption, type EngineError } from '../base/errors.ts';
import type { Block } from '../block/block.ts';
import { BlockCursor } from '../block/block-cursor.ts';
import { decodeBlockHandle } from '../block/block-handle.ts';
import { BLOCK_TRAILER_BYTES } from '../block/block-trailer.ts';
import { withCapacity } from '../block/copy-range.ts';
import { SNAPPY_MAX_EXPANSION } from '../block/snappy.ts';
import { commonPrefixLength, compareRanges, EMPTY_BYTES } from '../bytes/compare.ts';
import { wordAt } from '../bytes/word.ts';
import { readTrailerSequence, TRAILER_BYTES } from '../key/internal-key.ts';
import { checkHandle } from './table-format.ts';

export class TableIndex {
  /** Data blocks of the table. */
  readonly blocks: number;
  /** User keys one behind the other; that of block i is keys[keyEnds[i - 1] or 0, keyEnds[i]). */
  readonly #keys: Uint8Array<ArrayBuffer>;
  readonly #keyEnds: Uint32Array<ArrayBuffer>;
  /** Sequence numbers of the keys. LevelDB's 2^56 - 1 is rounded here: it need only be larger than all others. */
  readonly #sequences: Float64Array<ArrayBuffer>;
  readonly #offsets: Float64Array<ArrayBuffer>;
  readonly #sizes: Uint32Array<ArrayBuffer>;
  /** Bytes that all user keys begin with. */
  readonly #prefixLength: number;
  /** The bytes behind the common prefix as a big-endian word, zeros where the key ends. */
  readonly #words: Uint32Array<ArrayBuffer>;

  /** Parses an index block; keys must ascend, and so must the blocks, one behind the other, before `dataEnd`. */
  constructor(block: Block, dataEnd: number) {
    const parsed = parseIndex(block, dataEnd);
    const blocks = parsed.offsets.length;
    this.blocks = blocks;
    this.#keys = parsed.keys;
    this.#keyEnds = Uint32Array.from(parsed.keyEnds);
    this.#sequences = Float64Array.from(parsed.sequences);
    this.#offsets = Float64Array.from(parsed.offsets);
    this.#sizes = Uint32Array.from(parsed.sizes);
    const lastStart = blocks > 1 ? this.#keyEnds[blocks - 2]! : 0;
    this.#prefixLength =
      blocks === 0
        ? 0
        : commonPrefixLength(
            this.#keys,
            0,
            this.#keyEnds[0]!,
            this.#keys,
            lastStart,
            this.#keyEnds[blocks - 1]!,
          );
    this.#words = new Uint32Array(blocks);
    for (let i = 0, start = 0; i < blocks; i++) {
      this.#words[i] = wordAt(this.#keys, start + this.#prefixLength, this.#keyEnds[i]!);
      start = this.#keyEnds[i]!;
    }
  }

  /** Bytes held in memory. */
  get sizeBytes(): number {
    return this.#keys.length + this.blocks * 28;
  }

  /** Offset of a data block in the file. REQUIRES: 0 <= index < blocks; so below. */
  offset(index: number): number {
    return this.#offsets[index]!;
  }

  /** Bytes of a data block as stored, without its trailer. */
  size(index: number): number {
    return this.#sizes[index]!;
  }

  /** True when the user key that ends a block's range is this one: the next block may begin with it. */
  endsWith(index: number, key: Uint8Array, keyStart: number, keyEnd: number): boolean {
    return (
      compareRanges(this.#keys, this.#keyStart(index), this.#keyEnds[index]!, key, keyStart, keyEnd) === 0
    );
  }

  /** The only block that can hold the first entry at or after (user key, sequence), or -1 when all are before. */
  find(key: Uint8Array, keyStart: number, keyEnd: number, sequence: number): number {
    const prefixLength = this.#prefixLength;
    const prefixEnd = keyStart + prefixLength;
    const order = compareRanges(key, keyStart, Math.min(keyEnd, prefixEnd), this.#keys, 0, prefixLength);
    if (order !== 0) return order > 0 || this.blocks === 0 ? -1 : 0;

    const words = this.#words;
    const word = wordAt(key, prefixEnd, keyEnd);
    let low = 0;
    let high = this.blocks;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const middleWord = words[middle]!;
      if (middleWord === word ? this.isBefore(middle, key, keyStart, keyEnd, sequence) : middleWord < word) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low < this.blocks ? low : -1;
  }

  /** True when the index key of a block sorts before (user key, sequence). */
  isBefore(index: number, key: Uint8Array, keyStart: number, keyEnd: number, sequence: number): boolean {
    const start = this.#keyStart(index);
    const order = compareRanges(this.#keys, start, this.#keyEnds[index]!, key, keyStart, keyEnd);
    return order < 0 || (order === 0 && this.#sequences[index]! > sequence);
  }

  #keyStart(index: number): number {
    return index === 0 ? 0 : this.#keyEnds[index - 1]!;
  }
}

interface ParsedIndex {
  keys: Uint8Array<ArrayBuffer>;
  readonly keyEnds: number[];
  readonly sequences: number[];
  readonly offsets: number[];
  readonly sizes: number[];
}

function parseIndex(block: Block, dataEnd: number): ParsedIndex {
  const parsed: ParsedIndex = { keys: EMPTY_BYTES, keyEnds: [], sequences: [], offsets: [], sizes: [] };
  const cursor = new BlockCursor();
  cursor.attach(block);
  const maxKeyBytes = maxIndexKeyBytes(dataEnd);
  let end = 0;
  let dataAt = 0;
  while (cursor.next()) {
    const userEnd = cursor.keyEnd - TRAILER_BYTES;
    if (userEnd < 0) throw cursor.damage(cursor.entryOffset, 'has a key shorter than its trailer');
    const handle = decodeBlockHandle(cursor.contents, cursor.valueStart, cursor.valueEnd);
    const { offset, size } = checkHandle(handle, 'data', block.file, block.offset, dataEnd);
    checkAscending(block, parsed, end, cursor, userEnd);
    if (offset < dataAt) throw dataOverlaps(block, offset);
    dataAt = offset + size + BLOCK_TRAILER_BYTES;
    if (end + userEnd > maxKeyBytes)
      throw block.damage('keys of the index are longer than those of its blocks');
    parsed.keys = withCapacity(parsed.keys, end + userEnd);
    parsed.keys.set(cursor.keyBytes.subarray(0, userEnd), end);
    end += userEnd;
    parsed.keyEnds.push(end);
    parsed.sequences.push(readTrailerSequence(cursor.keyBytes, userEnd));
    parsed.offsets.push(offset);
    parsed.sizes.push(size);
  }
  parsed.keys = parsed.keys.slice(0, end);
  return parsed;
}

/**
 * What the index keys of a table can have in all: each is at most as long as the last key of its block, whose every
 * byte stands somewhere in that block. An index block can state far more, by keys that share what they begin with.
 */
export function maxIndexKeyBytes(dataEnd: number): number {
  return dataEnd * SNAPPY_MAX_EXPANSION;
}

function dataOverlaps(block: Block, offset: number): EngineError {
  return block.damage(`index lists a data block at ${offset} that does not stand behind the one before`);
}

/** Throws unless the key at the cursor sorts after the last one parsed, whose bytes end at `end`. */
function checkAscending(
  block: Block,
  parsed: ParsedIndex,
  end: number,
  cursor: BlockCursor,
  userEnd: number,
): void {
  const last = parsed.keyEnds.length - 1;
  if (last < 0) return;
  const lastStart = last === 0 ? 0 : parsed.keyEnds[last - 1]!;
  const order = compareRanges(parsed.keys, lastStart, end, cursor.keyBytes, 0, userEnd);
  if (order < 0) return;
  if (order === 0 && parsed.sequences[last]! > readTrailerSequence(cursor.keyBytes, userEnd)) return;
  throw corruption(`key ${last + 1} of the index does not ascend`, block.file, block.offset);
}
