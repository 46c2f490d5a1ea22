import { IndexKind } from '../arena/index-kind.ts';
import { SKIP_HEAD } from '../arena/layout.ts';
import type { MemDbReader } from './memdb.ts';
import { nextNode } from './skiplist-search.ts';
import { sortNodes } from './sort-nodes.ts';

/**
 * All published nodes in internal-key order, in one go: what a flush works on. An arena of 32 MiB takes about 100 ms,
 * so this is for workers; on the owner's thread an iterator does the same in pieces.
 */
export function orderedNodes(reader: MemDbReader): Int32Array<ArrayBuffer> {
  const { arena, count } = reader;
  if (arena.kind === IndexKind.Hash) return sortNodes(arena.nodeData, arena.kvData, arena.firstNode, count);
  const nodes = new Int32Array(count);
  let node = SKIP_HEAD;
  for (let i = 0; i < count; i++) {
    node = nextNode(arena.nodeData, node, 0, count);
    nodes[i] = node;
  }
  return nodes;
}
