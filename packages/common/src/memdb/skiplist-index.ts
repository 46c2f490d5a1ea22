import type { Arena } from '../arena/arena.ts';
import {
  BRANCHING,
  HeaderWord,
  MAX_ARENA_ENTRIES,
  MAX_HEIGHT,
  NODE_KEY_LENGTH,
  NODE_KEY_OFFSET,
  NODE_SEQUENCE_DELTA,
  SKIP_HEAD,
  SKIP_HEIGHT_BITS,
  SKIP_NODE_ENTRY,
  SKIP_NODE_NEXT,
  SKIP_NODE_PREFIX_HIGH,
  SKIP_NODE_PREFIX_LOW,
} from '../arena/layout.ts';
import { invariant } from '../base/invariant.ts';
import { Prng } from '../base/prng.ts';
import { equalRanges } from '../bytes/compare.ts';
import { writeKeyWords } from './key-words.ts';
import type { NodeRef } from './memdb.ts';
import type { MemDbIndex } from './memdb-index.ts';
import type { MemDbCursor } from './memdb-iterator.ts';
import { stageRecord } from './record-nodes.ts';
import { SkiplistCursor } from './skiplist-cursor.ts';
import { findGE, findPath, isBefore } from './skiplist-search.ts';

/** Fixed, as in goleveldb: the same writes give the same list, and fill an arena at the same moment. */
const HEIGHT_SEED = 0xdeadbeef;
const HEIGHT_MASK = 2 ** SKIP_HEIGHT_BITS - 1;
/** No entry number is as large: sees the nodes of an insert under way. */
const ALL_ENTRIES = MAX_ARENA_ENTRIES;

/** The two words of a key that is looked up. */
const words = new Int32Array(2);

/** The skiplist index: always in order. A finger to the last insert makes ascending keys cost O(1). */
export class SkiplistIndex implements MemDbIndex {
  readonly #arena: Arena;
  readonly #prefix: Uint8Array;
  readonly #prng = new Prng(HEIGHT_SEED);
  /** INVARIANT: on each level, the last node that is not behind the node inserted last; SKIP_HEAD above the height in use. */
  readonly #path = new Int32Array(MAX_HEIGHT).fill(SKIP_HEAD);

  constructor(arena: Arena) {
    this.#arena = arena;
    this.#prefix = arena.commonPrefix.slice();
  }

  stage(records: Uint8Array, start: number, end: number, entries: number, firstDelta: number): number {
    const { nodeData, header } = this.#arena;
    const kvShift = header[HeaderWord.KvBytesUsed]! - start;
    const firstEntry = header[HeaderWord.VisibleCount]!;
    const prng = this.#prng;
    let node = header[HeaderWord.NodeWordsUsed]!;
    let at = start;
    for (let i = 0; i < entries; i++) {
      at = stageRecord(nodeData, node, records, at, end, at + kvShift, firstDelta + i);
      const keyStart = nodeData[node + NODE_KEY_OFFSET]! - kvShift;
      const keyEnd = keyStart + nodeData[node + NODE_KEY_LENGTH]!;
      writeKeyWords(nodeData, node + SKIP_NODE_PREFIX_HIGH, this.#prefix, records, keyStart, keyEnd);
      const height = randomHeight(prng);
      nodeData[node + SKIP_NODE_ENTRY] = ((firstEntry + i) << SKIP_HEIGHT_BITS) | height;
      node += SKIP_NODE_NEXT + height;
    }
    invariant(at === end, 'a batch has no bytes behind its last record');
    return node;
  }

  link(endWord: number, atomically: boolean): void {
    const { nodeData, kvData, header } = this.#arena;
    const prefixLength = this.#prefix.length;
    for (let node = header[HeaderWord.NodeWordsUsed]!; node < endWord; ) {
      const height = nodeData[node + SKIP_NODE_ENTRY]! & HEIGHT_MASK;
      findPathOfNode(nodeData, kvData, prefixLength, header[HeaderWord.Height]!, node, this.#path);
      spliceNode(nodeData, node, height, this.#path, atomically);
      if (height > header[HeaderWord.Height]!) header[HeaderWord.Height] = height;
      node += SKIP_NODE_NEXT + height;
    }
  }

  afterInsert(): void {}

  find(key: Uint8Array, keyStart: number, keyEnd: number, delta: number, count: number): NodeRef {
    const { nodeData, kvData, header } = this.#arena;
    const prefixLength = this.#prefix.length;
    const height = header[HeaderWord.Height]!;
    writeKeyWords(words, 0, this.#prefix, key, keyStart, keyEnd);
    const high = words[0]!;
    const low = words[1]!;
    const node = findGE(
      nodeData,
      kvData,
      prefixLength,
      height,
      count,
      high,
      low,
      key,
      keyStart,
      keyEnd,
      delta,
    );
    if (node === 0) return 0;
    const start = nodeData[node + NODE_KEY_OFFSET]!;
    return equalRanges(kvData, start, start + nodeData[node + NODE_KEY_LENGTH]!, key, keyStart, keyEnd)
      ? node
      : 0;
  }

  orderStep(): boolean {
    return false;
  }

  cursor(count: number): MemDbCursor {
    return new SkiplistCursor(this.#arena, this.#prefix, count);
  }
}

function randomHeight(prng: Prng): number {
  let height = 1;
  while (height < MAX_HEIGHT && prng.oneIn(BRANCHING)) height++;
  return height;
}

/**
 * Makes `path` lead to the place of `node`, in which it is not linked yet. When the node belongs between the node
 * inserted last and its successor, `path` does so already.
 */
function findPathOfNode(
  nodeData: Int32Array,
  kvData: Uint8Array,
  prefixLength: number,
  height: number,
  node: NodeRef,
  path: Int32Array,
): void {
  const high = nodeData[node + SKIP_NODE_PREFIX_HIGH]!;
  const low = nodeData[node + SKIP_NODE_PREFIX_LOW]!;
  const keyStart = nodeData[node + NODE_KEY_OFFSET]!;
  const keyEnd = keyStart + nodeData[node + NODE_KEY_LENGTH]!;
  const delta = nodeData[node + NODE_SEQUENCE_DELTA]!;
  const finger = path[0]!;
  if (
    finger !== SKIP_HEAD &&
    isBefore(nodeData, kvData, prefixLength, finger, high, low, kvData, keyStart, keyEnd, delta)
  ) {
    const next = nodeData[finger + SKIP_NODE_NEXT]!;
    if (
      next === 0 ||
      !isBefore(nodeData, kvData, prefixLength, next, high, low, kvData, keyStart, keyEnd, delta)
    ) {
      return;
    }
  }
  findPath(
    nodeData,
    kvData,
    prefixLength,
    height,
    ALL_ENTRIES,
    high,
    low,
    kvData,
    keyStart,
    keyEnd,
    delta,
    path,
  );
}

/** Links a node behind `path` on each of its levels, lowest first, and lets `path` lead behind it. */
function spliceNode(
  nodeData: Int32Array,
  node: NodeRef,
  height: number,
  path: Int32Array,
  atomically: boolean,
): void {
  for (let level = 0; level < height; level++) {
    nodeData[node + SKIP_NODE_NEXT + level] = nodeData[path[level]! + SKIP_NODE_NEXT + level]!;
  }
  for (let level = 0; level < height; level++) {
    const link = path[level]! + SKIP_NODE_NEXT + level;
    if (atomically) Atomics.store(nodeData, link, node);
    else nodeData[link] = node;
    path[level] = node;
  }
}
