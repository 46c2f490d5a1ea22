/**
 * The payload of a journal record: one group of writes, applied together.
 *
 *     ┌─────────────────────────────┬────────────────┬──────────────────────────────────────────┐
 *     │ sequence of the first, 8 LE │ records, 4 LE  │ batch records (`key/batch-record.ts`) …  │
 *     └─────────────────────────────┴────────────────┴──────────────────────────────────────────┘
 *
 * Record i has sequence number `sequence + i`.
 */
import { MAX_ARENA_ENTRIES } from '@arena-level/common/arena/layout';
import {
  MAX_BATCH_BYTES,
  MAX_KEY_BYTES,
  MAX_SEQUENCE,
  MAX_VALUE_BYTES,
} from '@arena-level/common/base/limits';
import { readU32LE, readU64LE, writeU32LE, writeU64LE } from '@arena-level/common/bytes/endian';
import { decodeVarint32, varintEnd } from '@arena-level/common/bytes/varint';
import { BATCH_HEADER_BYTES } from '@arena-level/common/key/batch-record';
import { ValueKind } from '@arena-level/common/key/value-kind';

export { BATCH_HEADER_BYTES };

const COUNT_OFFSET = 8;

export function writeBatchHeader(target: Uint8Array, offset: number, sequence: number, count: number): void {
  writeU64LE(target, offset, sequence);
  writeU32LE(target, offset + COUNT_OFFSET, count);
}

/** REQUIRES: a whole header. Not exact above MAX_SEQUENCE: `validateBatch` refuses those. */
export function readBatchSequence(bytes: Uint8Array, offset: number): number {
  return readU64LE(bytes, offset);
}

/** REQUIRES: a whole header. */
export function readBatchCount(bytes: Uint8Array, offset: number): number {
  return readU32LE(bytes, offset + COUNT_OFFSET);
}

export interface BatchSummary {
  readonly kind: 'valid';
  /** Sequence number of the first record. */
  readonly sequence: number;
  readonly puts: number;
  readonly deletes: number;
  /** Bytes of the records of each kind, as they stand in the batch. */
  readonly putBytes: number;
  readonly deleteBytes: number;
}

/** `unsupported`: sound for LevelDB, and beyond a limit of ours. */
export interface BatchProblem {
  readonly kind: 'invalid' | 'unsupported';
  /** Offset of the header or the record concerned, from the start of the batch. */
  readonly offset: number;
  readonly reason: string;
}

/** Checks bytes[start, end) as a batch, header and every record. */
export function validateBatch(bytes: Uint8Array, start: number, end: number): BatchSummary | BatchProblem {
  const records = start + BATCH_HEADER_BYTES;
  if (records > end) return problem(0, `a batch of ${end - start} bytes is shorter than its header`);
  const sequence = readBatchSequence(bytes, start);
  const count = readBatchCount(bytes, start);
  if (sequence === 0 && count > 0) return problem(0, 'sequence number 0, which no write has');
  if (sequence + Math.max(count - 1, 0) > MAX_SEQUENCE) return problem(0, 'sequence number above 2^53 - 1');
  let puts = 0;
  let deletes = 0;
  let putBytes = 0;
  let deleteBytes = 0;
  for (let at = records; at < end; ) {
    const next = batchRecordEnd(bytes, at, end);
    if (next < 0) return recordProblem(at - start, next);
    if (bytes[at] === ValueKind.Put) {
      puts++;
      putBytes += next - at;
    } else {
      deletes++;
      deleteBytes += next - at;
    }
    at = next;
  }
  if (puts + deletes !== count) {
    return problem(0, `the batch states ${count} records and holds ${puts + deletes}`);
  }
  if (count > MAX_ARENA_ENTRIES || end - records > MAX_BATCH_BYTES) {
    return unsupported(0, `a batch of ${count} records and ${end - records} bytes is over the limits`);
  }
  return { kind: 'valid', sequence, puts, deletes, putBytes, deleteBytes };
}

/** What `batchRecordEnd` found, by -(returned value) - 1. */
export const BATCH_RECORD_PROBLEMS: readonly string[] = [
  'unknown kind of record',
  'key leads beyond the batch',
  'key is longer than the limit',
  'value leads beyond the batch',
  'value is longer than the limit',
];
const UNKNOWN_KIND = -1;
const KEY_CUT = -2;
const KEY_TOO_LONG = -3;
const VALUE_CUT = -4;
const VALUE_TOO_LONG = -5;

/** The offset behind the batch record at bytes[at, end), or a negative number that names a problem. REQUIRES: at < end. */
export function batchRecordEnd(bytes: Uint8Array, at: number, end: number): number {
  const kind = bytes[at]!;
  if (kind !== ValueKind.Put && kind !== ValueKind.Delete) return UNKNOWN_KIND;
  const keyLength = decodeVarint32(bytes, at + 1, end);
  if (keyLength < 0) return KEY_CUT;
  const keyEnd = varintEnd + keyLength;
  if (keyEnd > end) return KEY_CUT;
  if (keyLength > MAX_KEY_BYTES) return KEY_TOO_LONG;
  if (kind === ValueKind.Delete) return keyEnd;
  const valueLength = decodeVarint32(bytes, keyEnd, end);
  if (valueLength < 0) return VALUE_CUT;
  const valueEnd = varintEnd + valueLength;
  if (valueEnd > end) return VALUE_CUT;
  return valueLength > MAX_VALUE_BYTES ? VALUE_TOO_LONG : valueEnd;
}

function recordProblem(offset: number, found: number): BatchProblem {
  const reason = BATCH_RECORD_PROBLEMS[-found - 1]!;
  const isLimit = found === KEY_TOO_LONG || found === VALUE_TOO_LONG;
  return isLimit ? unsupported(offset, reason) : problem(offset, reason);
}

function problem(offset: number, reason: string): BatchProblem {
  return { kind: 'invalid', offset, reason };
}

function unsupported(offset: number, reason: string): BatchProblem {
  return { kind: 'unsupported', offset, reason };
}
