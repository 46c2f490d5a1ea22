/**
 * Telling a tear from damage: what a crash leaves at the end of a log, against what a disk or a stray write did to
 * records that were whole.
 *
 * A crash cuts the file short or leaves zero-filled sectors where data never arrived; it does not flip bits, nor does
 * it change a length. So a bad chunk whose checksum fits after one bit is turned, or fits another length, is damage
 * wherever it stands; one that touches a sector of zeros, or is followed by nothing readable, is a tear.
 *
 * All this runs once per damaged file, so it may take milliseconds.
 */
import { crc32c, maskCrc, unmaskCrc } from '@arena-level/common/bytes/crc32c';
import {
  BLOCK_BYTES,
  ChunkCheck,
  ChunkType,
  checkChunk,
  chunkChecksum,
  chunkLength,
  chunkTypeOf,
  HEADER_BYTES,
} from './log-format.ts';

/** The unit in which disks keep or lose data. */
const SECTOR_BYTES = 512;
/** Castagnoli, reflected. */
const CRC_POLYNOMIAL = 0x82f63b78;

/** A chunk that is not good, in its block: bytes[blockStart, blockEnd), which begins at a multiple of BLOCK_BYTES in the file. */
export interface BadChunk {
  readonly bytes: Uint8Array;
  readonly blockStart: number;
  readonly blockEnd: number;
  readonly at: number;
  readonly check: ChunkCheck;
  /** The block's end is the file's end. */
  readonly isLastBlock: boolean;
}

/** `open`: a tear unless the beginning of a record can be read in one of the blocks behind. */
export type Verdict = 'tear' | 'damage' | 'open';

/** What a bad chunk is, as far as its block shows it. `everyRecordSynced`: see `LogReadOptions`. */
export function judge(chunk: BadChunk, everyRecordSynced: boolean): Verdict {
  const { bytes, blockStart, blockEnd, at, check } = chunk;
  if (check === ChunkCheck.UnknownType) return 'damage';
  if (check !== ChunkCheck.ZeroHeader && hasDamagedLength(bytes, at, blockEnd)) return 'damage';
  if (check === ChunkCheck.WrongChecksum && isOneBitOff(bytes, at)) return 'damage';
  if (everyRecordSynced) {
    if (wasFollowed(chunk)) return 'damage';
  } else {
    const end = Math.min(claimedEnd(chunk), blockEnd);
    if (check === ChunkCheck.ZeroHeader || touchesUnwrittenSector(bytes, blockStart, blockEnd, at, end))
      return 'tear';
  }
  return hasChainToEnd(bytes, blockStart, blockEnd, at + 1) ? 'damage' : 'open';
}

/** Where the chunk ends by its header; the block's end when it has none. */
export function claimedEnd({ bytes, at, blockEnd, check }: BadChunk): number {
  return check === ChunkCheck.ZeroHeader ? blockEnd : at + HEADER_BYTES + chunkLength(bytes, at);
}

/** True when the last chunk of a record has a header that was written, and more was written behind it. */
function wasFollowed(chunk: BadChunk): boolean {
  const { bytes, blockStart, blockEnd, at, check, isLastBlock } = chunk;
  if (check !== ChunkCheck.WrongChecksum) return false;
  const type = chunkTypeOf(bytes, at);
  if (type !== ChunkType.Full && type !== ChunkType.Last) return false;
  if (touchesUnwrittenSector(bytes, blockStart, blockEnd, at, at + HEADER_BYTES)) return false;
  return !isLastBlock || claimedEnd(chunk) < blockEnd;
}

/**
 * True when a sector that bytes[start, end) needs was never written: it is zero from end to end or, the first one,
 * which an earlier record may have begun, from `start` on.
 */
function touchesUnwrittenSector(
  bytes: Uint8Array,
  blockStart: number,
  blockEnd: number,
  start: number,
  end: number,
): boolean {
  for (let at = start; at < end; ) {
    const sectorEnd = Math.min(at - ((at - blockStart) % SECTOR_BYTES) + SECTOR_BYTES, blockEnd);
    while (at < sectorEnd && bytes[at] === 0) at++;
    if (at === sectorEnd) return true;
    at = sectorEnd;
  }
  return false;
}

/**
 * True when the checksum of the chunk at `offset` fits a payload of another length than its header says: the length
 * was damaged, and what it says of where the chunk ends means nothing.
 */
function hasDamagedLength(bytes: Uint8Array, offset: number, blockEnd: number): boolean {
  const expected = unmaskCrc(chunkChecksum(bytes, offset));
  const payload = offset + HEADER_BYTES;
  let crc = crc32c(bytes, payload - 1, payload);
  for (let at = payload; ; at++) {
    if (crc === expected) return true;
    if (at >= blockEnd) return false;
    crc = crc32c(bytes, at, at + 1, crc);
  }
}

/**
 * True when the checksum of the chunk at `offset` fits after one bit of checksum, type or payload is turned.
 * REQUIRES: the chunk lies inside the block; its checksum is wrong.
 *
 * A CRC is linear: the difference of two checksums depends only on which bits differ. The loop walks the difference
 * that each single bit makes, from the last bit of the payload to the first of the type.
 */
function isOneBitOff(bytes: Uint8Array, offset: number): boolean {
  const end = offset + HEADER_BYTES + chunkLength(bytes, offset);
  const stored = chunkChecksum(bytes, offset);
  const computed = crc32c(bytes, offset + HEADER_BYTES - 1, end);
  const differenceAsStored = (maskCrc(computed) ^ stored) >>> 0;
  if ((differenceAsStored & (differenceAsStored - 1)) === 0) return true;
  const difference = (computed ^ unmaskCrc(stored)) >>> 0;
  const bits = 8 * (end - offset - HEADER_BYTES + 1);
  let syndrome = 1;
  for (let bit = 0; bit < bits; bit++) {
    syndrome = syndrome & 1 ? (syndrome >>> 1) ^ CRC_POLYNOMIAL : syndrome >>> 1;
    if (syndrome >>> 0 === difference) return true;
  }
  return false;
}

/**
 * True when good chunks follow one another from somewhere in bytes[from, blockEnd) right up to the block's end.
 * Fewer than HEADER_BYTES may be left over in a full block. Seen from the end backwards, so that each place is looked
 * at once and a checksum is computed only where a chain goes on.
 */
function hasChainToEnd(bytes: Uint8Array, blockStart: number, blockEnd: number, from: number): boolean {
  const isFullBlock = blockEnd - blockStart === BLOCK_BYTES;
  const leadsToEnd = new Uint8Array(blockEnd - from + 1);
  for (let at = blockEnd; at > blockEnd - HEADER_BYTES && at >= from; at--) {
    if (isFullBlock || at === blockEnd) leadsToEnd[at - from] = 1;
  }
  for (let at = blockEnd - HEADER_BYTES; at >= from; at--) {
    const next = at + HEADER_BYTES + chunkLength(bytes, at);
    if (next > blockEnd || leadsToEnd[next - from] === 0) continue;
    if (checkChunk(bytes, at, blockEnd) === ChunkCheck.Good) return true;
  }
  return false;
}
