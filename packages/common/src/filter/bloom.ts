/**
 * LevelDB's bloom filter, bit by bit:
 *
 *     bits (64 at least, whole bytes) │ probes (1 byte)
 *
 * A key is one 32-bit hash; its probes are that hash plus multiples of a rotation of it.
 */
import { readU32LE } from '../bytes/endian.ts';

const SEED = 0xbc9f1d34;
const MULTIPLIER = 0xc6a4a793;
const MIN_BITS = 64;
const MAX_PROBES = 30;
/** Bits per key times this is the number of probes: ln 2, as LevelDB rounds it. */
const PROBES_PER_BIT = 0.69;

/** Hash of the user key at bytes[start, end). */
export function bloomHash(bytes: Uint8Array, start: number, end: number): number {
  let hash = (SEED ^ Math.imul(end - start, MULTIPLIER)) | 0;
  let at = start;
  for (; at + 4 <= end; at += 4) {
    hash = mixWord(
      hash,
      bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24),
    );
  }
  const rest = end - at;
  if (rest === 0) return hash >>> 0;
  let tail = bytes[at]!;
  if (rest > 1) tail += bytes[at + 1]! << 8;
  if (rest > 2) tail += bytes[at + 2]! << 16;
  return mixTail(hash, tail);
}

/**
 * The hash that LevelDB before 1.18 gave on machines where `char` is signed: other than `bloomHash` only for keys
 * whose last bytes, those behind the last whole word, contain one from 0x80 up.
 */
export function signedBloomHash(bytes: Uint8Array, start: number, end: number): number {
  let hash = (SEED ^ Math.imul(end - start, MULTIPLIER)) | 0;
  let at = start;
  for (; at + 4 <= end; at += 4) hash = mixWord(hash, readU32LE(bytes, at));
  if (at === end) return hash >>> 0;
  let tail = 0;
  for (let i = end - 1; i >= at; i--) tail = (tail + (((bytes[i]! << 24) >> 24) << (8 * (i - at)))) | 0;
  return mixTail(hash, tail);
}

export function bloomProbes(bitsPerKey: number): number {
  return Math.min(MAX_PROBES, Math.max(1, Math.floor(bitsPerKey * PROBES_PER_BIT)));
}

/** Bytes of a filter over `keys` keys, the byte that states the probes included. */
export function bloomBytes(keys: number, bitsPerKey: number): number {
  return Math.ceil(Math.max(MIN_BITS, keys * bitsPerKey) / 8) + 1;
}

/** Writes the filter over hashes[0, keys) to `target` at `at`. REQUIRES: bloomBytes of zeroed room. */
export function writeBloom(
  target: Uint8Array,
  at: number,
  hashes: Uint32Array,
  keys: number,
  bitsPerKey: number,
): void {
  const probes = bloomProbes(bitsPerKey);
  const end = at + bloomBytes(keys, bitsPerKey) - 1;
  // Both sides of the remainder are kept unsigned: then it is one machine instruction.
  const bits = ((end - at) * 8) >>> 0;
  for (let i = 0; i < keys; i++) {
    let hash = hashes[i]!;
    const delta = (hash >>> 17) | (hash << 15);
    for (let probe = 0; probe < probes; probe++) {
      const bit = (hash >>> 0) % bits;
      target[at + (bit >>> 3)]! |= 1 << (bit & 7);
      hash = (hash + delta) | 0;
    }
  }
  target[end] = probes;
}

/** False only when no key of this hash is in the filter at bytes[start, end); true where it makes no sense. */
export function bloomMayContain(bytes: Uint8Array, start: number, end: number, keyHash: number): boolean {
  if (end - start < 2) return true;
  const probes = bytes[end - 1]!;
  // More probes are LevelDB's reserve for other encodings of short filters.
  if (probes > MAX_PROBES) return true;
  const bits = ((end - start - 1) * 8) >>> 0;
  let hash = keyHash;
  const delta = (hash >>> 17) | (hash << 15);
  for (let probe = 0; probe < probes; probe++) {
    const bit = (hash >>> 0) % bits;
    if ((bytes[start + (bit >>> 3)]! & (1 << (bit & 7))) === 0) return false;
    hash = (hash + delta) | 0;
  }
  return true;
}

function mixWord(hash: number, word: number): number {
  const mixed = Math.imul((hash + word) | 0, MULTIPLIER);
  return mixed ^ (mixed >>> 16);
}

function mixTail(hash: number, tail: number): number {
  const mixed = Math.imul((hash + tail) | 0, MULTIPLIER);
  return (mixed ^ (mixed >>> 24)) >>> 0;
}
