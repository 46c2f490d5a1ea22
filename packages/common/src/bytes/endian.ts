/** Little-endian integers at any alignment. REQUIRES: the range lies inside `bytes`. */

export function readU32LE(bytes: Uint8Array, offset: number): number {
  return (
    (bytes[offset]! | (bytes[offset + 1]! << 8) | (bytes[offset + 2]! << 16) | (bytes[offset + 3]! << 24)) >>>
    0
  );
}

export function writeU32LE(bytes: Uint8Array, offset: number, value: number): void {
  bytes[offset] = value & 0xff;
  bytes[offset + 1] = (value >>> 8) & 0xff;
  bytes[offset + 2] = (value >>> 16) & 0xff;
  bytes[offset + 3] = (value >>> 24) & 0xff;
}

/** A u64 as a number; exact up to 2^53 - 1, so a caller that cannot trust the bytes checks `Number.isSafeInteger`. */
export function readU64LE(bytes: Uint8Array, offset: number): number {
  return readU32LE(bytes, offset + 4) * 0x1_0000_0000 + readU32LE(bytes, offset);
}

/** Writes an integer in [0, 2^53). */
export function writeU64LE(bytes: Uint8Array, offset: number, value: number): void {
  writeU32LE(bytes, offset, (value % 0x1_0000_0000) >>> 0);
  writeU32LE(bytes, offset + 4, Math.floor(value / 0x1_0000_0000));
}
