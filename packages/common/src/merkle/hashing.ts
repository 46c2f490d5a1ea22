/**
 * What all roots are made of: SHA-256, one prefix byte per kind of input, and big-endian numbers.
 *
 * The prefixes keep the tiers apart: no bytes hashed for one purpose can stand for another.
 */
import * as crypto from 'node:crypto';

export const HASH_BYTES = 32;

/** First byte of every hashed input. In tables on disk and in published roots: never renumber. */
export const HashPrefix = {
  /** Contents of a data block. */
  Block: 0x00,
  /** Two child hashes of a tree. */
  Node: 0x01,
  /** A table's tree, with its count of blocks. */
  TableRoot: 0x02,
  /** One table in its place in a version. */
  TableLeaf: 0x03,
  /** The tree over a version's tables, with their count. */
  MasterRoot: 0x04,
} as const;

/**
 * SHA-256 as a plain Uint8Array of its own memory. `crypto.hash` (Node 20.12 and later) makes no hash object and
 * costs less on short inputs. Same bytes.
 */
export const sha256: (input: Uint8Array) => Uint8Array<ArrayBuffer> =
  typeof crypto.hash === 'function'
    ? (input) => new Uint8Array(crypto.hash('sha256', input, 'buffer'))
    : (input) => new Uint8Array(crypto.createHash('sha256').update(input).digest());

/** Writes an integer in [0, 2^32) at `offset` and returns the offset behind it. REQUIRES: room. */
export function writeU32BE(target: Uint8Array, offset: number, value: number): number {
  target[offset] = value >>> 24;
  target[offset + 1] = (value >>> 16) & 0xff;
  target[offset + 2] = (value >>> 8) & 0xff;
  target[offset + 3] = value & 0xff;
  return offset + 4;
}

/** Writes an integer in [0, 2^53) at `offset` and returns the offset behind it. REQUIRES: room. */
export function writeU64BE(target: Uint8Array, offset: number, value: number): number {
  writeU32BE(target, offset, Math.floor(value / 0x1_0000_0000));
  return writeU32BE(target, offset + 4, value % 0x1_0000_0000);
}

/** A u64 as a number; exact up to 2^53 - 1, so a caller that cannot trust the bytes checks `Number.isSafeInteger`. */
export function readU64BE(bytes: Uint8Array, offset: number): number {
  let value = 0;
  for (let i = 0; i < 8; i++) value = value * 0x100 + bytes[offset + i]!;
  return value;
}
