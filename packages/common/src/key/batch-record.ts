/**
 * Records of LevelDB's batch format, as they stand in a journal payload behind the 12-byte batch header:
 *
 *     kind (1 byte, ValueKind) │ key length (varint32) │ key │ [ value length (varint32) │ value ]   value: puts only
 *
 * The same bytes are the content of an arena's kvData: a group of writes is encoded once, written to the journal
 * and copied to the arena in one piece.
 */
import { encodeVarint32, varint32Length } from '../bytes/varint.ts';
import { ValueKind } from './value-kind.ts';

/** What stands before the records of a batch: sequence number and count (engine/journal/batch-codec.ts). */
export const BATCH_HEADER_BYTES = 12;

export function putRecordBytes(keyLength: number, valueLength: number): number {
  return 1 + varint32Length(keyLength) + keyLength + varint32Length(valueLength) + valueLength;
}

export function deleteRecordBytes(keyLength: number): number {
  return 1 + varint32Length(keyLength) + keyLength;
}

/** Writes a put record at `offset` and returns the offset behind it. REQUIRES: room. */
export function encodePutRecord(
  target: Uint8Array,
  offset: number,
  key: Uint8Array,
  value: Uint8Array,
): number {
  target[offset] = ValueKind.Put;
  let at = encodeVarint32(target, offset + 1, key.length);
  target.set(key, at);
  at = encodeVarint32(target, at + key.length, value.length);
  target.set(value, at);
  return at + value.length;
}

/** Writes a delete record at `offset` and returns the offset behind it. REQUIRES: room. */
export function encodeDeleteRecord(target: Uint8Array, offset: number, key: Uint8Array): number {
  target[offset] = ValueKind.Delete;
  const at = encodeVarint32(target, offset + 1, key.length);
  target.set(key, at);
  return at + key.length;
}
