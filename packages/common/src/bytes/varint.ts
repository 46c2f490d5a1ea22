/**
 * LEB128 varints, LevelDB's. Decoding does not allocate: it returns the value and leaves the offset behind it in
 * `varintEnd`, a live binding that the caller reads before the next decode.
 */

export const MAX_VARINT32_BYTES = 5;
export const MAX_VARINT64_BYTES = 10;

/** Offset behind the last decoded varint; valid only when that decode returned 0 or more. */
export let varintEnd = 0;

export function varint32Length(value: number): number {
  if (value < 0x80) return 1;
  if (value < 0x4000) return 2;
  if (value < 0x20_0000) return 3;
  if (value < 0x1000_0000) return 4;
  return 5;
}

/** Writes `value` (an integer in [0, 2^32)) at `offset` and returns the offset behind it. */
export function encodeVarint32(target: Uint8Array, offset: number, value: number): number {
  let at = offset;
  let rest = value >>> 0;
  while (rest >= 0x80) {
    target[at++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  target[at++] = rest;
  return at;
}

/** Writes an integer in [0, 2^53) at `offset` and returns the offset behind it. */
export function encodeVarint64(target: Uint8Array, offset: number, value: number): number {
  let at = offset;
  let rest = value;
  while (rest >= 0x80) {
    target[at++] = (rest % 0x80) | 0x80;
    rest = Math.floor(rest / 0x80);
  }
  target[at++] = rest;
  return at;
}

/** The varint32 at bytes[offset, end), or -1 when it runs past `end` or does not fit in 32 bits. */
export function decodeVarint32(bytes: Uint8Array, offset: number, end: number): number {
  let result = 0;
  for (let at = offset, shift = 0; at < end && shift < 32; at++, shift += 7) {
    const byte = bytes[at]!;
    if (shift === 28 && byte > 0x0f) return -1;
    result |= (byte & 0x7f) << shift;
    if (byte < 0x80) {
      varintEnd = at + 1;
      return result >>> 0;
    }
  }
  return -1;
}

/** The varint64 at bytes[offset, end), or -1 when it runs past `end`, or -2 when it exceeds 2^53 - 1. */
export function decodeVarint64(bytes: Uint8Array, offset: number, end: number): number {
  let result = 0;
  // A product, since shifts have 32 bits, and no power, which V8 computes by a call.
  let scale = 1;
  for (let i = 0; i < MAX_VARINT64_BYTES; i++, scale *= 0x80) {
    if (offset + i >= end) return -1;
    const byte = bytes[offset + i]!;
    result += (byte & 0x7f) * scale;
    if (byte < 0x80) {
      if (result > Number.MAX_SAFE_INTEGER) return -2;
      varintEnd = offset + i + 1;
      return result;
    }
  }
  return -1;
}
