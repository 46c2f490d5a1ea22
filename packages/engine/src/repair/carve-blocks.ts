/**
 * Finds the data blocks of a table without its index: blocks stand one behind the other, each followed by its type
 * and checksum, so where the checksum of all bytes since the block before fits, a block ends. By chance it fits at
 * one place in four billion.
 *
 * The blocks behind the data (filter, Merkle leaves, metaindex, index) are found like them: the caller says which
 * block is none of data, and there it ends. It also ends where a block is damaged: the next one's beginning is not
 * known then.
 */
import { isEngineError } from '@arena-level/common/base/errors';
import { MIB } from '@arena-level/common/base/limits';
import { Block } from '@arena-level/common/block/block';
import { BLOCK_TRAILER_BYTES, BlockType } from '@arena-level/common/block/block-trailer';
import { decompressBlock } from '@arena-level/common/block/compression';
import { crc32c, maskCrc } from '@arena-level/common/bytes/crc32c';
import { readU32LE } from '@arena-level/common/bytes/endian';
import { fileName } from '@arena-level/common/storage/file-desc';
import type { ReadableFile } from '@arena-level/common/storage/storage';

/** No longer block is looked for, and so much is read at a time. */
const WINDOW_BYTES = 4 * MIB;

export async function carveBlocks(file: ReadableFile, isData: (block: Block) => boolean): Promise<void> {
  const window = new Uint8Array(Math.min(WINDOW_BYTES, file.size));
  let windowOffset = 0;
  let length = 0;
  for (let start = 0; ; ) {
    let size = blockSizeAt(window, start - windowOffset, length);
    if (size < 0 && start + BLOCK_TRAILER_BYTES < file.size && windowOffset + length < file.size) {
      length = await file.read(window, 0, window.length, start);
      windowOffset = start;
      size = blockSizeAt(window, 0, length);
    }
    if (size < 0) return;
    const at = start - windowOffset;
    const block = blockOf(file, window.slice(at, at + size), window[at + size]!, start);
    if (block === undefined || !isData(block)) return;
    start += size + BLOCK_TRAILER_BYTES;
  }
}

/** Bytes of the stored block that begins at `start` of bytes[0, end), or -1. */
function blockSizeAt(bytes: Uint8Array, start: number, end: number): number {
  let crc = 0;
  for (let at = start; at + BLOCK_TRAILER_BYTES <= end; at++) {
    crc = crc32c(bytes, at, at + 1, crc);
    const type = bytes[at]!;
    const mayEnd = (type === BlockType.Raw || type === BlockType.Snappy) && at > start;
    if (mayEnd && maskCrc(crc) === readU32LE(bytes, at + 1)) return at - start;
  }
  return -1;
}

function blockOf(
  file: ReadableFile,
  stored: Uint8Array<ArrayBuffer>,
  type: number,
  offset: number,
): Block | undefined {
  const name = fileName(file.file);
  try {
    return new Block(decompressBlock(stored, type as BlockType, name, offset), name, offset);
  } catch (error) {
    if (!isEngineError(error)) throw error;
    return undefined;
  }
}
