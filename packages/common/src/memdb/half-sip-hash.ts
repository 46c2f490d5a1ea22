/**
 * HalfSipHash-1-3: a keyed 32-bit hash. Without the key nobody can choose user keys that fall into one bucket, and
 * it costs one round for each 4 bytes. (Aumasson and Bernstein's SipHash on 32-bit words; one round per word and three
 * at the end, as hash tables use it.)
 */
export function halfSipHash(
  seed0: number,
  seed1: number,
  bytes: Uint8Array,
  start: number,
  end: number,
): number {
  let v0 = seed0;
  let v1 = seed1;
  let v2 = seed0 ^ 0x6c796765;
  let v3 = seed1 ^ 0x74656462;
  const wordsEnd = end - ((end - start) & 3);
  // The last word holds the length and the bytes that make no whole word; then follow the finishing rounds.
  let rounds = 1;
  for (let at = start; ; at += 4) {
    let word: number;
    if (at < wordsEnd) {
      word = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
    } else if (at === wordsEnd) {
      word = (end - start) << 24;
      for (let i = wordsEnd; i < end; i++) word |= bytes[i]! << ((i - wordsEnd) * 8);
    } else {
      v2 ^= 0xff;
      word = 0;
      rounds = 3;
    }
    v3 ^= word;
    for (let round = 0; round < rounds; round++) {
      v0 = (v0 + v1) | 0;
      v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
      v0 = (v0 << 16) | (v0 >>> 16);
      v2 = (v2 + v3) | 0;
      v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
      v0 = (v0 + v3) | 0;
      v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
      v2 = (v2 + v1) | 0;
      v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
      v2 = (v2 << 16) | (v2 >>> 16);
    }
    if (rounds === 3) return v1 ^ v3;
    v0 ^= word;
  }
}
