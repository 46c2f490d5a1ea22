/**
 * LevelDB's table file:
 *
 *     ┌────────────────────────────────────────────────────────────┐
 *     │ data block │ trailer                        one or more    │  entries in order
 *     │ filter block │ trailer                      optional       │  filter/filter-block.ts
 *     │ Merkle block │ trailer                      ours, optional │  merkle/table-root.ts
 *     │ metaindex block │ trailer                                  │  name of a meta block → handle
 *     │ index block │ trailer                                      │  key at or after a data block → handle
 *     ├────────────────────────────────────────────────────────────┤
 *     │ metaindex handle │ index handle │ zeros to 40 bytes │ magic │  footer, 48 bytes
 *     └────────────────────────────────────────────────────────────┘
 *
 * Blocks: `block/block-builder.ts`; trailers: `block/block-trailer.ts`; handles: `block/block-handle.ts`. The filter
 * and Merkle blocks are stored raw, the others as the table's compression says. The footer ends the file.
 */
import { corruption } from '../base/errors.ts';
import {
  type BlockHandle,
  blockHandleEnd,
  decodeBlockHandle,
  encodeBlockHandle,
} from '../block/block-handle.ts';
import { BLOCK_TRAILER_BYTES } from '../block/block-trailer.ts';
import { MAX_BLOCK_BYTES } from '../block/compression.ts';
import { equalRanges } from '../bytes/compare.ts';

export const FOOTER_BYTES = 48;
const MAGIC_OFFSET = 40;

/** On disk: never change. */
const MAGIC: Uint8Array = new Uint8Array([0x57, 0xfb, 0x80, 0x8b, 0x24, 0x75, 0x47, 0xdb]);

export interface Footer {
  readonly metaindex: BlockHandle;
  readonly index: BlockHandle;
}

/** Writes FOOTER_BYTES to `target` at `at`. REQUIRES: room. */
export function encodeFooter(target: Uint8Array, at: number, footer: Footer): void {
  const padded = encodeBlockHandle(target, encodeBlockHandle(target, at, footer.metaindex), footer.index);
  target.fill(0, padded, at + MAGIC_OFFSET);
  target.set(MAGIC, at + MAGIC_OFFSET);
}

/** The footer of a table of `size` bytes named `file`, its handles checked. */
export function decodeFooter(bytes: Uint8Array, file: string, size: number): Footer {
  const offset = size - FOOTER_BYTES;
  if (!equalRanges(bytes, MAGIC_OFFSET, FOOTER_BYTES, MAGIC, 0, MAGIC.length)) {
    throw corruption('not a table: the last bytes are not the magic number', file, offset + MAGIC_OFFSET);
  }
  const metaindex = decodeBlockHandle(bytes, 0, MAGIC_OFFSET);
  const index = metaindex && decodeBlockHandle(bytes, blockHandleEnd, MAGIC_OFFSET);
  return {
    metaindex: checkHandle(metaindex, 'metaindex', file, offset, offset),
    index: checkHandle(index, 'index', file, offset, offset),
  };
}

/**
 * A decoded handle that lies, trailer included, before `dataEnd` of the file: what is read for it is bounded by the
 * file. `what` it leads to and the `offset` where it stands are for the message.
 */
export function checkHandle(
  handle: BlockHandle | undefined,
  what: string,
  file: string,
  offset: number,
  dataEnd: number,
): BlockHandle {
  if (handle === undefined) throw corruption(`handle of the ${what} block is malformed`, file, offset);
  if (handle.size > MAX_BLOCK_BYTES || handle.offset + handle.size + BLOCK_TRAILER_BYTES > dataEnd) {
    throw corruption(
      `handle of the ${what} block leads to ${handle.size} bytes at ${handle.offset}, out of bounds`,
      file,
      offset,
    );
  }
  return handle;
}
