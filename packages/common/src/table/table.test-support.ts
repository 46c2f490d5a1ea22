/** Files in memory and small tables, for the tests of this folder. */
import { MAX_SEQUENCE } from '../base/limits.ts';
import type { Prng } from '../base/prng.ts';
import { runNow } from '../base/steps.ts';
import { BlockBuilder } from '../block/block-builder.ts';
import { type BlockHandle, encodeBlockHandle, MAX_BLOCK_HANDLE_BYTES } from '../block/block-handle.ts';
import { BLOCK_TRAILER_BYTES, BlockType, writeBlockTrailer } from '../block/block-trailer.ts';
import { compareBytes } from '../bytes/compare.ts';
import { makeInternalKey } from '../key/internal-key.ts';
import { ValueKind } from '../key/value-kind.ts';
import { type FileDesc, tableFile } from '../storage/file-desc.ts';
import type { ReadableFile, WritableFile } from '../storage/storage.ts';
import { type BlockRunSource, blockingBlocks } from './block-source.ts';
import { TableBuilder } from './table-builder.ts';
import { encodeFooter, FOOTER_BYTES } from './table-format.ts';
import { TableIterator } from './table-iterator.ts';
import { DEFAULT_TABLE_OPTIONS, type TableOptions, type TableSummary } from './table-options.ts';
import { openTable, type TableReader } from './table-reader.ts';

export interface Entry {
  readonly key: Uint8Array;
  readonly sequence: number;
  readonly kind: number;
  readonly value: Uint8Array;
}

export const SEED = Number(process.env['SEED'] ?? 20_240_501);

export const bytes = (text: string): Uint8Array<ArrayBuffer> => new Uint8Array(Buffer.from(text, 'latin1'));
export const hex = (value: Uint8Array): string => Buffer.from(value).toString('hex');

/** What is written grows it; what is read is a copy. */
export class MemoryFile implements WritableFile, ReadableFile {
  readonly file: FileDesc = tableFile(7);
  contents: Uint8Array<ArrayBuffer>;
  reads = 0;
  syncs = 0;
  closed = false;

  constructor(contents: Uint8Array<ArrayBuffer> = new Uint8Array(0)) {
    this.contents = contents;
  }

  get size(): number {
    return this.contents.length;
  }

  writeNow(source: Uint8Array, start: number, end: number, position: number): number {
    const size = position + end - start;
    if (size > this.contents.length) {
      const larger = new Uint8Array(size);
      larger.set(this.contents);
      this.contents = larger;
    }
    this.contents.set(source.subarray(start, end), position);
    return end - start;
  }

  async write(source: Uint8Array, start: number, end: number, position: number): Promise<number> {
    return this.writeNow(source, start, end, position);
  }

  readNow(target: Uint8Array, start: number, length: number, position: number): number {
    this.reads++;
    const part = this.contents.subarray(position, position + length);
    target.set(part, start);
    return part.length;
  }

  async read(target: Uint8Array, start: number, length: number, position: number): Promise<number> {
    return this.readNow(target, start, length, position);
  }

  syncNow(): void {
    this.syncs++;
  }

  async sync(): Promise<void> {
    this.syncs++;
  }

  truncateNow(size: number): void {
    this.contents = this.contents.slice(0, size);
  }

  closeNow(): void {
    this.closed = true;
  }
}

export function buildTable(
  entries: readonly Entry[],
  options: Partial<TableOptions> = {},
): { readonly file: MemoryFile; readonly summary: TableSummary } {
  const file = new MemoryFile();
  const builder = new TableBuilder(file, { ...DEFAULT_TABLE_OPTIONS, ...options });
  for (const { key, sequence, kind, value } of entries) {
    builder.add(key, 0, key.length, sequence, kind, value, 0, value.length);
  }
  return { file, summary: builder.finish() };
}

export function openNow(file: ReadableFile, size: number = file.size): TableReader {
  return runNow(openTable(file, size));
}

/** The current entry, copied. */
export function currentEntry(iterator: TableIterator): Entry {
  return {
    key: iterator.keyBytes.slice(iterator.keyStart, iterator.keyEnd),
    sequence: iterator.sequence,
    kind: iterator.kind,
    value: iterator.valueBytes.slice(iterator.valueStart, iterator.valueEnd),
  };
}

export function readAll(reader: TableReader, source: BlockRunSource = blockingBlocks): Entry[] {
  const iterator = new TableIterator(reader, source);
  const entries: Entry[] = [];
  for (iterator.first(); iterator.valid; iterator.next()) entries.push(currentEntry(iterator));
  iterator.release();
  return entries;
}

/** One line per entry, for comparing and for messages. */
export function lineOf({ key, sequence, kind, value }: Entry): string {
  return `${hex(key)}#${sequence},${kind}=${hex(value)}`;
}

export function compareEntries(left: Entry, right: Entry): number {
  return compareBytes(left.key, right.key) || right.sequence - left.sequence || right.kind - left.kind;
}

/**
 * Entries in order, no two alike: empty and long keys, prefixes of each other, keys with so many versions that they
 * fill several blocks, empty values, and values that span many.
 */
export function randomEntries(prng: Prng, count: number): Entry[] {
  const letters = [0x00, 0x01, 0x61, 0x62, 0x63, 0xff];
  const entries = new Map<string, Entry>();
  let key: Uint8Array = new Uint8Array(0);
  for (let i = 0; i < count; i++) {
    if (!prng.oneIn(3)) {
      const length = prng.oneIn(30) ? prng.below(300) : prng.below(10);
      key = Uint8Array.from({ length }, () => letters[prng.below(letters.length)]!);
    }
    const sequence = prng.oneIn(5) ? prng.below(0x1_0000_0000) * 0x1f_ffff : prng.below(200);
    const kind = prng.oneIn(5) ? ValueKind.Delete : ValueKind.Put;
    const length = kind === ValueKind.Delete ? 0 : prng.oneIn(60) ? prng.below(20_000) : prng.below(60);
    const value = Uint8Array.from({ length }, (_, at) => (at % 50 < 20 ? prng.below(256) : at % 50));
    entries.set(`${hex(key)}#${sequence}`, { key, sequence, kind, value });
  }
  return [...entries.values()].sort(compareEntries);
}

/** A key near those of the entries: one of them, a prefix, an extension, or another version. */
export function randomTarget(prng: Prng, entries: readonly Entry[]): { key: Uint8Array; sequence: number } {
  const { key, sequence } = entries[prng.below(entries.length)]!;
  switch (prng.below(4)) {
    case 0:
      return { key: key.slice(0, prng.below(key.length + 1)), sequence };
    case 1:
      return { key: Uint8Array.of(...key, prng.below(256)), sequence: prng.below(200) };
    case 2:
      return { key, sequence: Math.max(0, sequence + prng.below(3) - 1) };
    default:
      return { key, sequence: prng.oneIn(2) ? MAX_SEQUENCE : 0 };
  }
}

/** Index of the first entry at or after (key, sequence). */
export function lowerBound(entries: readonly Entry[], key: Uint8Array, sequence: number): number {
  const index = entries.findIndex(
    (entry) =>
      compareBytes(entry.key, key) > 0 || (compareBytes(entry.key, key) === 0 && entry.sequence <= sequence),
  );
  return index < 0 ? entries.length : index;
}

/** Appends a block stored raw to a file, its trailer right whatever the contents. */
export function appendBlock(file: MemoryFile, contents: Uint8Array): BlockHandle {
  const handle = { offset: file.size, size: contents.length };
  const trailer = new Uint8Array(BLOCK_TRAILER_BYTES);
  writeBlockTrailer(trailer, 0, contents, 0, contents.length, BlockType.Raw);
  file.writeNow(contents, 0, contents.length, file.size);
  file.writeNow(trailer, 0, trailer.length, file.size);
  return handle;
}

/** Contents of a block over keys and values as they are. */
export function blockOf(pairs: readonly (readonly [Uint8Array, Uint8Array])[]): Uint8Array<ArrayBuffer> {
  const builder = new BlockBuilder(1);
  for (const [key, value] of pairs) builder.add(key, 0, key.length, value, 0, value.length);
  builder.finish();
  return builder.buffer.slice(builder.start, builder.end);
}

export function handleBytes(handle: BlockHandle): Uint8Array {
  const target = new Uint8Array(MAX_BLOCK_HANDLE_BYTES);
  return target.slice(0, encodeBlockHandle(target, 0, handle));
}

export function appendFooter(file: MemoryFile, metaindex: BlockHandle, index: BlockHandle): void {
  const footer = new Uint8Array(FOOTER_BYTES);
  encodeFooter(footer, 0, { metaindex, index });
  file.writeNow(footer, 0, FOOTER_BYTES, file.size);
}

/** A table by hand, with one entry to a block: what other writers may do and our builder does not. */
export function handmadeTable(
  entries: readonly Entry[],
  indexKeys: readonly Uint8Array[],
  meta?: { readonly name: string; readonly contents: Uint8Array },
): MemoryFile {
  const file = new MemoryFile();
  const index = entries.map(({ key, sequence, kind, value }, i) => {
    const contents = blockOf([[makeInternalKey(key, sequence, kind), value]]);
    return [indexKeys[i]!, handleBytes(appendBlock(file, contents))] as const;
  });
  const metas =
    meta === undefined ? [] : [[bytes(meta.name), handleBytes(appendBlock(file, meta.contents))] as const];
  const metaindex = appendBlock(file, blockOf(metas));
  appendFooter(file, metaindex, appendBlock(file, blockOf(index)));
  return file;
}
