/** Reads newline-delimited JSON: one object per line; blank lines are skipped. The value is the line's own bytes. */
import { isUtf8 } from 'node:buffer';
import { messageOf } from '@arena-level/common/base/errors';
import { KIB } from '@arena-level/common/base/limits';
import { withoutByteOrderMark } from './byte-order-mark.ts';
import { keyOfJson } from './key-of-record.ts';
import { type Line, LineSplitter } from './line-splitter.ts';
import { malformed, type ReaderOptions, type SourceChunks, type SourceItem } from './source-item.ts';

const PART_BYTES: number = 64 * KIB;

export async function* readNdjson(
  chunks: SourceChunks,
  options: ReaderOptions,
): AsyncGenerator<SourceItem[]> {
  const splitter = new LineSplitter(options.maxRecordBytes);
  for await (const chunk of withoutByteOrderMark(chunks)) yield itemsOf(splitter.push(chunk), options);
  const last = splitter.end();
  if (last !== undefined) yield itemsOf([last], options);
}

/** The items of a source that is there as a whole, a part at a time: what is dropped soon costs little. */
export function* ndjsonItems(bytes: Uint8Array, options: ReaderOptions): Generator<SourceItem> {
  const splitter = new LineSplitter(options.maxRecordBytes);
  for (let at = 0; at < bytes.length; at += PART_BYTES)
    yield* itemsOf(splitter.push(bytes.subarray(at, at + PART_BYTES)), options);
  const last = splitter.end();
  if (last !== undefined) yield* itemsOf([last], options);
}

function itemsOf(lines: readonly Line[], options: ReaderOptions): SourceItem[] {
  const items: SourceItem[] = [];
  for (const line of lines) {
    const item = itemOfLine(line, options);
    if (item !== undefined) items.push(item);
  }
  return items;
}

function itemOfLine({ number, bytes }: Line, options: ReaderOptions): SourceItem | undefined {
  if (bytes === undefined) return malformed(number, `is longer than ${options.maxRecordBytes} bytes`);
  const text = bytes.toString();
  if (text.trim() === '') return undefined;
  // Decoding puts U+FFFD where bytes are not UTF-8; the source may also contain it by itself.
  if (text.includes('\ufffd') && !isUtf8(bytes)) return malformed(number, 'is not valid UTF-8');
  let record: unknown;
  try {
    record = JSON.parse(text);
  } catch (error) {
    return malformed(number, `is not JSON: ${messageOf(error)}`);
  }
  if (typeof record !== 'object' || record === null || Array.isArray(record)) {
    return malformed(number, 'is not a JSON object');
  }
  const result = keyOfJson(record, options.keyFields, options.keyDelimiter);
  if ('reason' in result) return malformed(number, result.reason);
  return { kind: 'record', line: number, key: result.key, value: bytes };
}
