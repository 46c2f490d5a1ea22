/**
 * CRC-32C (Castagnoli), LevelDB's checksum of journal chunks and table blocks.
 *
 * The native function of the optional package @node-rs/crc32 serves ranges of 256 bytes and more, where it is seven
 * times faster; JavaScript (slicing by 8) serves the short ones, where a native call costs more than it saves, and
 * everything where the package is missing. Both give the same bytes; `crc32c.test.ts` compares them.
 */
import { loadOptional } from '../base/load-optional.ts';
import { readU32LE } from './endian.ts';

const POLYNOMIAL = 0x82f63b78;
const SLICES = 8;
const NATIVE_FROM_BYTES = 256;
const MASK_DELTA = 0xa282ead8;

/** SLICES tables of 256 words: TABLE[k * 256 + b] advances byte b by k further zero bytes. */
const TABLE = makeTable();

interface NativeCrc {
  crc32c(input: Uint8Array, initial?: number): number;
}
const native: NativeCrc | undefined = loadOptional<NativeCrc>('@node-rs/crc32');

/** Which implementation serves long ranges. */
export const crc32cImplementation: 'native' | 'javascript' = native === undefined ? 'javascript' : 'native';

/** CRC of bytes[start, end), continued from `initial` (the CRC of what comes before). */
export function crc32c(bytes: Uint8Array, start = 0, end: number = bytes.length, initial = 0): number {
  if (native !== undefined && end - start >= NATIVE_FROM_BYTES) {
    return native.crc32c(bytes.subarray(start, end), initial);
  }
  return crc32cJavaScript(bytes, start, end, initial);
}

/** The JavaScript implementation alone. */
export function crc32cJavaScript(bytes: Uint8Array, start: number, end: number, initial: number): number {
  let crc = ~initial;
  let at = start;
  for (; at + 8 <= end; at += 8) {
    const low = readU32LE(bytes, at) ^ crc;
    const high = readU32LE(bytes, at + 4);
    crc =
      TABLE[1792 + (low & 0xff)]! ^
      TABLE[1536 + ((low >>> 8) & 0xff)]! ^
      TABLE[1280 + ((low >>> 16) & 0xff)]! ^
      TABLE[1024 + (low >>> 24)]! ^
      TABLE[768 + (high & 0xff)]! ^
      TABLE[512 + ((high >>> 8) & 0xff)]! ^
      TABLE[256 + ((high >>> 16) & 0xff)]! ^
      TABLE[high >>> 24]!;
  }
  for (; at < end; at++) crc = TABLE[(crc ^ bytes[at]!) & 0xff]! ^ (crc >>> 8);
  return ~crc >>> 0;
}

/** LevelDB stores CRCs masked, since a CRC of data that contains its own CRC is weak. */
export function maskCrc(crc: number): number {
  return (((crc >>> 15) | (crc << 17)) + MASK_DELTA) >>> 0;
}

export function unmaskCrc(masked: number): number {
  const rotated = (masked - MASK_DELTA) >>> 0;
  return ((rotated >>> 17) | (rotated << 15)) >>> 0;
}

function makeTable(): Int32Array {
  const table = new Int32Array(SLICES * 256);
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1;
    table[byte] = crc;
  }
  for (let slice = 1; slice < SLICES; slice++) {
    for (let byte = 0; byte < 256; byte++) {
      const before = table[(slice - 1) * 256 + byte]!;
      table[slice * 256 + byte] = table[before & 0xff]! ^ (before >>> 8);
    }
  }
  return table;
}
