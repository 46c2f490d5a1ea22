/** Logs for tests: a slow writer straight from the format, a port of LevelDB's reader, and ways to read bytes. */
import { runNow } from '@arena-level/common/base/steps';
import { crc32cJavaScript, maskCrc } from '@arena-level/common/bytes/crc32c';
import { readU32LE, writeU32LE } from '@arena-level/common/bytes/endian';
import { type FileDesc, journalFile } from '@arena-level/common/storage/file-desc';
import type { ReadableFile } from '@arena-level/common/storage/storage';
import { expect } from 'vitest';
import type { LogDrop, LogEnd } from './log-parser.ts';
import { readLog } from './log-reader.ts';

const BLOCK = 32768;
const HEADER = 7;

export const JOURNAL: FileDesc = journalFile(3);

/** `length` bytes that depend on `seed` and hold no zero, so that zeros in a file are always a loss. */
export function patternBytes(length: number, seed: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i++) bytes[i] = 1 + ((i * 31 + seed * 131 + (i >> 8) * 7) % 255);
  return bytes;
}

/** The chunks of records, one after the other from an empty file on. */
export function slowLog(records: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const pieces: Uint8Array[] = [];
  let size = 0;
  const push = (piece: Uint8Array): void => {
    pieces.push(piece);
    size += piece.length;
  };
  for (const record of records) {
    let at = 0;
    let isBegun = false;
    let isWhole = false;
    while (!isWhole) {
      if (BLOCK - (size % BLOCK) < HEADER) push(new Uint8Array(BLOCK - (size % BLOCK)));
      const length = Math.min(BLOCK - (size % BLOCK) - HEADER, record.length - at);
      isWhole = at + length === record.length;
      const type = isBegun ? (isWhole ? 4 : 3) : isWhole ? 1 : 2;
      push(chunk(type, record.subarray(at, at + length)));
      isBegun = true;
      at += length;
    }
  }
  return concatenate(pieces);
}

export function chunk(type: number, payload: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(HEADER + payload.length);
  bytes[4] = payload.length & 0xff;
  bytes[5] = payload.length >>> 8;
  bytes[6] = type;
  bytes.set(payload, HEADER);
  writeU32LE(bytes, 0, maskCrc(crc32cJavaScript(bytes, 6, bytes.length, 0)));
  return bytes;
}

export function concatenate(pieces: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(Buffer.concat(pieces));
}

export interface LogContents {
  readonly records: Uint8Array[];
  readonly offsets: number[];
  readonly end: LogEnd;
  readonly drops: LogDrop[];
}

export interface ReadOptions {
  readonly everyRecordSynced?: boolean;
  readonly skip?: boolean;
}

/** Bytes as a file, without a copy. */
export function readableBytes(bytes: Uint8Array): ReadableFile {
  const readNow = (target: Uint8Array, start: number, length: number, position: number): number => {
    const part = bytes.subarray(position, position + length);
    target.set(part, start);
    return part.length;
  };
  return {
    file: JOURNAL,
    size: bytes.length,
    readNow,
    read: async (target, start, length, position) => readNow(target, start, length, position),
    closeNow: () => {},
  };
}

/** All records of a log file's bytes, copied, and what ended them. */
export function readBytes(
  bytes: Uint8Array,
  { everyRecordSynced = false, skip = false }: ReadOptions = {},
): LogContents {
  const records: Uint8Array[] = [];
  const offsets: number[] = [];
  const drops: LogDrop[] = [];
  const take = (block: Uint8Array, start: number, end: number, offset: number): void => {
    records.push(block.slice(start, end));
    offsets.push(offset);
  };
  const onDrop = skip ? { onDrop: (drop: LogDrop) => void drops.push(drop) } : {};
  const end = runNow(readLog(readableBytes(bytes), take, { everyRecordSynced, ...onDrop }));
  return { records, offsets, end, drops };
}

/** LevelDB's log::Reader with checksums on, as close to its text as can be: what it hands out. */
export function leveldbRecords(file: Uint8Array): Uint8Array[] {
  const records: Uint8Array[] = [];
  let scratch: Uint8Array[] | undefined;
  for (let blockStart = 0; blockStart < file.length; blockStart += BLOCK) {
    const blockEnd = Math.min(blockStart + BLOCK, file.length);
    for (let at = blockStart; blockEnd - at >= HEADER; ) {
      const length = file[at + 4]! | (file[at + 5]! << 8);
      const type = file[at + 6]!;
      const end = at + HEADER + length;
      const isBad =
        end > blockEnd ||
        (type === 0 && length === 0) ||
        readU32LE(file, at) !== maskCrc(crc32cJavaScript(file, at + 6, end, 0));
      if (isBad) {
        if (end > blockEnd && blockEnd - blockStart < BLOCK) return records;
        scratch = undefined;
        break;
      }
      const payload = file.slice(at + HEADER, end);
      if (type === 1) records.push(payload);
      if (type === 3 || type === 4) scratch?.push(payload);
      if (type === 4 && scratch !== undefined) records.push(concatenate(scratch));
      if (type === 2) scratch = [payload];
      else if (type !== 3) scratch = undefined;
      at = end;
    }
  }
  return records;
}

/** Where the records of a log begin and, one more, where the last one ends. */
export function borders(records: readonly Uint8Array[]): number[] {
  return [0, ...records.map((_, i) => slowLog(records.slice(0, i + 1)).length)];
}

export function expectSame(
  actual: readonly Uint8Array[],
  expected: readonly Uint8Array[],
  message: string,
): void {
  expect(actual.length, message).toBe(expected.length);
  actual.forEach((record, i) => {
    if (Buffer.compare(record, expected[i]!) !== 0) expect.fail(`${message}: record ${i} differs`);
  });
}
