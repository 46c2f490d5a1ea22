import { MAX_SEQUENCE } from '@arena-level/common/base/limits';
import type { Block } from '@arena-level/common/block/block';
import { BlockCursor } from '@arena-level/common/block/block-cursor';
import { copyRange, withCapacity } from '@arena-level/common/block/copy-range';
import { compareBytes, compareRanges } from '@arena-level/common/bytes/compare';
import { readU32LE } from '@arena-level/common/bytes/endian';
import { bloomHash, signedBloomHash } from '@arena-level/common/filter/bloom';
import type { FilterBlockReader } from '@arena-level/common/filter/filter-block';
import { readTrailerKind, readTrailerSequence, TRAILER_BYTES } from '@arena-level/common/key/internal-key';
import { ValueKind } from '@arena-level/common/key/value-kind';
import type { ProblemList } from './problem-list.ts';
import { walkBlock } from './walk-block.ts';

const FIRST_KEY_BYTES = 64;

/**
 * Checks the entries of a table, data block after data block: that keys are well formed and ascend, lie between the
 * index keys around their block, and are known to the filter.
 */
export class EntryChecker {
  readonly #problems: ProblemList;
  readonly #cursor: BlockCursor = new BlockCursor();
  #filter: FilterBlockReader | undefined;
  #filterIsLegacy = false;
  #count = 0;
  /** The last key seen: lastKey[0, lastEnd). */
  #lastKey: Uint8Array<ArrayBuffer> = new Uint8Array(FIRST_KEY_BYTES);
  #lastEnd = 0;
  #firstKey: Uint8Array | undefined;
  /** Index key of the block before. */
  #separator: Uint8Array | undefined;
  /** False where the first or the last entry of the table may be one that could not be read. */
  #firstIsKnown = true;
  #lastIsKnown = true;

  constructor(problems: ProblemList) {
    this.#problems = problems;
  }

  /** Entries seen. */
  get count(): number {
    return this.#count;
  }

  /** From here on, every key must be in the filter. A legacy one may hold hashes of signed characters. */
  useFilter(filter: FilterBlockReader, isLegacy: boolean): void {
    this.#filter = filter;
    this.#filterIsLegacy = isLegacy;
  }

  /** Checks the next data block, which the index lists under `separator`. Keeps `separator`. */
  checkBlock(block: Block, separator: Uint8Array): void {
    const before = this.#count;
    const isWhole = walkBlock(block, this.#cursor, this.#problems, () => this.#checkEntry(block, before));
    if (this.#count === before) {
      this.#problems.add('the data block has no entries', block.offset);
    } else if (this.#checkSeparator(separator, block.offset)) {
      if (compareKeys(this.#lastKey, this.#lastEnd, separator, separator.length) > 0) {
        this.#problems.add('the index key of the data block sorts before its last entry', block.offset);
      }
    }
    this.#separator = separator;
    this.#lastIsKnown = isWhole;
  }

  /** Notes that the next data block cannot be read. */
  skipBlock(separator: Uint8Array): void {
    if (this.#count === 0) this.#firstIsKnown = false;
    this.#lastIsKnown = false;
    this.#separator = separator;
  }

  /** Compares first and last key with those of the manifest, where they are known. */
  checkBounds(smallest: Uint8Array, largest: Uint8Array): void {
    if (this.#count === 0) {
      if (this.#firstIsKnown) this.#problems.add('no entry of the table can be read');
      return;
    }
    const first = this.#firstKey!;
    if (this.#firstIsKnown && compareBytes(first, smallest) !== 0) {
      this.#problems.add(`the first key is ${shown(first)}, the manifest states ${shown(smallest)}`);
    }
    const last = this.#lastKey.subarray(0, this.#lastEnd);
    if (this.#lastIsKnown && compareBytes(last, largest) !== 0) {
      this.#problems.add(`the last key is ${shown(last)}, the manifest states ${shown(largest)}`);
    }
  }

  #checkEntry(block: Block, countBefore: number): void {
    const { keyBytes, keyEnd, entryOffset } = this.#cursor;
    const userEnd = keyEnd - TRAILER_BYTES;
    if (userEnd < 0) {
      this.#report(block, entryOffset, 'has a key shorter than its trailer');
      return;
    }
    const kind = readTrailerKind(keyBytes, userEnd);
    if (kind > ValueKind.Put) this.#report(block, entryOffset, `is of unknown kind ${kind}`);
    if (readTrailerSequence(keyBytes, userEnd) > MAX_SEQUENCE) {
      this.#report(block, entryOffset, 'has a sequence number above 2^53 - 1');
    }
    const separator = this.#count === countBefore ? this.#separator : undefined;
    if (separator !== undefined && this.#checkSeparator(separator, block.offset)) {
      if (compareKeys(separator, separator.length, keyBytes, keyEnd) >= 0) {
        this.#report(block, entryOffset, 'does not sort after the index key of the block before');
      }
    }
    if (this.#count > 0 && compareKeys(this.#lastKey, this.#lastEnd, keyBytes, keyEnd) >= 0) {
      this.#report(block, entryOffset, 'does not sort after the entry before');
    }
    if (this.#isMissedByFilter(block.offset, keyBytes, userEnd)) {
      this.#report(block, entryOffset, 'has a key that the filter says is absent');
    }
    this.#count++;
    this.#keep(keyBytes, keyEnd);
  }

  #keep(keyBytes: Uint8Array, keyEnd: number): void {
    if (this.#firstKey === undefined) this.#firstKey = keyBytes.slice(0, keyEnd);
    this.#lastKey = withCapacity(this.#lastKey, keyEnd);
    copyRange(this.#lastKey, 0, keyBytes, 0, keyEnd);
    this.#lastEnd = keyEnd;
  }

  #isMissedByFilter(blockOffset: number, keyBytes: Uint8Array, userEnd: number): boolean {
    const filter = this.#filter;
    if (filter === undefined || filter.mayContain(blockOffset, bloomHash(keyBytes, 0, userEnd))) return false;
    return !(this.#filterIsLegacy && filter.mayContain(blockOffset, signedBloomHash(keyBytes, 0, userEnd)));
  }

  /** False for an index key that cannot be compared with; noted once, with the block that it ends. */
  #checkSeparator(separator: Uint8Array, blockOffset: number): boolean {
    if (separator.length >= TRAILER_BYTES) return true;
    if (separator !== this.#separator) {
      this.#problems.add('the index key of the data block is shorter than its trailer', blockOffset);
    }
    return false;
  }

  #report(block: Block, entryOffset: number, what: string): void {
    this.#problems.add(`entry at ${entryOffset} of the data block ${what}`, block.offset);
  }
}

/** Order of internal keys left[0, leftEnd) and right[0, rightEnd), with trailers of any value. */
function compareKeys(left: Uint8Array, leftEnd: number, right: Uint8Array, rightEnd: number): number {
  const leftUserEnd = leftEnd - TRAILER_BYTES;
  const rightUserEnd = rightEnd - TRAILER_BYTES;
  const byUserKey = compareRanges(left, 0, leftUserEnd, right, 0, rightUserEnd);
  if (byUserKey !== 0) return byUserKey;
  const byHigh = readU32LE(right, rightUserEnd + 4) - readU32LE(left, leftUserEnd + 4);
  return byHigh !== 0 ? byHigh : readU32LE(right, rightUserEnd) - readU32LE(left, leftUserEnd);
}

function shown(key: Uint8Array): string {
  const limit = 40;
  const hex = Buffer.from(key.subarray(0, limit)).toString('hex');
  return key.length > limit ? `${hex}... (${key.length} bytes)` : hex;
}
