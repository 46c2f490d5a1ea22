import type { Arena } from '../arena/arena.ts';
import { NODE_KEY_LENGTH, NODE_KEY_OFFSET } from '../arena/layout.ts';
import { compareNodeToPlace } from './compare-nodes.ts';
import type { RunPrefix } from './run-prefix.ts';

/** Nodes in internal-key order. Never changed: iterators hold runs while new ones take their place. */
export interface SortedRun {
  /** How many merges made it. */
  readonly level: number;
  readonly nodes: Int32Array;
  /** The number (`RunPrefix`) of each node's key. Numbers of different prefixes do not compare. */
  readonly digits: Float64Array;
  readonly prefix: RunPrefix;
}

export function digitsOfNodes(arena: Arena, nodes: Int32Array, prefix: RunPrefix): Float64Array {
  const { nodeData, kvData } = arena;
  const digits = new Float64Array(nodes.length);
  for (let i = 0; i < nodes.length; i++) {
    const start = nodeData[nodes[i]! + NODE_KEY_OFFSET]!;
    digits[i] = prefix.of(kvData, start, start + nodeData[nodes[i]! + NODE_KEY_LENGTH]!);
  }
  return digits;
}

/** Index of the first node at or after the place (user key, delta) whose number is `digits`; nodes.length if none. */
export function lowerBound(
  arena: Arena,
  run: SortedRun,
  digits: number,
  key: Uint8Array,
  keyStart: number,
  keyEnd: number,
  delta: number,
): number {
  const { nodeData, kvData } = arena;
  const skip = run.prefix.sharedBytes(digits);
  let low = 0;
  let high = run.nodes.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const found = run.digits[middle]!;
    const isBefore =
      found !== digits
        ? found < digits
        : compareNodeToPlace(nodeData, kvData, run.nodes[middle]!, key, keyStart, keyEnd, delta, skip) < 0;
    if (isBefore) low = middle + 1;
    else high = middle;
  }
  return low;
}
