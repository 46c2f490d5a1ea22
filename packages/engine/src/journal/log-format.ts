/**
 * LevelDB's log format: the framing of journals, manifests and our roots file.
 *
 * A file is a run of blocks of 32 KiB, the last one short. A record is stored as one or more chunks, none of which
 * crosses a block:
 *
 *     ┌──────────────────────┬──────────────┬───────────┬─────────────────────┐
 *     │ masked CRC-32C, 4 LE │ length, 2 LE │ type, 1   │ payload, `length`   │
 *     └──────────────────────┴──────────────┴───────────┴─────────────────────┘
 *       the CRC covers type and payload; type: 1 full, 2 first, 3 middle, 4 last
 *
 * Fewer than 7 bytes left in a block are filled with zeros. With exactly 7 left, a first chunk without payload is
 * written there.
 */
import { crc32c, maskCrc } from '@arena-level/common/bytes/crc32c';
import { readU32LE, writeU32LE } from '@arena-level/common/bytes/endian';

export const BLOCK_BYTES = 32768;
export const HEADER_BYTES = 7;

/** Kinds of chunks. On disk: never renumber. 0 is what a zero-filled area looks like. */
export const ChunkType = { Zero: 0, Full: 1, First: 2, Middle: 3, Last: 4 } as const;
export type ChunkType = (typeof ChunkType)[keyof typeof ChunkType];

/** What is the matter with the bytes where a chunk should begin. */
export const ChunkCheck = {
  Good: 0,
  /** All seven bytes of the header are zero. */
  ZeroHeader: 1,
  /** The length leads out of the block, or out of the file in its last block. */
  BeyondBlock: 2,
  WrongChecksum: 3,
  UnknownType: 4,
} as const;
export type ChunkCheck = (typeof ChunkCheck)[keyof typeof ChunkCheck];

const LENGTH_OFFSET = 4;
const TYPE_OFFSET = 6;

/** Writes the header of a chunk whose payload already stands at target[offset + HEADER_BYTES, ...). */
export function sealChunk(target: Uint8Array, offset: number, length: number, type: ChunkType): void {
  target[offset + LENGTH_OFFSET] = length & 0xff;
  target[offset + LENGTH_OFFSET + 1] = length >>> 8;
  target[offset + TYPE_OFFSET] = type;
  writeU32LE(target, offset, maskCrc(crc32c(target, offset + TYPE_OFFSET, offset + HEADER_BYTES + length)));
}

export function chunkLength(bytes: Uint8Array, offset: number): number {
  return bytes[offset + LENGTH_OFFSET]! | (bytes[offset + LENGTH_OFFSET + 1]! << 8);
}

export function chunkTypeOf(bytes: Uint8Array, offset: number): number {
  return bytes[offset + TYPE_OFFSET]!;
}

/** The masked CRC as stored. */
export function chunkChecksum(bytes: Uint8Array, offset: number): number {
  return readU32LE(bytes, offset);
}

/** Checks the chunk at `offset` in a block that ends at `blockEnd`. REQUIRES: a whole header before `blockEnd`. */
export function checkChunk(bytes: Uint8Array, offset: number, blockEnd: number): ChunkCheck {
  const length = chunkLength(bytes, offset);
  const checksum = chunkChecksum(bytes, offset);
  const type = chunkTypeOf(bytes, offset);
  if (type === ChunkType.Zero && length === 0 && checksum === 0) return ChunkCheck.ZeroHeader;
  const end = offset + HEADER_BYTES + length;
  if (end > blockEnd) return ChunkCheck.BeyondBlock;
  if (maskCrc(crc32c(bytes, offset + TYPE_OFFSET, end)) !== checksum) return ChunkCheck.WrongChecksum;
  return type >= ChunkType.Full && type <= ChunkType.Last ? ChunkCheck.Good : ChunkCheck.UnknownType;
}

/** An upper bound of the bytes that a record of `length` bytes takes in a log, wherever it begins. */
export function recordBytesBound(length: number): number {
  const chunks = Math.ceil(length / (BLOCK_BYTES - HEADER_BYTES)) + 1;
  return length + chunks * HEADER_BYTES + HEADER_BYTES - 1;
}
