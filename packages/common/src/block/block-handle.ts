/**
 * Where a block stands in its file:
 *
 *     offset (varint64) │ size (varint64), without the block's trailer
 *
 * The value of index and metaindex entries; the footer holds two. Bytes behind a handle are ignored, as every
 * LevelDB reader does.
 */
import { decodeVarint64, encodeVarint64, MAX_VARINT64_BYTES, varintEnd } from '../bytes/varint.ts';

export interface BlockHandle {
  readonly offset: number;
  /** Bytes as stored, without the trailer. */
  readonly size: number;
}

export const MAX_BLOCK_HANDLE_BYTES: number = 2 * MAX_VARINT64_BYTES;

/** Writes a handle at `at` and returns the offset behind it. REQUIRES: room for MAX_BLOCK_HANDLE_BYTES. */
export function encodeBlockHandle(target: Uint8Array, at: number, handle: BlockHandle): number {
  return encodeVarint64(target, encodeVarint64(target, at, handle.offset), handle.size);
}

/** The offset behind the last decoded handle; valid only when that decode gave one. */
export let blockHandleEnd = 0;

/** The handle at bytes[start, end), or undefined when it is cut off or not exact in a number. */
export function decodeBlockHandle(bytes: Uint8Array, start: number, end: number): BlockHandle | undefined {
  const offset = decodeVarint64(bytes, start, end);
  if (offset < 0) return undefined;
  const size = decodeVarint64(bytes, varintEnd, end);
  if (size < 0) return undefined;
  blockHandleEnd = varintEnd;
  return { offset, size };
}
