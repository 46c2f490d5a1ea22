import { NODE_KEY_LENGTH, NODE_KEY_OFFSET, NODE_SEQUENCE_DELTA } from '../arena/layout.ts';
import { compareRanges } from '../bytes/compare.ts';
import type { NodeRef } from './memdb.ts';

/**
 * Order of two nodes of one arena, by user key and then newer first. `skip` leading bytes of both keys are known
 * to be equal.
 */
export function compareNodes(
  nodeData: Int32Array,
  kvData: Uint8Array,
  left: NodeRef,
  right: NodeRef,
  skip: number,
): number {
  const leftStart = nodeData[left + NODE_KEY_OFFSET]!;
  const rightStart = nodeData[right + NODE_KEY_OFFSET]!;
  const byKey = compareRanges(
    kvData,
    leftStart + skip,
    leftStart + nodeData[left + NODE_KEY_LENGTH]!,
    kvData,
    rightStart + skip,
    rightStart + nodeData[right + NODE_KEY_LENGTH]!,
  );
  // Nodes are laid out in the order of their sequence numbers.
  return byKey !== 0 ? byKey : right - left;
}

/**
 * Order of a node and a place (user key, sequence delta): negative when the node is before it. `skip` leading
 * bytes of both keys are known to be equal.
 */
export function compareNodeToPlace(
  nodeData: Int32Array,
  kvData: Uint8Array,
  node: NodeRef,
  key: Uint8Array,
  keyStart: number,
  keyEnd: number,
  delta: number,
  skip: number,
): number {
  const start = nodeData[node + NODE_KEY_OFFSET]!;
  const end = start + nodeData[node + NODE_KEY_LENGTH]!;
  const byKey = compareRanges(kvData, start + skip, end, key, keyStart + skip, keyEnd);
  return byKey !== 0 ? byKey : delta - nodeData[node + NODE_SEQUENCE_DELTA]!;
}
