/**
 * The tree of RFC 6962 over leaf hashes that are already computed: pairs are hashed level by level, an odd node is
 * carried up unchanged (never paired with itself, which would let two lists of leaves share a root).
 *
 *     node = SHA-256(0x01 │ left hash │ right hash)        empty tree = SHA-256("")
 */

import { invariant } from '../base/invariant.ts';
import { EMPTY_BYTES } from '../bytes/compare.ts';
import { HASH_BYTES, HashPrefix, sha256 } from './hashing.ts';

/**
 * Root over `count` leaf hashes that lie one behind the other in `leaves`. One leaf is its own root.
 * Borrows `leaves`; the result is the caller's. Works in a copy of at most half their size.
 */
export function treeRoot(leaves: Uint8Array, count: number): Uint8Array<ArrayBuffer> {
  invariant(leaves.length >= count * HASH_BYTES, 'leaf hashes lie inside their buffer');
  if (count === 0) return sha256(EMPTY_BYTES);
  if (count === 1) return new Uint8Array(leaves.subarray(0, HASH_BYTES));
  const nodes = new Uint8Array(Math.ceil(count / 2) * HASH_BYTES);
  let width = hashPairs(leaves, count, nodes);
  while (width > 1) width = hashPairs(nodes, width, nodes);
  return nodes.slice(0, HASH_BYTES);
}

/** One level up: the parents of source[0 .. width) go to target[0 ..), which may be the source. Returns how many. */
function hashPairs(source: Uint8Array, width: number, target: Uint8Array): number {
  const input = new Uint8Array(1 + 2 * HASH_BYTES);
  input[0] = HashPrefix.Node;
  let parents = 0;
  for (let left = 0; left < width; left += 2) {
    const start = left * HASH_BYTES;
    if (left + 1 < width) {
      input.set(source.subarray(start, start + 2 * HASH_BYTES), 1);
      target.set(sha256(input), parents * HASH_BYTES);
    } else {
      target.set(source.subarray(start, start + HASH_BYTES), parents * HASH_BYTES);
    }
    parents++;
  }
  return parents;
}
