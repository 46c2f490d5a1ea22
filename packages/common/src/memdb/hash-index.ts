import type { Arena } from '../arena/arena.ts';
import {
  HASH_NODE_HASH,
  HASH_NODE_NEXT,
  HASH_NODE_OLDER,
  HASH_NODE_WORDS,
  HeaderWord,
  INDEX_WORD,
  NODE_KEY_LENGTH,
  NODE_KEY_OFFSET,
  NODE_SEQUENCE_DELTA,
} from '../arena/layout.ts';
import { invariant } from '../base/invariant.ts';
import { equalRanges } from '../bytes/compare.ts';
import { halfSipHash } from './half-sip-hash.ts';
import type { NodeRef } from './memdb.ts';
import type { MemDbIndex } from './memdb-index.ts';
import type { MemDbCursor } from './memdb-iterator.ts';
import { stageRecord } from './record-nodes.ts';
import { RunCursor } from './run-cursor.ts';
import { SortedRuns } from './sorted-runs.ts';

/**
 * The hash index: a table of buckets, each a chain of the newest nodes of its keys, each of those a chain of the
 * older versions of its key. Insert and find cost O(1). There is no order in it: iterators work on sorted runs,
 * which belong to this object and not to the arena.
 */
export class HashIndex implements MemDbIndex {
  readonly #arena: Arena;
  readonly #seed0: number;
  readonly #seed1: number;
  readonly #bucketMask: number;
  readonly #runs: SortedRuns;

  constructor(arena: Arena) {
    this.#arena = arena;
    this.#seed0 = arena.header[HeaderWord.HashSeed0]!;
    this.#seed1 = arena.header[HeaderWord.HashSeed1]!;
    this.#bucketMask = 2 ** arena.bucketBits - 1;
    this.#runs = new SortedRuns(arena);
  }

  stage(records: Uint8Array, start: number, end: number, entries: number, firstDelta: number): number {
    const { nodeData, header } = this.#arena;
    const kvShift = header[HeaderWord.KvBytesUsed]! - start;
    const firstNode = header[HeaderWord.NodeWordsUsed]!;
    return stageNodes(nodeData, firstNode, records, start, end, entries, kvShift, firstDelta);
  }

  link(endWord: number, atomically: boolean): void {
    const { nodeData, kvData, header } = this.#arena;
    const firstNode = header[HeaderWord.NodeWordsUsed]!;
    linkNodes(nodeData, kvData, firstNode, endWord, this.#bucketMask, this.#seed0, this.#seed1, atomically);
  }

  afterInsert(count: number): void {
    this.#runs.sortFilledChunk(count);
  }

  find(key: Uint8Array, keyStart: number, keyEnd: number, delta: number, count: number): NodeRef {
    const { nodeData, kvData, firstNode } = this.#arena;
    const hash = halfSipHash(this.#seed0, this.#seed1, key, keyStart, keyEnd);
    const bucket = INDEX_WORD + (hash & this.#bucketMask);
    const visibleEnd = firstNode + count * HASH_NODE_WORDS;
    return findNode(nodeData, kvData, bucket, hash, visibleEnd, key, keyStart, keyEnd, delta);
  }

  orderStep(count: number): boolean {
    return this.#runs.step(count);
  }

  cursor(count: number): MemDbCursor {
    return new RunCursor(this.#arena, this.#runs.open(count));
  }
}

function stageNodes(
  nodeData: Int32Array,
  firstNode: NodeRef,
  records: Uint8Array,
  start: number,
  end: number,
  entries: number,
  kvShift: number,
  firstDelta: number,
): number {
  let node = firstNode;
  let at = start;
  for (let i = 0; i < entries; i++) {
    at = stageRecord(nodeData, node, records, at, end, at + kvShift, firstDelta + i);
    node += HASH_NODE_WORDS;
  }
  invariant(at === end, 'a batch has no bytes behind its last record');
  return node;
}

function linkNodes(
  nodeData: Int32Array,
  kvData: Uint8Array,
  firstNode: NodeRef,
  endWord: number,
  bucketMask: number,
  seed0: number,
  seed1: number,
  atomically: boolean,
): void {
  for (let node = firstNode; node < endWord; node += HASH_NODE_WORDS) {
    const keyStart = nodeData[node + NODE_KEY_OFFSET]!;
    const keyEnd = keyStart + nodeData[node + NODE_KEY_LENGTH]!;
    const hash = halfSipHash(seed0, seed1, kvData, keyStart, keyEnd);
    const bucket = INDEX_WORD + (hash & bucketMask);
    const head = nodeData[bucket]!;
    // A new version takes the place of the one before it in the chain; a new key becomes the head.
    let link = bucket;
    let older = head;
    while (older !== 0 && !hasKey(nodeData, kvData, older, hash, kvData, keyStart, keyEnd)) {
      link = older + HASH_NODE_NEXT;
      older = nodeData[link]!;
    }
    if (older === 0) link = bucket;
    nodeData[node + HASH_NODE_HASH] = hash;
    nodeData[node + HASH_NODE_OLDER] = older;
    nodeData[node + HASH_NODE_NEXT] = older === 0 ? head : nodeData[older + HASH_NODE_NEXT]!;
    if (atomically) Atomics.store(nodeData, link, node);
    else nodeData[link] = node;
  }
}

/**
 * A node at or behind `visibleEnd` is followed along its links only: first to older versions of its key, which may
 * be visible, then to the next key. A chain met on the way through a node that has been replaced since is that of
 * an earlier moment, and still holds every visible node.
 */
function findNode(
  nodeData: Int32Array,
  kvData: Uint8Array,
  bucket: number,
  hash: number,
  visibleEnd: number,
  key: Uint8Array,
  keyStart: number,
  keyEnd: number,
  delta: number,
): NodeRef {
  for (let newest = nodeData[bucket]!; newest !== 0; newest = nodeData[newest + HASH_NODE_NEXT]!) {
    let node = newest;
    while (node >= visibleEnd) node = nodeData[node + HASH_NODE_OLDER]!;
    if (node === 0 || !hasKey(nodeData, kvData, node, hash, key, keyStart, keyEnd)) continue;
    while (node !== 0 && nodeData[node + NODE_SEQUENCE_DELTA]! > delta)
      node = nodeData[node + HASH_NODE_OLDER]!;
    return node;
  }
  return 0;
}

function hasKey(
  nodeData: Int32Array,
  kvData: Uint8Array,
  node: NodeRef,
  hash: number,
  key: Uint8Array,
  keyStart: number,
  keyEnd: number,
): boolean {
  if (nodeData[node + HASH_NODE_HASH] !== hash) return false;
  const start = nodeData[node + NODE_KEY_OFFSET]!;
  return equalRanges(kvData, start, start + nodeData[node + NODE_KEY_LENGTH]!, key, keyStart, keyEnd);
}
