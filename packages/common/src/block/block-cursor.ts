/**
 * A position at one entry of a block, keys taken as plain bytes: what index and metaindex blocks are read with, and
 * what `block-iterator.ts` builds on.
 *
 * Every length is checked before it is used. The key is put together in a buffer that the cursor owns, good until
 * the next move; nothing is allocated per entry.
 */
import type { EngineError } from '../base/errors.ts';
import { EMPTY_BYTES } from '../bytes/compare.ts';
import { decodeVarint32, varintEnd } from '../bytes/varint.ts';
import type { Block } from './block.ts';
import { copyRange, withCapacity } from './copy-range.ts';
import type { EntryRun } from './entry-run.ts';

const FIRST_KEY_BYTES = 64;
const SMALL_HEADER_BYTES = 3;

export class BlockCursor {
  block: Block | undefined;
  /** The current key is keyBytes[0, keyEnd). */
  keyBytes: Uint8Array<ArrayBuffer> = new Uint8Array(FIRST_KEY_BYTES);
  keyEnd = 0;
  /** The current value, in the contents of the block. */
  valueStart = 0;
  valueEnd = 0;
  /** Of the current entry, and of the one behind it. */
  entryOffset = 0;
  nextOffset = 0;
  #contents: Uint8Array<ArrayBuffer> = EMPTY_BYTES;
  #limit = 0;

  /** Goes before the first entry of `block`. */
  attach(block: Block): void {
    this.block = block;
    this.#contents = block.contents;
    this.#limit = block.restartsOffset;
    this.toRestart(0);
  }

  /** Lets go of the block. */
  detach(): void {
    this.block = undefined;
    this.#contents = EMPTY_BYTES;
    this.#limit = 0;
    this.nextOffset = 0;
  }

  get contents(): Uint8Array<ArrayBuffer> {
    return this.#contents;
  }

  /** Goes before the entry at `offset`, a restart point: its key must be whole. */
  toRestart(offset: number): void {
    this.nextOffset = offset;
    this.keyEnd = 0;
  }

  /** Goes before the entry at `offset`, which shares with the one before what `key` begins with. */
  toEntry(offset: number, key: Uint8Array, keyStart: number, keyEnd: number): void {
    this.nextOffset = offset;
    this.keyEnd = 0;
    if (offset >= this.#limit) return;
    const shared = Math.min(this.#varint(offset), keyEnd - keyStart);
    if (shared > this.keyBytes.length) this.keyBytes = withCapacity(this.keyBytes, shared);
    this.keyEnd = copyRange(this.keyBytes, 0, key, keyStart, keyStart + shared);
  }

  /** Goes to the next entry; false, and no move, when there is none. */
  next(): boolean {
    const offset = this.nextOffset;
    if (offset >= this.#limit) return false;
    const contents = this.#contents;
    let shared: number;
    let unshared: number;
    let valueLength: number;
    let at: number;
    if (
      offset + SMALL_HEADER_BYTES <= this.#limit &&
      (contents[offset]! | contents[offset + 1]! | contents[offset + 2]!) < 0x80
    ) {
      shared = contents[offset]!;
      unshared = contents[offset + 1]!;
      valueLength = contents[offset + 2]!;
      at = offset + SMALL_HEADER_BYTES;
    } else {
      shared = this.#varint(offset);
      unshared = this.#varint(varintEnd);
      valueLength = this.#varint(varintEnd);
      at = varintEnd;
    }
    if (shared > this.keyEnd || unshared + valueLength > this.#limit - at) {
      throw this.damage(offset, 'has lengths that do not fit');
    }
    const keyEnd = shared + unshared;
    if (keyEnd > this.keyBytes.length) this.keyBytes = withCapacity(this.keyBytes, keyEnd);
    copyRange(this.keyBytes, shared, contents, at, at + unshared);
    this.keyEnd = keyEnd;
    this.valueStart = at + unshared;
    this.valueEnd = this.valueStart + valueLength;
    this.entryOffset = offset;
    this.nextOffset = this.valueEnd;
    return true;
  }

  /** Goes to an entry of this block that `run` remembers. */
  toRemembered(run: EntryRun, index: number): void {
    const keyStart = run.keyStart(index);
    const keyEnd = run.keyEnd(index);
    if (keyEnd - keyStart > this.keyBytes.length)
      this.keyBytes = withCapacity(this.keyBytes, keyEnd - keyStart);
    this.keyEnd = copyRange(this.keyBytes, 0, run.keys, keyStart, keyEnd);
    this.entryOffset = run.entryOffset(index);
    this.valueStart = run.valueStart(index);
    this.valueEnd = run.valueEnd(index);
    this.nextOffset = this.valueEnd;
  }

  damage(entryOffset: number, what: string): EngineError {
    return this.block!.entryDamage(entryOffset, what);
  }

  #varint(offset: number): number {
    const value = decodeVarint32(this.#contents, offset, this.#limit);
    if (value < 0) throw this.damage(this.nextOffset, 'has a length that is cut off');
    return value;
  }
}
