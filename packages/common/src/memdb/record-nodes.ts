import {
  NODE_KEY_LENGTH,
  NODE_KEY_OFFSET,
  NODE_SEQUENCE_DELTA,
  NODE_VALUE_LENGTH,
  TOMBSTONE,
} from '../arena/layout.ts';
import { invariant } from '../base/invariant.ts';
import { decodeVarint32, varintEnd } from '../bytes/varint.ts';
import { ValueKind } from '../key/value-kind.ts';

/**
 * Reads the batch record at records[at, end) and writes the four words that nodes of both kinds begin with. The
 * record is, or will be, at `kvOffset` in kvData. Returns the offset behind the record.
 */
export function stageRecord(
  nodeData: Int32Array,
  node: number,
  records: Uint8Array,
  at: number,
  end: number,
  kvOffset: number,
  delta: number,
): number {
  invariant(at < end, 'a batch has as many records as its count says');
  const kind = records[at];
  invariant(kind === ValueKind.Put || kind === ValueKind.Delete, 'a record begins with its kind');
  const keyLength = readLength(records, at + 1, end);
  const keyStart = lengthEnd;
  let recordEnd = keyStart + keyLength;
  invariant(recordEnd <= end, 'a key ends inside its batch');
  let valueLength = TOMBSTONE;
  if (kind === ValueKind.Put) {
    valueLength = readLength(records, recordEnd, end);
    recordEnd = lengthEnd + valueLength;
    invariant(recordEnd <= end, 'a value ends inside its batch');
  }
  nodeData[node + NODE_KEY_OFFSET] = kvOffset + (keyStart - at);
  nodeData[node + NODE_KEY_LENGTH] = keyLength;
  nodeData[node + NODE_VALUE_LENGTH] = valueLength;
  nodeData[node + NODE_SEQUENCE_DELTA] = delta;
  return recordEnd;
}

/** Offset behind the length that `readLength` read last. */
let lengthEnd = 0;

function readLength(records: Uint8Array, at: number, end: number): number {
  if (at < end) {
    const byte = records[at]!;
    if (byte < 0x80) {
      lengthEnd = at + 1;
      return byte;
    }
  }
  const length = decodeVarint32(records, at, end);
  invariant(length >= 0, 'a length ends inside its batch');
  lengthEnd = varintEnd;
  return length;
}
