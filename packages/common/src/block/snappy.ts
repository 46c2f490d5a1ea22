/**
 * Snappy's raw format, decoded: the JavaScript side of `compression.ts`, and the bound on what a stream may claim.
 *
 *     uncompressed length (varint32) │ elements
 *
 * An element is a tag byte, whose low two bits say what follows:
 *
 *     00  literal: length - 1 in the upper six bits, or 60..63: in the next 1..4 bytes (LE); then the bytes
 *     01  copy:    length - 4 in bits 2..4, offset in bits 5..7 and the next byte
 *     10  copy:    length - 1 in the upper six bits, offset in the next 2 bytes (LE)
 *     11  copy:    length - 1 in the upper six bits, offset in the next 4 bytes (LE)
 *
 * A copy repeats bytes that were already produced, `offset` back; it may reach into what it produces itself.
 */
import { readU32LE } from '../bytes/endian.ts';
import { decodeVarint32, varintEnd } from '../bytes/varint.ts';

export const SnappyTag = { Literal: 0, Copy1: 1, Copy2: 2, Copy4: 3 } as const;

/** An element of 3 bytes produces at most 64 bytes, and no kind of element does better. */
export const SNAPPY_MAX_EXPANSION: number = 64 / 3;

/**
 * The length that the stream bytes[start, end) claims to decode to, or -1 when it is malformed or more than so few
 * bytes can produce: what is allocated for it is in proportion to the input.
 */
export function snappyClaimedLength(bytes: Uint8Array, start: number, end: number): number {
  const claimed = decodeVarint32(bytes, start, end);
  if (claimed < 0 || claimed > (end - varintEnd) * SNAPPY_MAX_EXPANSION) return -1;
  return claimed;
}

/**
 * Decodes the stream bytes[start, end), or gives undefined when it is malformed: cut off, a copy from before the
 * start, more or fewer bytes than claimed.
 */
export function snappyDecode(
  bytes: Uint8Array,
  start: number,
  end: number,
): Uint8Array<ArrayBuffer> | undefined {
  const claimed = snappyClaimedLength(bytes, start, end);
  if (claimed < 0) return undefined;
  const output = new Uint8Array(claimed);
  return decodeElements(bytes, varintEnd, end, output) ? output : undefined;
}

function decodeElements(bytes: Uint8Array, start: number, end: number, output: Uint8Array): boolean {
  const limit = output.length;
  let at = start;
  let produced = 0;
  while (at < end) {
    const tag = bytes[at++]!;
    const kind = tag & 3;
    let length = (tag >>> 2) + 1;
    if (kind === SnappyTag.Literal) {
      if (length > 60) {
        const lengthBytes = length - 60;
        if (at + lengthBytes > end) return false;
        length = readLE(bytes, at, lengthBytes) + 1;
        at += lengthBytes;
      }
      if (length > end - at || length > limit - produced) return false;
      copyLiteral(output, produced, bytes, at, length);
      at += length;
    } else {
      const offsetBytes = kind === SnappyTag.Copy4 ? 4 : kind;
      if (at + offsetBytes > end) return false;
      let offset = readLE(bytes, at, offsetBytes);
      at += offsetBytes;
      if (kind === SnappyTag.Copy1) {
        length = ((tag >>> 2) & 7) + 4;
        offset += (tag >>> 5) << 8;
      }
      if (offset === 0 || offset > produced || length > limit - produced) return false;
      copyWithin(output, produced, offset, length);
    }
    produced += length;
  }
  return produced === limit;
}

/** A little-endian number of 1 to 4 bytes. */
function readLE(bytes: Uint8Array, at: number, count: number): number {
  switch (count) {
    case 1:
      return bytes[at]!;
    case 2:
      return bytes[at]! | (bytes[at + 1]! << 8);
    case 3:
      return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16);
    default:
      return readU32LE(bytes, at);
  }
}

/** Literals are often long; from 64 bytes a view costs less than the loop. */
function copyLiteral(
  output: Uint8Array,
  produced: number,
  bytes: Uint8Array,
  at: number,
  length: number,
): void {
  if (length >= 64) output.set(bytes.subarray(at, at + length), produced);
  else for (let i = 0; i < length; i++) output[produced + i] = bytes[at + i]!;
}

/** At most 64 bytes, ascending, so that a copy may repeat what it has just produced. */
function copyWithin(output: Uint8Array, produced: number, offset: number, length: number): void {
  for (let to = produced, stop = produced + length; to < stop; to++) output[to] = output[to - offset]!;
}
