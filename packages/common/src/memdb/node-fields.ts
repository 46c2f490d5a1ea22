/** The fields of a node that both kinds have. Module-level functions: MemDB and iterator share them. */
import {
  MAX_SEQUENCE_DELTA,
  NODE_KEY_LENGTH,
  NODE_KEY_OFFSET,
  NODE_VALUE_LENGTH,
  TOMBSTONE,
} from '../arena/layout.ts';
import { varint32Length } from '../bytes/varint.ts';
import { ValueKind } from '../key/value-kind.ts';
import type { NodeRef } from './memdb.ts';

/** Where the value begins: behind the key and the length of the value. For a tombstone, where the key ends. */
export function valueOffsetOf(nodeData: Int32Array, node: NodeRef): number {
  const keyEnd = nodeData[node + NODE_KEY_OFFSET]! + nodeData[node + NODE_KEY_LENGTH]!;
  const length = nodeData[node + NODE_VALUE_LENGTH]!;
  return length === TOMBSTONE ? keyEnd : keyEnd + varint32Length(length);
}

export function valueLengthOf(nodeData: Int32Array, node: NodeRef): number {
  const length = nodeData[node + NODE_VALUE_LENGTH]!;
  return length === TOMBSTONE ? 0 : length;
}

export function valueKindOf(nodeData: Int32Array, node: NodeRef): ValueKind {
  return nodeData[node + NODE_VALUE_LENGTH] === TOMBSTONE ? ValueKind.Delete : ValueKind.Put;
}

/** The greatest delta at most that of `sequence`; -1 when every entry of an arena with this base is newer. */
export function deltaOf(sequence: number, baseSequence: number): number {
  return Math.max(-1, Math.min(sequence - baseSequence, MAX_SEQUENCE_DELTA));
}
