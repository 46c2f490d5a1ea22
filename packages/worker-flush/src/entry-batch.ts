import { KIB, MAX_SEQUENCE } from '@arena-level/common/base/limits';
import type { Block } from '@arena-level/common/block/block';
import { copyRange, withCapacity } from '@arena-level/common/block/copy-range';
import { compareRanges, EMPTY_BYTES, equalRanges } from '@arena-level/common/bytes/compare';
import { decodeVarint32, varintEnd } from '@arena-level/common/bytes/varint';
import { readTrailerSequence, TRAILER_BYTES } from '@arena-level/common/key/internal-key';
import { ValueKind } from '@arena-level/common/key/value-kind';
import { writeKeyWords } from '@arena-level/common/memdb/key-words';

const MAX_ENTRIES = 1024;
/** One key may be longer. */
const MAX_KEY_BYTES: number = 128 * KIB;
const FIRST_KEY_BYTES: number = 4 * KIB;
const SMALL_HEADER_BYTES = 3;

export class EntryBatch {
  count = 0;
  /** User key of entry i: keys[keyStarts[i], keyEnds[i]), its trailer behind it. */
  keys: Uint8Array<ArrayBuffer> = new Uint8Array(FIRST_KEY_BYTES);
  readonly keyStarts: Uint32Array = new Uint32Array(MAX_ENTRIES);
  readonly keyEnds: Uint32Array = new Uint32Array(MAX_ENTRIES);
  /** The bytes of user key i behind the prefix: words 2i and 2i + 1 (`memdb/key-words.ts`). */
  readonly words: Int32Array = new Int32Array(2 * MAX_ENTRIES);
  readonly sequences: Float64Array = new Float64Array(MAX_ENTRIES);
  readonly kinds: Uint8Array = new Uint8Array(MAX_ENTRIES);
  /** Value of entry i: contents[valueStarts[i], valueEnds[i]); the next entry of the block begins there. */
  readonly valueStarts: Uint32Array = new Uint32Array(MAX_ENTRIES);
  readonly valueEnds: Uint32Array = new Uint32Array(MAX_ENTRIES);
  contents: Uint8Array<ArrayBuffer> = EMPTY_BYTES;
  /** What all user keys begin with. */
  readonly #prefix: Uint8Array;
  #spareKeys: Uint8Array<ArrayBuffer> = new Uint8Array(FIRST_KEY_BYTES);

  constructor(prefix: Uint8Array) {
    this.#prefix = prefix;
  }

  /** Forgets the last entry: what comes next may sort before it, as a table of another run does. */
  clear(): void {
    this.count = 0;
  }

  /**
   * Decodes entries from `offset` of the block on, and returns the offset behind them: that of its restart points
   * when the block is through. REQUIRES: `offset` is 0 or what the call before returned for the same block.
   */
  fill(block: Block, offset: number): number {
    const { contents, restartsOffset: limit } = block;
    const { keyStarts, keyEnds, valueStarts, valueEnds, words } = this;
    let before = this.keys;
    let beforeStart = this.count === 0 ? 0 : keyStarts[this.count - 1]!;
    let beforeEnd = this.count === 0 ? -1 : keyEnds[this.count - 1]!;
    let high = this.count === 0 ? 0 : words[2 * this.count - 2]!;
    let low = this.count === 0 ? 0 : words[2 * this.count - 1]!;
    let sharable = offset === 0 ? 0 : beforeEnd + TRAILER_BYTES - beforeStart;
    let keys = this.#spareKeys;
    let used = 0;
    let count = 0;
    let entry = offset;
    while (entry < limit && count < MAX_ENTRIES) {
      let at = entry + SMALL_HEADER_BYTES;
      let shared = contents[entry]!;
      let unshared = contents[entry + 1]!;
      let valueLength = contents[entry + 2]!;
      if (at > limit || (shared | unshared | valueLength) >= 0x80) {
        if (!readHeader(contents, entry, limit))
          throw block.entryDamage(entry, 'has a length that is cut off');
        shared = headerShared;
        unshared = headerUnshared;
        valueLength = headerValueLength;
        at = varintEnd;
      }
      if (shared > sharable || unshared + valueLength > limit - at) {
        throw block.entryDamage(entry, 'has lengths that do not fit');
      }
      const length = shared + unshared;
      if (used + length > keys.length) {
        if (count > 0 && used + length > MAX_KEY_BYTES) break;
        keys = withCapacity(keys, used + length);
      }
      copyRange(keys, used, before, beforeStart, beforeStart + shared);
      copyRange(keys, used + shared, contents, at, at + unshared);
      const end = used + length - TRAILER_BYTES;
      this.#check(block, entry, keys, used, end, shared, count);
      const word = 2 * count;
      writeKeyWords(words, word, EMPTY_BYTES, keys, used + this.#prefix.length, end);
      const isBehind = words[word]! > high || (words[word]! === high && words[word + 1]! > low);
      if (!isBehind && beforeEnd >= 0 && !ascends(before, beforeStart, beforeEnd, keys, used, end)) {
        throw block.entryDamage(entry, 'does not sort after the entry before');
      }
      high = words[word]!;
      low = words[word + 1]!;
      keyStarts[count] = used;
      keyEnds[count] = end;
      valueStarts[count] = at + unshared;
      entry = at + unshared + valueLength;
      valueEnds[count++] = entry;
      before = keys;
      beforeStart = used;
      beforeEnd = end;
      sharable = length;
      used += length;
    }
    this.#turn(contents, keys, count);
    return entry;
  }

  /** Checks the key of an entry, of which the first `shared` bytes are those of the key before, and notes its trailer. */
  #check(
    block: Block,
    entry: number,
    keys: Uint8Array,
    start: number,
    end: number,
    shared: number,
    index: number,
  ): void {
    if (end < start) throw block.entryDamage(entry, 'has a key shorter than its trailer');
    const kind = keys[end]!;
    if (kind > ValueKind.Put) throw block.entryDamage(entry, `is of unknown kind ${kind}`);
    const sequence = readTrailerSequence(keys, end);
    if (sequence > MAX_SEQUENCE) throw block.sequenceTooLarge(entry);
    const { length } = this.#prefix;
    if (shared < length || end - start < length) {
      const keyEnd = Math.min(end, start + length);
      if (!equalRanges(this.#prefix, 0, length, keys, start, keyEnd)) {
        throw block.entryDamage(entry, 'lies outside the bounds of its table');
      }
    }
    this.kinds[index] = kind;
    this.sequences[index] = sequence;
  }

  /** Makes the decoded entries the current ones; the keys of those before stay, as the spare. */
  #turn(contents: Uint8Array<ArrayBuffer>, keys: Uint8Array<ArrayBuffer>, count: number): void {
    this.contents = contents;
    this.count = count;
    this.#spareKeys = this.keys;
    this.keys = keys;
  }
}

/** Of the last header that `readHeader` read; `varintEnd` is behind it. */
let headerShared = 0;
let headerUnshared = 0;
let headerValueLength = 0;

function readHeader(contents: Uint8Array, at: number, limit: number): boolean {
  headerShared = decodeVarint32(contents, at, limit);
  if (headerShared < 0) return false;
  headerUnshared = decodeVarint32(contents, varintEnd, limit);
  if (headerUnshared < 0) return false;
  headerValueLength = decodeVarint32(contents, varintEnd, limit);
  return headerValueLength >= 0;
}

/** Whether the entry of the right user key, its trailer behind it, sorts after that of the left one. */
function ascends(
  left: Uint8Array,
  leftStart: number,
  leftEnd: number,
  right: Uint8Array,
  rightStart: number,
  rightEnd: number,
): boolean {
  const order = compareRanges(left, leftStart, leftEnd, right, rightStart, rightEnd);
  if (order !== 0) return order < 0;
  const newer = readTrailerSequence(left, leftEnd) - readTrailerSequence(right, rightEnd);
  return newer > 0 || (newer === 0 && left[leftEnd]! > right[rightEnd]!);
}
