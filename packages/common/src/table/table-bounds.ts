import { corruption } from '../base/errors.ts';
import type { Steps } from '../base/steps.ts';
import { Block } from '../block/block.ts';
import { BlockCursor } from '../block/block-cursor.ts';
import { decodeBlockHandle } from '../block/block-handle.ts';
import { fileName } from '../storage/file-desc.ts';
import type { ReadableFile } from '../storage/storage.ts';
import { checkHandle, decodeFooter, FOOTER_BYTES } from './table-format.ts';
import { readBytes, readContents } from './table-reader.ts';

export interface TableBounds {
  /** First and last internal key. */
  readonly smallest: Uint8Array<ArrayBuffer>;
  readonly largest: Uint8Array<ArrayBuffer>;
}

/** The bounds of the table that is the whole of `file`, as its data has them: reads the index and two data blocks. */
export function* tableBoundsOf(file: ReadableFile): Steps<TableBounds> {
  const name = fileName(file.file);
  const footerOffset = file.size - FOOTER_BYTES;
  if (footerOffset < 0) throw corruption(`a file of ${file.size} bytes is no table`, name);
  const footer = decodeFooter(yield* readBytes(file, name, footerOffset, FOOTER_BYTES), name, file.size);
  const index = new Block(yield* readContents(file, name, footer.index), name, footer.index.offset);
  const cursor = new BlockCursor();
  const dataBlock = function* (): Steps<Block> {
    const found = decodeBlockHandle(cursor.contents, cursor.valueStart, cursor.valueEnd);
    const handle = checkHandle(found, 'data', name, index.offset, footerOffset);
    return new Block(yield* readContents(file, name, handle), name, handle.offset);
  };
  toFirst(cursor, index);
  const first = yield* dataBlock();
  toLast(cursor, index);
  const last = yield* dataBlock();
  return { smallest: toFirst(cursor, first), largest: toLast(cursor, last) };
}

/** To the first entry of a block; a copy of its key. */
function toFirst(cursor: BlockCursor, block: Block): Uint8Array<ArrayBuffer> {
  cursor.attach(block);
  if (!cursor.next()) throw block.damage('block is empty');
  return cursor.keyBytes.slice(0, cursor.keyEnd);
}

/** To the last entry of a block; a copy of its key. */
function toLast(cursor: BlockCursor, block: Block): Uint8Array<ArrayBuffer> {
  cursor.attach(block);
  cursor.toRestart(block.restart(block.restartCount - 1));
  if (!cursor.next()) throw block.damage('block is empty');
  while (cursor.next());
  return cursor.keyBytes.slice(0, cursor.keyEnd);
}
