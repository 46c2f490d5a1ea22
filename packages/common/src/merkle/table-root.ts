/**
 * The root of one table: a commitment to the contents of its data blocks, in order.
 *
 *     leaf        SHA-256( 0x00 │ uncompressed contents of the data block, restart array included )
 *     table root  SHA-256( 0x02 │ "arena.merkle.v1" │ number of blocks, u64 │ tree root over the leaves )
 *
 * A data block holds whole internal keys with lengths, so a leaf is not ambiguous. The leaves are kept in the table,
 * in a meta block named `arena.merkle.v1`, a name that other LevelDB readers do not know and skip:
 *
 *     ┌────────────────────────┬──────────────────────┬─────────────────────────────────────┐
 *     │ number of blocks, u64  │ table root, 32 bytes │ leaf hashes, 32 bytes each, in order │
 *     └────────────────────────┴──────────────────────┴─────────────────────────────────────┘
 *
 * All numbers big-endian.
 */
import { corruption } from '../base/errors.ts';
import { invariant } from '../base/invariant.ts';
import { compareBytes } from '../bytes/compare.ts';
import { HASH_BYTES, HashPrefix, readU64BE, sha256, writeU64BE } from './hashing.ts';
import { treeRoot } from './tree.ts';

/** Name of the meta block, and the tag bound into every table root. On disk: never change. */
export const MERKLE_BLOCK_NAME = 'arena.merkle.v1';

const COUNT_BYTES = 8;
const HEADER_BYTES: number = COUNT_BYTES + HASH_BYTES;
const FIRST_LEAVES = 64;
const TAG: Uint8Array<ArrayBuffer> = new Uint8Array(Buffer.from(MERKLE_BLOCK_NAME, 'latin1'));

/** Collects leaves while a table is written. One owner, one table. */
export class TableRootBuilder {
  #leaves: Uint8Array<ArrayBuffer> = new Uint8Array(FIRST_LEAVES * HASH_BYTES);
  #blocks = 0;
  /** Over the leaves so far, once it was asked for. */
  #root: Uint8Array<ArrayBuffer> | undefined;

  /** Leaves so far. */
  get blocks(): number {
    return this.#blocks;
  }

  /**
   * Hashes the block contents in buffer[start, end) where they lie, with the byte before them lent to the prefix
   * and given back. REQUIRES: start >= 1, and nobody else reads that byte meanwhile.
   */
  addBlock(buffer: Uint8Array, start: number, end: number): void {
    invariant(start >= 1 && start <= end && end <= buffer.length, 'a block to hash has a byte before it');
    const before = buffer[start - 1]!;
    buffer[start - 1] = HashPrefix.Block;
    const leaf = sha256(buffer.subarray(start - 1, end));
    buffer[start - 1] = before;
    this.addLeaf(leaf);
  }

  /** A leaf that was computed before: a block taken over whole from another table. Copies it. */
  addLeaf(leaf: Uint8Array): void {
    invariant(leaf.length === HASH_BYTES, 'a leaf is one hash');
    const at = this.#blocks * HASH_BYTES;
    if (at === this.#leaves.length) {
      const larger = new Uint8Array(2 * at);
      larger.set(this.#leaves);
      this.#leaves = larger;
    }
    this.#leaves.set(leaf, at);
    this.#root = undefined;
    this.#blocks++;
  }

  /** All leaves, one behind the other: a copy. */
  leaves(): Uint8Array<ArrayBuffer> {
    return this.#leaves.slice(0, this.#blocks * HASH_BYTES);
  }

  /** The table root over the leaves so far. */
  root(): Uint8Array<ArrayBuffer> {
    this.#root ??= tableRoot(this.#leaves, this.#blocks);
    return this.#root;
  }
}

/** The leaf of block contents that have no byte of their own before them: a copy is hashed. */
export function blockLeaf(contents: Uint8Array): Uint8Array<ArrayBuffer> {
  const input = new Uint8Array(1 + contents.length);
  input[0] = HashPrefix.Block;
  input.set(contents, 1);
  return sha256(input);
}

/** The table root over `blocks` leaf hashes that lie one behind the other. */
export function tableRoot(leaves: Uint8Array, blocks: number): Uint8Array<ArrayBuffer> {
  const input = new Uint8Array(1 + TAG.length + COUNT_BYTES + HASH_BYTES);
  input[0] = HashPrefix.TableRoot;
  input.set(TAG, 1);
  const at = writeU64BE(input, 1 + TAG.length, blocks);
  input.set(treeRoot(leaves, blocks), at);
  return sha256(input);
}

/** Contents of the meta block. */
export function encodeMerkleBlock(builder: TableRootBuilder): Uint8Array<ArrayBuffer> {
  const leaves = builder.leaves();
  const contents = new Uint8Array(HEADER_BYTES + leaves.length);
  const at = writeU64BE(contents, 0, builder.blocks);
  contents.set(builder.root(), at);
  contents.set(leaves, HEADER_BYTES);
  return contents;
}

export interface StatedRoot {
  readonly blocks: number;
  readonly root: Uint8Array<ArrayBuffer>;
}

export interface MerkleBlock extends StatedRoot {
  /** One behind the other. */
  readonly leaves: Uint8Array<ArrayBuffer>;
}

/** What the meta block states, without computing the root of its leaves anew. Copies. */
export function readStatedRoot(contents: Uint8Array, fileName: string, offset: number): StatedRoot {
  if (contents.length < HEADER_BYTES) {
    throw corruption(`Merkle block of ${contents.length} bytes is shorter than its header`, fileName, offset);
  }
  const blocks = readU64BE(contents, 0);
  if (contents.length !== HEADER_BYTES + blocks * HASH_BYTES) {
    throw corruption(`Merkle block of ${contents.length} bytes states ${blocks} leaves`, fileName, offset);
  }
  return { blocks, root: new Uint8Array(contents.subarray(COUNT_BYTES, HEADER_BYTES)) };
}

/**
 * Reads the contents of a meta block; `fileName` and `offset` say where it stands. What it states is consistent
 * afterwards, but only `verify` compares it with the data blocks. Copies.
 */
export function decodeMerkleBlock(contents: Uint8Array, fileName: string, offset: number): MerkleBlock {
  const { blocks, root } = readStatedRoot(contents, fileName, offset);
  const leaves = new Uint8Array(contents.subarray(HEADER_BYTES));
  if (compareBytes(root, tableRoot(leaves, blocks)) !== 0) {
    throw corruption('Merkle block states a root that is not the root of its leaves', fileName, offset);
  }
  return { blocks, root, leaves };
}
