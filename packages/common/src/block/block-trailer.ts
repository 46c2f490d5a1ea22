/**
 * What follows every block in a table file:
 *
 *     ┌─────────────────┬────────────────────────────────────────────────────────────────────┐
 *     │ type (1 byte)   │ masked CRC-32C of the stored bytes and the type (u32, little-endian) │
 *     └─────────────────┴────────────────────────────────────────────────────────────────────┘
 */
import { corruption } from '../base/errors.ts';
import { crc32c, maskCrc } from '../bytes/crc32c.ts';
import { readU32LE, writeU32LE } from '../bytes/endian.ts';

export const BLOCK_TRAILER_BYTES = 5;

/** How a block is stored. On disk: never renumber. */
export const BlockType = { Raw: 0, Snappy: 1 } as const;
export type BlockType = (typeof BlockType)[keyof typeof BlockType];

/** Writes the trailer of the stored bytes at bytes[start, end) to `target` at `at`. REQUIRES: room. */
export function writeBlockTrailer(
  target: Uint8Array,
  at: number,
  bytes: Uint8Array,
  start: number,
  end: number,
  type: BlockType,
): void {
  target[at] = type;
  const crc = crc32c(target, at, at + 1, crc32c(bytes, start, end));
  writeU32LE(target, at + 1, maskCrc(crc));
}

/**
 * Verifies a block that was read with its trailer, `size` bytes and BLOCK_TRAILER_BYTES more, and returns its
 * type. `file` and `offset` say where it was read.
 */
export function checkBlockTrailer(stored: Uint8Array, size: number, file: string, offset: number): BlockType {
  const expected = readU32LE(stored, size + 1);
  if (maskCrc(crc32c(stored, 0, size + 1)) !== expected)
    throw corruption('block checksum mismatch', file, offset);
  const type = stored[size];
  if (type === BlockType.Raw || type === BlockType.Snappy) return type;
  throw corruption(`block of unknown type ${type}`, file, offset);
}
