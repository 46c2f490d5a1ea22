/**
 * Reads the data blocks of one run in large reads through one buffer: blocks that follow each other in a file, as
 * those of a table do, cost one read for many. Blocking.
 *
 * INVARIANT: what `load` gave lies in the buffer until the next `load`. One owner.
 */
import { corruption } from '@arena-level/common/base/errors';
import { KIB, MIB } from '@arena-level/common/base/limits';
import type { BlockHandle } from '@arena-level/common/block/block-handle';
import { BLOCK_TRAILER_BYTES, BlockType, checkBlockTrailer } from '@arena-level/common/block/block-trailer';
import { decompressBlock } from '@arena-level/common/block/compression';
import { EMPTY_BYTES } from '@arena-level/common/bytes/compare';
import { fileName } from '@arena-level/common/storage/file-desc';
import type { ReadableFile } from '@arena-level/common/storage/storage';

const WINDOW_BYTES: number = 256 * KIB;
/** A buffer that one huge value made larger than this is not kept. */
const KEPT_BYTES: number = 4 * MIB;

export class BlockWindow {
  /** The block that was loaded last, as stored: stored[start, end), its trailer behind it. */
  start = 0;
  end = 0;
  type: BlockType = BlockType.Raw;
  #stored: Uint8Array<ArrayBuffer> = EMPTY_BYTES;
  #file: ReadableFile | undefined;
  #name = '';
  /** Bytes of the file that may be read. */
  #limit = 0;
  /** stored[0, #filled) is the file from #position on. */
  #position = 0;
  #filled = 0;

  get stored(): Uint8Array<ArrayBuffer> {
    return this.#stored;
  }

  /** Turns to another file, whose first `limit` bytes may be read. */
  attach(file: ReadableFile, limit: number): void {
    this.#file = file;
    this.#name = fileName(file.file);
    this.#limit = limit;
    this.#filled = 0;
  }

  /** Contents of a block, its checksum verified: a view of the buffer when it is stored raw. REQUIRES: a checked handle. */
  load(handle: BlockHandle): Uint8Array<ArrayBuffer> {
    const { offset, size } = handle;
    const needed = size + BLOCK_TRAILER_BYTES;
    if (offset < this.#position || offset + needed > this.#position + this.#filled)
      this.#read(offset, needed);
    this.start = offset - this.#position;
    this.end = this.start + size;
    const block = this.#stored.subarray(this.start, this.start + needed);
    this.type = checkBlockTrailer(block, size, this.#name, offset);
    return decompressBlock(block.subarray(0, size), this.type, this.#name, offset);
  }

  #read(offset: number, needed: number): void {
    const length = Math.min(Math.max(WINDOW_BYTES, needed), this.#limit - offset);
    if (length > this.#stored.length || this.#stored.length > KEPT_BYTES) {
      this.#stored = new Uint8Array(Math.max(WINDOW_BYTES, length));
    }
    this.#position = offset;
    this.#filled = 0;
    this.#filled = this.#file!.readNow(this.#stored, 0, length, offset);
    if (this.#filled < needed) {
      throw corruption(`file ends ${needed - this.#filled} bytes too early`, this.#name, offset);
    }
  }
}
