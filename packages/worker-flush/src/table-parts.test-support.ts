import { Block } from '@arena-level/common/block/block';
import { BlockBuilder } from '@arena-level/common/block/block-builder';
import { BlockCursor } from '@arena-level/common/block/block-cursor';
import {
  type BlockHandle,
  decodeBlockHandle,
  encodeBlockHandle,
} from '@arena-level/common/block/block-handle';
import { BLOCK_TRAILER_BYTES, BlockType, writeBlockTrailer } from '@arena-level/common/block/block-trailer';
import { decodeFooter, encodeFooter, FOOTER_BYTES } from '@arena-level/common/table/table-format';

/** A table taken apart: what a test changes before it puts it together again, with sound checksums. */
export interface TableParts {
  /** Contents of the data blocks, each with its index key. */
  data: { contents: Uint8Array<ArrayBuffer>; separator: Uint8Array }[];
  /** Contents of the meta blocks by name, in order. */
  meta: Map<string, Uint8Array<ArrayBuffer>>;
  /** Bytes put before the data block of this number, which belong to no block. */
  gapBefore?: number;
  /** Changes the handles that the index lists. */
  moveHandle?: (handle: BlockHandle, block: number) => BlockHandle;
}

/** REQUIRES: a table without compression. */
export function takeApart(image: Uint8Array): TableParts {
  const footer = decodeFooter(image.subarray(image.length - FOOTER_BYTES), 'image', image.length);
  const contentsOf = ({ offset, size }: BlockHandle): Uint8Array<ArrayBuffer> =>
    image.slice(offset, offset + size);
  const listed = (handle: BlockHandle): { key: Uint8Array; contents: Uint8Array<ArrayBuffer> }[] => {
    const cursor = new BlockCursor();
    cursor.attach(new Block(contentsOf(handle), 'image', handle.offset));
    const entries = [];
    while (cursor.next()) {
      const target = decodeBlockHandle(cursor.contents, cursor.valueStart, cursor.valueEnd)!;
      entries.push({ key: cursor.keyBytes.slice(0, cursor.keyEnd), contents: contentsOf(target) });
    }
    return entries;
  };
  return {
    data: listed(footer.index).map(({ key, contents }) => ({ separator: key, contents })),
    meta: new Map(
      listed(footer.metaindex).map(({ key, contents }) => [Buffer.from(key).toString('latin1'), contents]),
    ),
  };
}

export function putTogether(parts: TableParts): Uint8Array<ArrayBuffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  const append = (bytes: Uint8Array): void => {
    chunks.push(bytes);
    size += bytes.length;
  };
  const appendBlock = (contents: Uint8Array): BlockHandle => {
    const handle = { offset: size, size: contents.length };
    const trailer = new Uint8Array(BLOCK_TRAILER_BYTES);
    writeBlockTrailer(trailer, 0, contents, 0, contents.length, BlockType.Raw);
    append(contents);
    append(trailer);
    return handle;
  };
  const move = parts.moveHandle ?? ((handle) => handle);
  const index = parts.data.map(({ contents, separator }, block) => {
    if (block === parts.gapBefore) append(Buffer.from('stray'));
    return { key: separator, handle: move(appendBlock(contents), block) };
  });
  const meta = [...parts.meta].map(([name, contents]) => ({
    key: Buffer.from(name),
    handle: appendBlock(contents),
  }));
  const metaindex = appendBlock(handleBlock(meta));
  const footer = new Uint8Array(FOOTER_BYTES);
  encodeFooter(footer, 0, { metaindex, index: appendBlock(handleBlock(index)) });
  append(footer);
  return new Uint8Array(Buffer.concat(chunks));
}

function handleBlock(entries: readonly { key: Uint8Array; handle: BlockHandle }[]): Uint8Array {
  const builder = new BlockBuilder(1);
  const value = new Uint8Array(20);
  for (const { key, handle } of entries)
    builder.add(key, 0, key.length, value, 0, encodeBlockHandle(value, 0, handle));
  builder.finish();
  return builder.buffer.slice(builder.start, builder.end);
}
