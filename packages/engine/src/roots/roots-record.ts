/**
 * One record of the roots file: the MasterRoot of a committed version, and the roots of the tables that no earlier
 * record of the file states.
 *
 *     ┌───────────┬──────────────────────┬────────────────────┬────────────────────┬────────────────┐
 *     │ format, 1 │ manifest number, u64 │ manifest size, u64 │ last sequence, u64 │ MasterRoot, 32 │
 *     ├───────────┴─────┬────────────────┴────────────────────┴────────────────────┴────────────────┤
 *     │ count, u32      │ count × ( table number, u64 │ table root, 32 )                              │
 *     └─────────────────┴───────────────────────────────────────────────────────────────────────────┘
 *       numbers little-endian; format is 1; manifest number and size name the edit that made the version
 */
import { invariant } from '@arena-level/common/base/invariant';
import { readU32LE, readU64LE, writeU32LE, writeU64LE } from '@arena-level/common/bytes/endian';
import { HASH_BYTES } from '@arena-level/common/merkle/hashing';

export interface TableRoot {
  /** File number. */
  readonly number: number;
  readonly root: Uint8Array;
}

/** The MasterRoot of a version, and which version that is. */
export interface CommittedRoot {
  /** The manifest whose last edit made the version, and that manifest's size behind this edit. */
  readonly manifestNumber: number;
  readonly manifestBytes: number;
  /** Last sequence number that the version covers. */
  readonly lastSequence: number;
  readonly masterRoot: Uint8Array;
}

export interface RootsRecord extends CommittedRoot {
  readonly tableRoots: readonly TableRoot[];
}

const FORMAT = 1;
const MANIFEST_NUMBER_OFFSET = 1;
const MANIFEST_BYTES_OFFSET = 9;
const LAST_SEQUENCE_OFFSET = 17;
const MASTER_ROOT_OFFSET = 25;
const COUNT_OFFSET: number = MASTER_ROOT_OFFSET + HASH_BYTES;
const TABLES_OFFSET = COUNT_OFFSET + 4;
const TABLE_NUMBER_BYTES = 8;
const TABLE_ROOT_BYTES = TABLE_NUMBER_BYTES + HASH_BYTES;

export function encodeRootsRecord(record: RootsRecord): Uint8Array<ArrayBuffer> {
  const { manifestNumber, manifestBytes, lastSequence, masterRoot, tableRoots } = record;
  invariant(masterRoot.length === HASH_BYTES, 'a MasterRoot is one hash');
  const bytes = new Uint8Array(TABLES_OFFSET + tableRoots.length * TABLE_ROOT_BYTES);
  bytes[0] = FORMAT;
  writeU64LE(bytes, MANIFEST_NUMBER_OFFSET, manifestNumber);
  writeU64LE(bytes, MANIFEST_BYTES_OFFSET, manifestBytes);
  writeU64LE(bytes, LAST_SEQUENCE_OFFSET, lastSequence);
  bytes.set(masterRoot, MASTER_ROOT_OFFSET);
  writeU32LE(bytes, COUNT_OFFSET, tableRoots.length);
  let at = TABLES_OFFSET;
  for (const { number, root } of tableRoots) {
    invariant(root.length === HASH_BYTES, 'a table root is one hash');
    writeU64LE(bytes, at, number);
    bytes.set(root, at + TABLE_NUMBER_BYTES);
    at += TABLE_ROOT_BYTES;
  }
  return bytes;
}

/** The record in bytes[start, end), copied out, or in words why it is none. */
export function decodeRootsRecord(bytes: Uint8Array, start: number, end: number): RootsRecord | string {
  const length = end - start;
  if (length < TABLES_OFFSET) return `a roots record of ${length} bytes is too short`;
  if (bytes[start] !== FORMAT) return `roots record of unknown format ${bytes[start]}`;
  const count = readU32LE(bytes, start + COUNT_OFFSET);
  if (length !== TABLES_OFFSET + count * TABLE_ROOT_BYTES) {
    return `a roots record of ${length} bytes states ${count} tables`;
  }
  const manifestNumber = readU64LE(bytes, start + MANIFEST_NUMBER_OFFSET);
  const manifestBytes = readU64LE(bytes, start + MANIFEST_BYTES_OFFSET);
  const lastSequence = readU64LE(bytes, start + LAST_SEQUENCE_OFFSET);
  const tableRoots: TableRoot[] = [];
  for (let at = start + TABLES_OFFSET; at < end; at += TABLE_ROOT_BYTES) {
    const root = bytes.slice(at + TABLE_NUMBER_BYTES, at + TABLE_ROOT_BYTES);
    tableRoots.push({ number: readU64LE(bytes, at), root });
  }
  const numbers = [manifestNumber, manifestBytes, lastSequence, ...tableRoots.map(({ number }) => number)];
  if (!numbers.every(Number.isSafeInteger)) return 'a number of a roots record is above 2^53 - 1';
  const masterRoot = bytes.slice(start + MASTER_ROOT_OFFSET, start + COUNT_OFFSET);
  return { manifestNumber, manifestBytes, lastSequence, masterRoot, tableRoots };
}
