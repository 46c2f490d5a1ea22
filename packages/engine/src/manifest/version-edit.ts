/**
 * A version edit: one record of a manifest, what a commit changes. LevelDB's format; an edit is a run of fields,
 * each a tag (varint32) and its payload, in any order, a later number replacing an earlier one:
 *
 *     1 comparator name       bytes                                      "bytes": varint32 length, then the bytes
 *     2 journal number        varint64                                   (LevelDB: log number)
 *     3 next file number      varint64
 *     4 last sequence         varint64
 *     5 compaction pointer    level varint32, internal key bytes
 *     6 deleted table         level varint32, number varint64
 *     7 new table             level varint32, number varint64, size varint64, smallest bytes, largest bytes
 *     9 previous journal      varint64; no longer used, always 0         (8 was never used by a released LevelDB)
 *
 * LevelDB refuses a manifest with any other tag, and so do we.
 */
import { corruption, type EngineError } from '@arena-level/common/base/errors';
import { invariant } from '@arena-level/common/base/invariant';
import { LEVELS, MAX_SEQUENCE } from '@arena-level/common/base/limits';
import {
  decodeVarint32,
  decodeVarint64,
  encodeVarint32,
  encodeVarint64,
  MAX_VARINT32_BYTES,
  MAX_VARINT64_BYTES,
  varintEnd,
} from '@arena-level/common/bytes/varint';
import { readTrailerKind, readTrailerSequence, TRAILER_BYTES } from '@arena-level/common/key/internal-key';
import { ValueKind } from '@arena-level/common/key/value-kind';
import type { TableMetadata } from './table-metadata.ts';

export interface CompactPointer {
  readonly level: number;
  /** Internal key up to which the level was compacted. */
  readonly key: Uint8Array;
}

export interface DeletedTable {
  readonly level: number;
  readonly number: number;
}

export interface NewTable {
  readonly level: number;
  readonly table: TableMetadata;
}

/** What is absent does not change. Deletions apply before additions: a table moves by one of each. */
export interface VersionEdit {
  readonly comparator?: string;
  /** Journals below this number are not needed any more. */
  readonly logNumber?: number;
  readonly prevLogNumber?: number;
  readonly nextFileNumber?: number;
  readonly lastSequence?: number;
  readonly compactPointers?: readonly CompactPointer[];
  readonly deletedTables?: readonly DeletedTable[];
  readonly newTables?: readonly NewTable[];
}

/** On disk: never renumber. */
const Tag = {
  Comparator: 1,
  LogNumber: 2,
  NextFileNumber: 3,
  LastSequence: 4,
  CompactPointer: 5,
  DeletedTable: 6,
  NewTable: 7,
  PrevLogNumber: 9,
} as const;

const TAG_BYTES = 1;
const NO_ITEMS: readonly never[] = [];

/** The fields in LevelDB's order. */
export function encodeVersionEdit(edit: VersionEdit): Uint8Array<ArrayBuffer> {
  const writer = new FieldWriter(encodedBytesBound(edit));
  if (edit.comparator !== undefined) {
    writer.small(Tag.Comparator);
    writer.bytes(new TextEncoder().encode(edit.comparator));
  }
  writer.taggedNumber(Tag.LogNumber, edit.logNumber);
  writer.taggedNumber(Tag.PrevLogNumber, edit.prevLogNumber);
  writer.taggedNumber(Tag.NextFileNumber, edit.nextFileNumber);
  writer.taggedNumber(Tag.LastSequence, edit.lastSequence);
  for (const { level, key } of edit.compactPointers ?? NO_ITEMS) {
    writer.small(Tag.CompactPointer);
    writer.small(level);
    writer.bytes(key);
  }
  for (const { level, number } of edit.deletedTables ?? NO_ITEMS) {
    writer.small(Tag.DeletedTable);
    writer.small(level);
    writer.number(number);
  }
  for (const { level, table } of edit.newTables ?? NO_ITEMS) {
    writer.small(Tag.NewTable);
    writer.small(level);
    writer.number(table.number);
    writer.number(table.size);
    writer.bytes(table.smallest);
    writer.bytes(table.largest);
  }
  return writer.finish();
}

/**
 * The edit in bytes[start, end). `file` and `offset` name the manifest and where in it the record begins, for errors.
 * Keys are copied out.
 */
export function decodeVersionEdit(
  bytes: Uint8Array,
  start: number,
  end: number,
  file: string,
  offset: number,
): VersionEdit {
  const reader = new FieldReader(bytes, start, end, file, offset);
  const edit: { -readonly [K in keyof VersionEdit]: VersionEdit[K] } = {};
  const compactPointers: CompactPointer[] = [];
  const deletedTables: DeletedTable[] = [];
  const newTables: NewTable[] = [];
  while (!reader.isAtEnd) {
    const tag = reader.small('tag');
    switch (tag) {
      case Tag.Comparator:
        edit.comparator = new TextDecoder().decode(reader.bytes('comparator name'));
        break;
      case Tag.LogNumber:
        edit.logNumber = reader.number('journal number');
        break;
      case Tag.PrevLogNumber:
        edit.prevLogNumber = reader.number('previous journal number');
        break;
      case Tag.NextFileNumber:
        edit.nextFileNumber = reader.number('next file number');
        break;
      case Tag.LastSequence:
        edit.lastSequence = reader.number('last sequence number');
        break;
      case Tag.CompactPointer:
        compactPointers.push({ level: reader.level(), key: reader.internalKey('compaction pointer') });
        break;
      case Tag.DeletedTable:
        deletedTables.push({ level: reader.level(), number: reader.number('table number') });
        break;
      case Tag.NewTable:
        newTables.push(readNewTable(reader));
        break;
      default:
        throw reader.fail(`unknown tag ${tag} in a version edit`);
    }
  }
  if (compactPointers.length > 0) edit.compactPointers = compactPointers;
  if (deletedTables.length > 0) edit.deletedTables = deletedTables;
  if (newTables.length > 0) edit.newTables = newTables;
  return edit;
}

function readNewTable(reader: FieldReader): NewTable {
  const level = reader.level();
  const number = reader.number('table number');
  const size = reader.number('table size');
  const smallest = reader.internalKey('smallest key');
  const largest = reader.internalKey('largest key');
  return { level, table: { number, size, smallest, largest } };
}

function encodedBytesBound(edit: VersionEdit): number {
  const taggedNumber = TAG_BYTES + MAX_VARINT64_BYTES;
  let total = TAG_BYTES + MAX_VARINT32_BYTES + 3 * (edit.comparator ?? '').length + 4 * taggedNumber;
  for (const { key } of edit.compactPointers ?? NO_ITEMS)
    total += 2 * TAG_BYTES + MAX_VARINT32_BYTES + key.length;
  total += (edit.deletedTables ?? NO_ITEMS).length * (TAG_BYTES + taggedNumber);
  for (const { table } of edit.newTables ?? NO_ITEMS) {
    total += 2 * TAG_BYTES + 2 * MAX_VARINT64_BYTES + 2 * MAX_VARINT32_BYTES;
    total += table.smallest.length + table.largest.length;
  }
  return total;
}

class FieldWriter {
  readonly #target: Uint8Array<ArrayBuffer>;
  #at = 0;

  constructor(bound: number) {
    this.#target = new Uint8Array(bound);
  }

  /** A tag or a level. */
  small(value: number): void {
    this.#at = encodeVarint32(this.#target, this.#at, value);
  }

  number(value: number): void {
    invariant(Number.isSafeInteger(value) && value >= 0, 'a number of a version edit is out of range');
    this.#at = encodeVarint64(this.#target, this.#at, value);
  }

  taggedNumber(tag: number, value: number | undefined): void {
    if (value === undefined) return;
    this.small(tag);
    this.number(value);
  }

  bytes(value: Uint8Array): void {
    this.#at = encodeVarint32(this.#target, this.#at, value.length);
    this.#target.set(value, this.#at);
    this.#at += value.length;
  }

  finish(): Uint8Array<ArrayBuffer> {
    return this.#target.subarray(0, this.#at);
  }
}

class FieldReader {
  readonly #bytes: Uint8Array;
  readonly #end: number;
  readonly #file: string;
  readonly #offset: number;
  #at: number;

  constructor(bytes: Uint8Array, start: number, end: number, file: string, offset: number) {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
    this.#file = file;
    this.#offset = offset;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#end;
  }

  fail(reason: string): EngineError {
    return corruption(reason, this.#file, this.#offset);
  }

  small(what: string): number {
    const value = decodeVarint32(this.#bytes, this.#at, this.#end);
    if (value < 0) throw this.fail(`${what} is cut short in a version edit`);
    this.#at = varintEnd;
    return value;
  }

  level(): number {
    const level = this.small('level');
    if (level >= LEVELS) throw this.fail(`level ${level} in a version edit`);
    return level;
  }

  number(what: string): number {
    const value = decodeVarint64(this.#bytes, this.#at, this.#end);
    if (value === -2) throw this.fail(`${what} above 2^53 - 1 in a version edit`);
    if (value < 0) throw this.fail(`${what} is cut short in a version edit`);
    this.#at = varintEnd;
    return value;
  }

  /** A copy. */
  bytes(what: string): Uint8Array<ArrayBuffer> {
    const length = this.small(what);
    if (length > this.#end - this.#at) throw this.fail(`${what} leads beyond its version edit`);
    const value = this.#bytes.slice(this.#at, this.#at + length) as Uint8Array<ArrayBuffer>;
    this.#at += length;
    return value;
  }

  internalKey(what: string): Uint8Array<ArrayBuffer> {
    const key = this.bytes(what);
    if (key.length < TRAILER_BYTES) throw this.fail(`${what} of ${key.length} bytes is no internal key`);
    const trailer = key.length - TRAILER_BYTES;
    if (readTrailerKind(key, trailer) > ValueKind.Put) throw this.fail(`${what} has an unknown kind`);
    if (readTrailerSequence(key, trailer) > MAX_SEQUENCE)
      throw this.fail(`${what} has a sequence number above 2^53 - 1`);
    return key;
  }
}
