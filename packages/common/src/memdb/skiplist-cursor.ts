import type { Arena } from '../arena/arena.ts';
import {
  HeaderWord,
  NODE_KEY_LENGTH,
  NODE_KEY_OFFSET,
  NODE_SEQUENCE_DELTA,
  SKIP_HEAD,
  SKIP_NODE_PREFIX_HIGH,
  SKIP_NODE_PREFIX_LOW,
} from '../arena/layout.ts';
import { writeKeyWords } from './key-words.ts';
import type { NodeRef } from './memdb.ts';
import type { MemDbCursor } from './memdb-iterator.ts';
import { findGE, findLast, findLT, nextNode } from './skiplist-search.ts';

/** The two words of the key that is sought. */
const words = new Int32Array(2);

/** Moves over the first `count` entries of a skiplist. */
export class SkiplistCursor implements MemDbCursor {
  readonly #arena: Arena;
  readonly #prefix: Uint8Array;
  readonly #count: number;

  constructor(arena: Arena, prefix: Uint8Array, count: number) {
    this.#arena = arena;
    this.#prefix = prefix;
    this.#count = count;
  }

  first(): NodeRef {
    return nextNode(this.#arena.nodeData, SKIP_HEAD, 0, this.#count);
  }

  last(): NodeRef {
    return findLast(this.#arena.nodeData, this.#arena.header[HeaderWord.Height]!, this.#count);
  }

  seek(key: Uint8Array, keyStart: number, keyEnd: number, delta: number): NodeRef {
    writeKeyWords(words, 0, this.#prefix, key, keyStart, keyEnd);
    const { nodeData, kvData, header } = this.#arena;
    const height = header[HeaderWord.Height]!;
    const prefixLength = this.#prefix.length;
    return findGE(
      nodeData,
      kvData,
      prefixLength,
      height,
      this.#count,
      words[0]!,
      words[1]!,
      key,
      keyStart,
      keyEnd,
      delta,
    );
  }

  seekBefore(key: Uint8Array, keyStart: number, keyEnd: number, delta: number): NodeRef {
    writeKeyWords(words, 0, this.#prefix, key, keyStart, keyEnd);
    return this.#findLT(words[0]!, words[1]!, key, keyStart, keyEnd, delta);
  }

  next(node: NodeRef): NodeRef {
    return nextNode(this.#arena.nodeData, node, 0, this.#count);
  }

  /** A list has no way back: the node before is searched for. */
  prev(node: NodeRef): NodeRef {
    const { nodeData, kvData } = this.#arena;
    const high = nodeData[node + SKIP_NODE_PREFIX_HIGH]!;
    const low = nodeData[node + SKIP_NODE_PREFIX_LOW]!;
    const keyStart = nodeData[node + NODE_KEY_OFFSET]!;
    const keyEnd = keyStart + nodeData[node + NODE_KEY_LENGTH]!;
    return this.#findLT(high, low, kvData, keyStart, keyEnd, nodeData[node + NODE_SEQUENCE_DELTA]!);
  }

  #findLT(
    high: number,
    low: number,
    key: Uint8Array,
    keyStart: number,
    keyEnd: number,
    delta: number,
  ): NodeRef {
    const { nodeData, kvData, header } = this.#arena;
    const height = header[HeaderWord.Height]!;
    const prefixLength = this.#prefix.length;
    return findLT(
      nodeData,
      kvData,
      prefixLength,
      height,
      this.#count,
      high,
      low,
      key,
      keyStart,
      keyEnd,
      delta,
    );
  }
}
