/**
 * The MasterRoot of a version: a commitment to its tables, each in its place.
 *
 *     ┌──────┬────────────┬──────────────────┬───────────┬─────────────────┬──────────┬────────────────┬─────────┬────────────┐
 *     │ 0x03 │ level, u64 │ file number, u64 │ size, u64 │ key length, u32 │ smallest │ key length,u32 │ largest │ table root │
 *     └──────┴────────────┴──────────────────┴───────────┴─────────────────┴──────────┴────────────────┴─────────┴────────────┘
 *       table leaf = SHA-256 of this; smallest and largest are internal keys
 *
 *     MasterRoot = SHA-256( 0x04 │ number of tables, u64 │ tree root over the table leaves )
 *
 * All numbers big-endian. Order of the leaves: level 0 by ascending file number, then each deeper level by smallest
 * key. A version without tables has a MasterRoot too: count 0 over the empty tree. It depends on the layout of the
 * tables, not on the logical contents alone: a compaction changes it.
 */
import { invariant } from '../base/invariant.ts';
import { HASH_BYTES, HashPrefix, sha256, writeU32BE, writeU64BE } from './hashing.ts';
import { treeRoot } from './tree.ts';

export interface TableLeafInput {
  readonly level: number;
  /** File number. */
  readonly number: number;
  /** Bytes of the file. */
  readonly size: number;
  /** Bounds: internal keys, as the manifest has them. */
  readonly smallest: Uint8Array;
  readonly largest: Uint8Array;
  /** The table root (`table-root.ts`). */
  readonly root: Uint8Array;
}

const NUMBER_BYTES = 8;
const LENGTH_BYTES = 4;

/** The leaf of one table under the MasterRoot. */
export function tableLeaf(table: TableLeafInput): Uint8Array<ArrayBuffer> {
  const { smallest, largest, root } = table;
  invariant(root.length === HASH_BYTES, 'a table root is one hash');
  const keyBytes = smallest.length + largest.length;
  const input = new Uint8Array(1 + 3 * NUMBER_BYTES + 2 * LENGTH_BYTES + keyBytes + HASH_BYTES);
  input[0] = HashPrefix.TableLeaf;
  let at = writeU64BE(input, 1, table.level);
  at = writeU64BE(input, at, table.number);
  at = writeU64BE(input, at, table.size);
  at = writeU32BE(input, at, smallest.length);
  input.set(smallest, at);
  at = writeU32BE(input, at + smallest.length, largest.length);
  input.set(largest, at);
  input.set(root, at + largest.length);
  return sha256(input);
}

/** The MasterRoot over the leaves of all tables, in the order above. */
export function masterRoot(leaves: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const packed = new Uint8Array(leaves.length * HASH_BYTES);
  leaves.forEach((leaf, index) => {
    invariant(leaf.length === HASH_BYTES, 'a table leaf is one hash');
    packed.set(leaf, index * HASH_BYTES);
  });
  const input = new Uint8Array(1 + NUMBER_BYTES + HASH_BYTES);
  input[0] = HashPrefix.MasterRoot;
  const at = writeU64BE(input, 1, leaves.length);
  input.set(treeRoot(packed, leaves.length), at);
  return sha256(input);
}
