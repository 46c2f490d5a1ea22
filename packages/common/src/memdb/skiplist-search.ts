/**
 * Search in a skiplist of nodes (`arena/layout.ts`): the functions of LevelDB's and goleveldb's memtable.
 *
 * Order: user key ascending, then newest first. Most comparisons are decided by two words of a node (`key-words.ts`);
 * only equal words lead to the keys in kvData.
 *
 * Entries from `count` on are not seen. Of their nodes only number and links are read, to pass them by: the owner may
 * be in the middle of the insert that they belong to while another thread is here.
 */
import {
  MAX_HEIGHT,
  SKIP_HEAD,
  SKIP_HEIGHT_BITS,
  SKIP_NODE_ENTRY,
  SKIP_NODE_NEXT,
  SKIP_NODE_PREFIX_HIGH,
  SKIP_NODE_PREFIX_LOW,
} from '../arena/layout.ts';
import { compareNodeToPlace } from './compare-nodes.ts';
import { sharedKeyBytes } from './key-words.ts';
import type { NodeRef } from './memdb.ts';

/** The next node on a level, of those with a number below `count`; 0 at the end. */
export function nextNode(nodeData: Int32Array, node: NodeRef, level: number, count: number): NodeRef {
  let next = nodeData[node + SKIP_NODE_NEXT + level]!;
  while (next !== 0 && nodeData[next + SKIP_NODE_ENTRY]! >>> SKIP_HEIGHT_BITS >= count) {
    next = nodeData[next + SKIP_NODE_NEXT + level]!;
  }
  return next;
}

/** Whether a node is before the place (key with the words `high` and `low`, delta). */
export function isBefore(
  nodeData: Int32Array,
  kvData: Uint8Array,
  prefixLength: number,
  node: NodeRef,
  high: number,
  low: number,
  key: Uint8Array,
  keyStart: number,
  keyEnd: number,
  delta: number,
): boolean {
  const nodeHigh = nodeData[node + SKIP_NODE_PREFIX_HIGH]!;
  if (nodeHigh !== high) return nodeHigh < high;
  const nodeLow = nodeData[node + SKIP_NODE_PREFIX_LOW]!;
  if (nodeLow !== low) return nodeLow < low;
  const skip = sharedKeyBytes(high, low, prefixLength);
  return compareNodeToPlace(nodeData, kvData, node, key, keyStart, keyEnd, delta, skip) < 0;
}

/**
 * The last node before a place, SKIP_HEAD when there is none; `path` takes the last node before it on each level
 * below `height`.
 */
export function findPath(
  nodeData: Int32Array,
  kvData: Uint8Array,
  prefixLength: number,
  height: number,
  count: number,
  high: number,
  low: number,
  key: Uint8Array,
  keyStart: number,
  keyEnd: number,
  delta: number,
  path: Int32Array,
): NodeRef {
  let node = SKIP_HEAD;
  // Met on the level above and found not to be before the place: not compared again.
  let behind = 0;
  for (let level = height - 1; level >= 0; level--) {
    let next = nextNode(nodeData, node, level, count);
    while (
      next !== behind &&
      next !== 0 &&
      isBefore(nodeData, kvData, prefixLength, next, high, low, key, keyStart, keyEnd, delta)
    ) {
      node = next;
      next = nextNode(nodeData, node, level, count);
    }
    behind = next;
    path[level] = node;
  }
  return node;
}

const unusedPath = new Int32Array(MAX_HEIGHT);

/** The first node at or after a place; 0 when there is none. */
export function findGE(
  nodeData: Int32Array,
  kvData: Uint8Array,
  prefixLength: number,
  height: number,
  count: number,
  high: number,
  low: number,
  key: Uint8Array,
  keyStart: number,
  keyEnd: number,
  delta: number,
): NodeRef {
  const before = findPath(
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
    unusedPath,
  );
  return nextNode(nodeData, before, 0, count);
}

/** The last node before a place; 0 when there is none. */
export function findLT(
  nodeData: Int32Array,
  kvData: Uint8Array,
  prefixLength: number,
  height: number,
  count: number,
  high: number,
  low: number,
  key: Uint8Array,
  keyStart: number,
  keyEnd: number,
  delta: number,
): NodeRef {
  const before = findPath(
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
    unusedPath,
  );
  return before === SKIP_HEAD ? 0 : before;
}

/** The last node of all; 0 when there is none. */
export function findLast(nodeData: Int32Array, height: number, count: number): NodeRef {
  let node = SKIP_HEAD;
  for (let level = height - 1; level >= 0; level--) {
    let next = nextNode(nodeData, node, level, count);
    while (next !== 0) {
      node = next;
      next = nextNode(nodeData, node, level, count);
    }
  }
  return node === SKIP_HEAD ? 0 : node;
}
