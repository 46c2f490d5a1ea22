/** A batch in one buffer: per entry the lengths of key and value as u32, and their bytes. */
import type { PutOperation } from '../engines/engine.ts';

const LENGTHS = 8;

export function packBatch(operations: readonly PutOperation[]): ArrayBuffer {
  const size = operations.reduce((sum, { key, value }) => sum + LENGTHS + key.length + value.length, 0);
  const packed = Buffer.from(new ArrayBuffer(size));
  let at = 0;
  for (const { key, value } of operations) {
    packed.writeUInt32LE(key.length, at);
    packed.writeUInt32LE(value.length, at + 4);
    packed.set(key, at + LENGTHS);
    packed.set(value, at + LENGTHS + key.length);
    at += LENGTHS + key.length + value.length;
  }
  return packed.buffer as ArrayBuffer;
}

/** Its keys and values lie in `packed`. */
export function unpackBatch(packed: ArrayBuffer): PutOperation[] {
  const bytes = Buffer.from(packed);
  const operations: PutOperation[] = [];
  for (let at = 0; at < bytes.length; ) {
    const keyEnd = at + LENGTHS + bytes.readUInt32LE(at);
    const end = keyEnd + bytes.readUInt32LE(at + 4);
    operations.push({
      type: 'put',
      key: bytes.subarray(at + LENGTHS, keyEnd),
      value: bytes.subarray(keyEnd, end),
    });
    at = end;
  }
  return operations;
}
