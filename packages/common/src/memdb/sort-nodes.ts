/**
 * Sorts hash nodes into internal-key order.
 *
 * Each entry becomes one 64-bit word: five key bytes behind the bytes that all keys of the range share, over the
 * complement of the entry's number. `BigUint64Array.sort` puts a million of those in order in native code, without a
 * BigInt being made: they are written through a Uint32Array over the same (unshared) memory. Entries whose five bytes
 * are equal form a *tie*, a smaller range of the same problem five bytes further on.
 *
 *        63            32 31    24 23             0
 *       ┌────────────────┬────────┬────────────────┐
 *       │ bytes 0 .. 3   │ byte 4 │ ~entry number  │      a key that ends early is padded with zeros
 *       └────────────────┴────────┴────────────────┘
 *
 * INVARIANT: within any set of equal keys the words are in ascending order of the complement, so newer entries
 * come first, before a range is sorted and after: a range of one key's versions is in order as it stands.
 */
import { HASH_NODE_WORDS, MAX_ARENA_ENTRIES, NODE_KEY_LENGTH, NODE_KEY_OFFSET } from '../arena/layout.ts';
import { invariant } from '../base/invariant.ts';
import { compareNodes } from './compare-nodes.ts';
import type { NodeRef } from './memdb.ts';

const WINDOW_BYTES = 5;
const NUMBER_MASK = 0xff_ffff;
/** Up to this many entries are sorted by insertion. */
const INSERTION_LIMIT = 12;
/** Classes of a tie: keys that end within the window, by their length, and keys that reach beyond it. */
const LENGTH_CLASSES = WINDOW_BYTES + 2;

/** Nodes of the `entries` entries from `firstNode` on, in internal-key order. */
export function sortNodes(
  nodeData: Int32Array,
  kvData: Uint8Array,
  firstNode: NodeRef,
  entries: number,
): Int32Array<ArrayBuffer> {
  invariant(entries <= MAX_ARENA_ENTRIES, 'an entry number fits in 24 bits');
  const sort = new NodeSort(nodeData, kvData, firstNode, entries);
  sort.run();
  return sort.nodes();
}

class NodeSort {
  readonly #nodeData: Int32Array;
  readonly #kvData: Uint8Array;
  readonly #firstNode: NodeRef;
  readonly #entries: number;
  readonly #packed: BigUint64Array<ArrayBuffer>;
  /** The same memory: entry i is [2i] low, [2i + 1] high. */
  readonly #words: Uint32Array<ArrayBuffer>;
  /** Ranges yet to be sorted: from, to, and the number of leading bytes that their keys are known to share. */
  readonly #pending: number[] = [];

  constructor(nodeData: Int32Array, kvData: Uint8Array, firstNode: NodeRef, entries: number) {
    this.#nodeData = nodeData;
    this.#kvData = kvData;
    this.#firstNode = firstNode;
    this.#entries = entries;
    this.#packed = new BigUint64Array(entries);
    this.#words = new Uint32Array(this.#packed.buffer);
  }

  /** A list instead of recursion: keys that share long prefixes nest deeper than a stack is high. */
  run(): void {
    const words = this.#words;
    const entries = this.#entries;
    for (let i = 0; i < entries; i++) words[2 * i] = ~(entries - 1 - i) & NUMBER_MASK;
    const pending = this.#pending;
    pending.push(0, entries, 0);
    while (pending.length > 0) {
      const depth = pending.pop()!;
      const to = pending.pop()!;
      const from = pending.pop()!;
      this.#sortRange(from, to, depth);
    }
  }

  nodes(): Int32Array<ArrayBuffer> {
    const nodes = new Int32Array(this.#entries);
    const words = this.#words;
    const firstNode = this.#firstNode;
    for (let i = 0; i < nodes.length; i++)
      nodes[i] = firstNode + (~words[2 * i]! & NUMBER_MASK) * HASH_NODE_WORDS;
    return nodes;
  }

  /** Sorts [from, to), whose keys share `sharedBytes` bytes, down to ties, and leaves those pending. */
  #sortRange(from: number, to: number, sharedBytes: number): void {
    const nodeData = this.#nodeData;
    const kvData = this.#kvData;
    const words = this.#words;
    const firstNode = this.#firstNode;
    if (to - from <= INSERTION_LIMIT) {
      insertionSort(nodeData, kvData, firstNode, words, from, to, sharedBytes);
      return;
    }
    const depth = extendPrefix(nodeData, kvData, firstNode, words, from, to, sharedBytes);
    if (depth === ALL_EQUAL) return;
    packWindows(nodeData, kvData, firstNode, words, from, to, depth);
    this.#packed.subarray(from, to).sort();
    for (let start = from; start < to; ) {
      const high = words[2 * start + 1]!;
      const lastByte = words[2 * start]! & ~NUMBER_MASK;
      let end = start + 1;
      while (end < to && words[2 * end + 1] === high && (words[2 * end]! & ~NUMBER_MASK) === lastByte) end++;
      if (end - start > 1) this.#resolveTie(start, end, depth);
      start = end;
    }
  }

  /** [from, to) agree in the window at `depth`. Keys that end in it go first, shorter ones before longer ones. */
  #resolveTie(from: number, to: number, depth: number): void {
    const nodeData = this.#nodeData;
    const words = this.#words;
    const firstNode = this.#firstNode;
    if (to - from <= INSERTION_LIMIT) {
      insertionSort(nodeData, this.#kvData, firstNode, words, from, to, depth);
      return;
    }
    const ends = new Uint32Array(LENGTH_CLASSES);
    for (let i = from; i < to; i++) ends[lengthClass(nodeData, nodeOf(words, firstNode, i), depth)]!++;
    const longKeys = ends[LENGTH_CLASSES - 1]!;
    if (longKeys < to - from) {
      for (let c = 1; c < LENGTH_CLASSES; c++) ends[c]! += ends[c - 1]!;
      const before = words.slice(2 * from, 2 * to);
      // Backwards, so that each class keeps its order.
      for (let i = to - from - 1; i >= 0; i--) {
        const place = from + --ends[lengthClass(nodeData, nodeOf(before, firstNode, i), depth)]!;
        words[2 * place] = before[2 * i]!;
      }
    }
    if (longKeys > 1) this.#pending.push(to - longKeys, to, depth + WINDOW_BYTES);
  }
}

function nodeOf(words: Uint32Array, firstNode: NodeRef, i: number): NodeRef {
  return firstNode + (~words[2 * i]! & NUMBER_MASK) * HASH_NODE_WORDS;
}

function lengthClass(nodeData: Int32Array, node: NodeRef, depth: number): number {
  return Math.min(nodeData[node + NODE_KEY_LENGTH]! - depth, LENGTH_CLASSES - 1);
}

const ALL_EQUAL = -1;

/** The number of leading bytes that all keys of [from, to) share, known to be `depth` at least; or ALL_EQUAL. */
function extendPrefix(
  nodeData: Int32Array,
  kvData: Uint8Array,
  firstNode: NodeRef,
  words: Uint32Array,
  from: number,
  to: number,
  depth: number,
): number {
  const model = nodeOf(words, firstNode, from);
  const modelStart = nodeData[model + NODE_KEY_OFFSET]!;
  const modelLength = nodeData[model + NODE_KEY_LENGTH]!;
  let shared = modelLength;
  let sameLength = true;
  for (let i = from + 1; i < to; i++) {
    const node = nodeOf(words, firstNode, i);
    const start = nodeData[node + NODE_KEY_OFFSET]!;
    const length = nodeData[node + NODE_KEY_LENGTH]!;
    if (length !== modelLength) sameLength = false;
    if (length < shared) shared = length;
    let at = depth;
    while (at < shared && kvData[start + at] === kvData[modelStart + at]) at++;
    shared = at;
    if (shared === depth && (depth < modelLength || !sameLength)) return depth;
  }
  return sameLength && shared === modelLength ? ALL_EQUAL : shared;
}

function packWindows(
  nodeData: Int32Array,
  kvData: Uint8Array,
  firstNode: NodeRef,
  words: Uint32Array,
  from: number,
  to: number,
  depth: number,
): void {
  for (let i = from; i < to; i++) {
    const number = words[2 * i]! & NUMBER_MASK;
    const node = firstNode + (~number & NUMBER_MASK) * HASH_NODE_WORDS;
    const at = nodeData[node + NODE_KEY_OFFSET]! + depth;
    const rest = nodeData[node + NODE_KEY_LENGTH]! - depth;
    if (rest >= WINDOW_BYTES) {
      words[2 * i + 1] =
        (kvData[at]! << 24) | (kvData[at + 1]! << 16) | (kvData[at + 2]! << 8) | kvData[at + 3]!;
      words[2 * i] = (kvData[at + 4]! << 24) | number;
    } else {
      let high = 0;
      for (let j = 0; j < rest; j++) high |= kvData[at + j]! << (24 - 8 * j);
      words[2 * i + 1] = high;
      words[2 * i] = number;
    }
  }
}

function insertionSort(
  nodeData: Int32Array,
  kvData: Uint8Array,
  firstNode: NodeRef,
  words: Uint32Array,
  from: number,
  to: number,
  sharedBytes: number,
): void {
  // Oldest first: keys that were inserted in ascending order are in order then.
  for (let left = from, right = to - 1; left < right; left++, right--) {
    const number = words[2 * left]!;
    words[2 * left] = words[2 * right]!;
    words[2 * right] = number;
  }
  for (let i = from + 1; i < to; i++) {
    const number = words[2 * i]!;
    const node = nodeOf(words, firstNode, i);
    let place = i;
    while (
      place > from &&
      compareNodes(nodeData, kvData, nodeOf(words, firstNode, place - 1), node, sharedBytes) > 0
    ) {
      words[2 * place] = words[2 * (place - 1)]!;
      place--;
    }
    words[2 * place] = number;
  }
}
