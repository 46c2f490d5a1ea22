/**
 * Snappy's raw format (`snappy.ts`), encoded: Google's reference algorithm, greedy matching through a hash table of
 * four-byte sequences over pieces of 64 KiB.
 *
 * Gives the bytes that the native package gives; `snappy-encoder.test.ts` compares them. The hash table is per
 * thread and holds nothing between calls.
 */
import { readU32LE } from '../bytes/endian.ts';
import { encodeVarint32, MAX_VARINT32_BYTES } from '../bytes/varint.ts';
import { SnappyTag } from './snappy.ts';

/** Offsets within a piece fit in 16 bits. */
const PIECE_BYTES = 65_536;
const MIN_TABLE_WORDS = 256;
const MAX_TABLE_WORDS = 16_384;
const HASH_MULTIPLIER = 0x1e35a7bd;
/** Matching stops this far before the end, so that it may read words without looking. */
const INPUT_MARGIN_BYTES = 15;
/** A shorter piece is one literal. */
const MIN_MATCHED_PIECE_BYTES: number = INPUT_MARGIN_BYTES + 2;

const table: Uint16Array = new Uint16Array(MAX_TABLE_WORDS);

/** Bytes that any `length` bytes of input fit in once encoded. */
export function snappyMaxEncodedLength(length: number): number {
  return MAX_VARINT32_BYTES + length + Math.ceil(length / 6) + 32;
}

/** Encodes bytes[start, end) to `target` at 0 and returns the length. REQUIRES: room for snappyMaxEncodedLength. */
export function snappyEncode(bytes: Uint8Array, start: number, end: number, target: Uint8Array): number {
  let at = encodeVarint32(target, 0, end - start);
  for (let piece = start; piece < end; piece += PIECE_BYTES) {
    const pieceEnd = Math.min(piece + PIECE_BYTES, end);
    at =
      pieceEnd - piece < MIN_MATCHED_PIECE_BYTES
        ? emitLiteral(target, at, bytes, piece, pieceEnd)
        : encodePiece(target, at, bytes, piece, pieceEnd);
  }
  return at;
}

function encodePiece(target: Uint8Array, from: number, bytes: Uint8Array, base: number, end: number): number {
  const shift = clearTable(end - base);
  const limit = end - INPUT_MARGIN_BYTES;
  let at = from;
  let emitted = base;
  let position = base + 1;
  let nextHash = hash(readU32LE(bytes, position), shift);
  for (;;) {
    // Look for a match; the longer none is found, the larger the strides.
    let skip = 32;
    let candidate: number;
    let next = position;
    do {
      position = next;
      const stride = skip >>> 5;
      next = position + stride;
      skip += stride;
      if (next > limit) return emitLiteral(target, at, bytes, emitted, end);
      candidate = base + table[nextHash]!;
      table[nextHash] = position - base;
      nextHash = hash(readU32LE(bytes, next), shift);
    } while (readU32LE(bytes, position) !== readU32LE(bytes, candidate));

    at = emitLiteral(target, at, bytes, emitted, position);
    // Then copies, as long as one follows the other.
    for (;;) {
      const matchStart = position;
      position += 4;
      candidate += 4;
      while (position < end && bytes[position] === bytes[candidate]) {
        position++;
        candidate++;
      }
      at = emitCopy(target, at, position - candidate, position - matchStart);
      emitted = position;
      if (position >= limit) return emitLiteral(target, at, bytes, emitted, end);
      table[hash(readU32LE(bytes, position - 1), shift)] = position - 1 - base;
      const word = readU32LE(bytes, position);
      const slot = hash(word, shift);
      candidate = base + table[slot]!;
      table[slot] = position - base;
      if (word !== readU32LE(bytes, candidate)) break;
    }
    position++;
    nextHash = hash(readU32LE(bytes, position), shift);
  }
}

/** Clears as much of the table as a piece of `length` bytes uses, and returns the shift of its hashes. */
function clearTable(length: number): number {
  let words = MIN_TABLE_WORDS;
  let shift = 24;
  while (words < MAX_TABLE_WORDS && words < length) {
    words *= 2;
    shift--;
  }
  table.fill(0, 0, words);
  return shift;
}

function hash(word: number, shift: number): number {
  return Math.imul(word, HASH_MULTIPLIER) >>> shift;
}

function emitLiteral(
  target: Uint8Array,
  from: number,
  bytes: Uint8Array,
  start: number,
  end: number,
): number {
  const length = end - start;
  if (length === 0) return from;
  const stated = length - 1;
  let at = from;
  if (stated < 60) {
    target[at++] = (stated << 2) | SnappyTag.Literal;
  } else if (stated < 0x100) {
    target[at++] = (60 << 2) | SnappyTag.Literal;
    target[at++] = stated;
  } else {
    // A piece is at most 64 KiB.
    target[at++] = (61 << 2) | SnappyTag.Literal;
    target[at++] = stated & 0xff;
    target[at++] = stated >>> 8;
  }
  if (length >= 64) target.set(bytes.subarray(start, end), at);
  else for (let i = 0; i < length; i++) target[at + i] = bytes[start + i]!;
  return at + length;
}

function emitCopy(target: Uint8Array, from: number, offset: number, length: number): number {
  let at = from;
  let rest = length;
  // The last element keeps at least 4 bytes, so that it can be of the short kind.
  while (rest >= 68) {
    at = emitCopy2(target, at, offset, 64);
    rest -= 64;
  }
  if (rest > 64) {
    at = emitCopy2(target, at, offset, 60);
    rest -= 60;
  }
  if (rest >= 12 || offset >= 2048) return emitCopy2(target, at, offset, rest);
  target[at] = ((offset >>> 8) << 5) | ((rest - 4) << 2) | SnappyTag.Copy1;
  target[at + 1] = offset & 0xff;
  return at + 2;
}

function emitCopy2(target: Uint8Array, at: number, offset: number, length: number): number {
  target[at] = ((length - 1) << 2) | SnappyTag.Copy2;
  target[at + 1] = offset & 0xff;
  target[at + 2] = offset >>> 8;
  return at + 3;
}
