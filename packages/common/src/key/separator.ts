/**
 * Short keys for index blocks, exactly LevelDB's: an index entry need not repeat the last key of its block, any key
 * at or after it and before the next block's first key will do.
 *
 * Both functions shorten the internal key in place and return its new length; where no shorter user key fits they
 * leave it alone. A shortened key ends with SEEK_TRAILER, so that it sorts before every entry of its user key.
 * Called once per block.
 */
import { commonPrefixLength } from '../bytes/compare.ts';
import { TRAILER_BYTES } from './internal-key.ts';

/** The largest trailer, sequence number 2^56 - 1 and kind Put, as bytes: it is beyond exact numbers. On disk. */
const SEEK_TRAILER: Uint8Array = new Uint8Array([0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]);

/**
 * Shortens the internal key at key[0, keyEnd) so that it still sorts before every entry of the user key
 * next[nextStart, nextEnd). REQUIRES: the user key of `key` sorts before or equals it.
 */
export function shortenToSeparator(
  key: Uint8Array,
  keyEnd: number,
  next: Uint8Array,
  nextStart: number,
  nextEnd: number,
): number {
  const userEnd = keyEnd - TRAILER_BYTES;
  const differing = commonPrefixLength(key, 0, userEnd, next, nextStart, nextEnd);
  if (differing >= userEnd || nextStart + differing >= nextEnd) return keyEnd;
  const larger = key[differing]! + 1;
  if (larger >= next[nextStart + differing]!) return keyEnd;
  return cutBehind(key, keyEnd, differing, larger);
}

/** Shortens the internal key at key[0, keyEnd), the last of its table, to a key at or after it. */
export function shortenToSuccessor(key: Uint8Array, keyEnd: number): number {
  const userEnd = keyEnd - TRAILER_BYTES;
  let at = 0;
  while (at < userEnd && key[at] === 0xff) at++;
  if (at === userEnd) return keyEnd;
  return cutBehind(key, keyEnd, at, key[at]! + 1);
}

/** Makes `byte` the last of the user key, if that is shorter: LevelDB keeps a key that would not get shorter. */
function cutBehind(key: Uint8Array, keyEnd: number, at: number, byte: number): number {
  const userEnd = at + 1;
  if (userEnd >= keyEnd - TRAILER_BYTES) return keyEnd;
  key[at] = byte;
  key.set(SEEK_TRAILER, userEnd);
  return userEnd + TRAILER_BYTES;
}
