/**
 * An open table: its index and filter in memory, its data blocks read on demand. There is no cache here; whoever
 * holds one goes through a `BlockSource` (`table-lookup.ts`).
 *
 * Every handle is checked against the size of the file before anything is allocated for it, every block's checksum
 * is verified, and so is the order of its entries (`block-checker.ts`) and their place in the table. Immutable once open; reads may overlap. Owner: the thread that opened it.
 */
import { corruption } from '../base/errors.ts';
import { invariant } from '../base/invariant.ts';
import { MAX_SEQUENCE } from '../base/limits.ts';
import { type Steps, wait } from '../base/steps.ts';
import { Block } from '../block/block.ts';
import { BlockCursor } from '../block/block-cursor.ts';
import { type BlockHandle, decodeBlockHandle } from '../block/block-handle.ts';
import { type BlockMemory, ownMemory } from '../block/block-memory.ts';
import { BLOCK_TRAILER_BYTES, checkBlockTrailer } from '../block/block-trailer.ts';
import { decompressBlock } from '../block/compression.ts';
import { signedBloomHash } from '../filter/bloom.ts';
import {
  FILTER_KEY_PREFIX,
  FILTER_NAME,
  FilterBlockReader,
  LEGACY_FILTER_NAME,
} from '../filter/filter-block.ts';
import { compareInternalKeys, readTrailerSequence, TRAILER_BYTES } from '../key/internal-key.ts';
import { decodeMerkleBlock, MERKLE_BLOCK_NAME, type MerkleBlock } from '../merkle/table-root.ts';
import { fileName } from '../storage/file-desc.ts';
import type { ReadableFile } from '../storage/storage.ts';
import { BlockChecker } from './block-checker.ts';
import type { BlockRun } from './block-run.ts';
import { checkHandle, decodeFooter, FOOTER_BYTES } from './table-format.ts';
import { TableIndex } from './table-index.ts';

interface TableParts {
  readonly index: TableIndex;
  /** Where the data blocks end at the latest. */
  readonly metaindexOffset: number;
  readonly filter: FilterBlockReader | undefined;
  /** True when the filter may hold hashes of signed characters (`LEGACY_FILTER_NAME`). */
  readonly filterIsLegacy: boolean;
  readonly merkle: BlockHandle | undefined;
  readonly bounds: StatedBounds | undefined;
}

/** One per thread: checking a block never waits. */
const checker = new BlockChecker();

/** Internal keys between which all entries are said to lie, both included. */
export interface StatedBounds {
  readonly smallest: Uint8Array;
  readonly largest: Uint8Array;
}

/**
 * Opens the table of `size` bytes and, if stated, `bounds`, by the manifest, in `file`. The table owns the file from
 * then on; when opening fails, the file stays the caller's.
 */
export function* openTable(file: ReadableFile, size: number, bounds?: StatedBounds): Steps<TableReader> {
  const name = fileName(file.file);
  if (size < FOOTER_BYTES || file.size < size) {
    throw corruption(`table of ${file.size} bytes, and the manifest states ${size}`, name);
  }
  const footerOffset = size - FOOTER_BYTES;
  const footer = decodeFooter(yield* readBytes(file, name, footerOffset, FOOTER_BYTES), name, size);
  const metaindex = new Block(
    yield* readContents(file, name, footer.metaindex),
    name,
    footer.metaindex.offset,
  );
  const handles = parseMetaindex(metaindex, footerOffset);
  const filterHandle = handles.filter ?? handles.legacyFilter;
  const filter = filterHandle && new FilterBlockReader(yield* readContents(file, name, filterHandle));
  const index = new Block(yield* readContents(file, name, footer.index), name, footer.index.offset);
  return new TableReader(file, size, {
    index: new TableIndex(index, footerOffset),
    metaindexOffset: footer.metaindex.offset,
    filter,
    filterIsLegacy: handles.filter === undefined,
    merkle: handles.merkle,
    bounds,
  });
}

/**
 * Opens a table by its footer and its index alone: for who wants its entries in whatever state its meta blocks are.
 * The file stays the caller's when that fails.
 */
export function* openTableIndex(file: ReadableFile, size: number): Steps<TableReader> {
  const name = fileName(file.file);
  const footerOffset = size - FOOTER_BYTES;
  if (footerOffset < 0 || file.size < size)
    throw corruption(`a file of ${file.size} bytes is no table`, name);
  const footer = decodeFooter(yield* readBytes(file, name, footerOffset, FOOTER_BYTES), name, size);
  const index = new Block(yield* readContents(file, name, footer.index), name, footer.index.offset);
  return new TableReader(file, size, {
    index: new TableIndex(index, footerOffset),
    metaindexOffset: footer.metaindex.offset,
    filter: undefined,
    filterIsLegacy: false,
    merkle: undefined,
    bounds: undefined,
  });
}

export class TableReader {
  readonly file: ReadableFile;
  /** Number of the file. */
  readonly number: number;
  /** For messages: the name of the file. */
  readonly name: string;
  readonly sizeBytes: number;
  /** Number of data blocks; they are addressed by index, in the order of their keys. */
  readonly blocks: number;
  readonly #parts: TableParts;
  readonly #index: TableIndex;

  constructor(file: ReadableFile, size: number, parts: TableParts) {
    this.file = file;
    this.number = file.file.number;
    this.name = fileName(file.file);
    this.sizeBytes = size;
    this.blocks = parts.index.blocks;
    this.#parts = parts;
    this.#index = parts.index;
  }

  /** Bytes of index and filter held in memory. */
  get memoryBytes(): number {
    return this.#index.sizeBytes + (this.#parts.filter?.sizeBytes ?? 0);
  }

  handle(block: number): BlockHandle {
    invariant(block >= 0 && block < this.blocks, 'a block of the table');
    return { offset: this.#index.offset(block), size: this.#index.size(block) };
  }

  /** The only block that can hold the first entry at or after (user key, sequence), or -1 when all are before. */
  findBlock(key: Uint8Array, keyStart: number, keyEnd: number, sequence: number): number {
    return this.#index.find(key, keyStart, keyEnd, sequence);
  }

  /** True when the block behind `block` may begin with this user key: its range ends in the middle of the key. */
  splitsKey(block: number, key: Uint8Array, keyStart: number, keyEnd: number): boolean {
    return block + 1 < this.blocks && this.#index.endsWith(block, key, keyStart, keyEnd);
  }

  /** False only when the user key, whose `bloomHash` is `keyHash`, is not in the block. */
  mayContain(block: number, keyHash: number, key: Uint8Array, keyStart: number, keyEnd: number): boolean {
    const { filter, filterIsLegacy } = this.#parts;
    if (filter === undefined) return true;
    const offset = this.#index.offset(block);
    if (filter.mayContain(offset, keyHash)) return true;
    return filterIsLegacy && filter.mayContain(offset, signedBloomHash(key, keyStart, keyEnd));
  }

  /** Reads a data block, blocking. What is stored lies in `memory`: the block itself does, unless it is compressed. */
  readBlockNow(block: number, memory: BlockMemory = ownMemory): Block {
    const handle = this.handle(block);
    const stored = memory.bytes(handle.size + BLOCK_TRAILER_BYTES);
    const count = this.file.readNow(stored, 0, stored.length, handle.offset);
    return this.#parse(block, stored, count, handle);
  }

  async readBlockLater(block: number): Promise<Block> {
    const handle = this.handle(block);
    const stored = new Uint8Array(handle.size + BLOCK_TRAILER_BYTES);
    const count = await this.file.read(stored, 0, stored.length, handle.offset);
    return this.#parse(block, stored, count, handle);
  }

  /**
   * Reads the blocks [first, end), blocking. `spare`, the bytes of a run that nobody looks at any more, are used again if
   * they suffice. REQUIRES: first < end, and blocks of the table.
   */
  readRunNow(first: number, end: number, spare?: Uint8Array<ArrayBuffer>): BlockRun {
    const run = this.#emptyRun(first, end, spare);
    this.#checkRun(run, this.file.readNow(run.bytes, 0, run.length, run.offset));
    return run;
  }

  /** The same in the libuv pool. Takes over `spare`. */
  async readRunLater(first: number, end: number, spare?: Uint8Array<ArrayBuffer>): Promise<BlockRun> {
    const run = this.#emptyRun(first, end, spare);
    this.#checkRun(run, await this.file.read(run.bytes, 0, run.length, run.offset));
    return run;
  }

  /** A block of a run, as a view of its bytes unless it is compressed. */
  blockOf(run: BlockRun, block: number): Block {
    const handle = this.handle(block);
    const start = handle.offset - run.offset;
    const stored = run.bytes.subarray(start, start + handle.size + BLOCK_TRAILER_BYTES);
    return this.#parse(block, stored, stored.length, handle);
  }

  /** The end of the blocks from `first` on that lie in `bytes` of the file; that one does in any case. */
  runEnd(first: number, bytes: number): number {
    const limit = this.#index.offset(first) + bytes;
    let end = first + 1;
    while (end < this.blocks && this.#storedEnd(end) <= limit) end++;
    return end;
  }

  /** The first of the blocks up to `last`, included, that lie in `bytes` of the file; that one does in any case. */
  runStart(last: number, bytes: number): number {
    const limit = this.#storedEnd(last) - bytes;
    let first = last;
    while (first > 0 && this.#index.offset(first - 1) >= limit) first--;
    return first;
  }

  readBlock(block: number): Steps<Block> {
    return wait(
      () => this.readBlockNow(block),
      () => this.readBlockLater(block),
    );
  }

  /** Root and leaves as the table states them; undefined in a table that another implementation wrote. */
  *merkle(): Steps<MerkleBlock | undefined> {
    const handle = this.#parts.merkle;
    if (handle === undefined) return undefined;
    return decodeMerkleBlock(yield* readContents(this.file, this.name, handle), this.name, handle.offset);
  }

  /** About how far into the file the entries of this user key begin, or would. */
  approximateOffset(key: Uint8Array, keyStart: number, keyEnd: number): number {
    const block = this.findBlock(key, keyStart, keyEnd, MAX_SEQUENCE);
    return block < 0 ? this.#parts.metaindexOffset : this.#index.offset(block);
  }

  close(): void {
    this.file.closeNow();
  }

  #emptyRun(first: number, end: number, spare: Uint8Array<ArrayBuffer> | undefined): BlockRun {
    const offset = this.#index.offset(first);
    const length = this.#storedEnd(end - 1) - offset;
    const bytes = spare !== undefined && spare.length >= length ? spare : new Uint8Array(length);
    return { first, end, bytes, offset, length };
  }

  #checkRun({ offset, length }: BlockRun, count: number): void {
    requireWhole(count, length, this.name, offset);
  }

  /** Where a block ends in the file, its trailer included. */
  #storedEnd(block: number): number {
    return this.#index.offset(block) + this.#index.size(block) + BLOCK_TRAILER_BYTES;
  }

  #parse(index: number, stored: Uint8Array<ArrayBuffer>, count: number, handle: BlockHandle): Block {
    const block = new Block(checkStored(stored, count, this.name, handle), this.name, handle.offset);
    checker.check(block);
    this.#checkRange(index, block);
    return block;
  }

  /** The entries of a block lie behind the index key of the block before, up to its own, and in the stated bounds. */
  #checkRange(index: number, block: Block): void {
    const { firstStart, firstEnd, lastKey, lastEnd } = checker;
    const firstUserEnd = firstEnd - TRAILER_BYTES;
    const first = readTrailerSequence(block.contents, firstUserEnd);
    if (index > 0 && !this.#index.isBefore(index - 1, block.contents, firstStart, firstUserEnd, first)) {
      throw block.damage('first entry of the block does not sort after the index key of the block before');
    }
    const lastUserEnd = lastEnd - TRAILER_BYTES;
    if (this.#index.isBefore(index, lastKey, 0, lastUserEnd, readTrailerSequence(lastKey, lastUserEnd))) {
      throw block.damage('index key of the block sorts before its last entry');
    }
    const { bounds } = this.#parts;
    if (bounds === undefined) return;
    if (
      index === 0 &&
      compareInternalKeys(block.contents.subarray(firstStart, firstEnd), bounds.smallest) < 0
    ) {
      throw block.damage('first entry of the table sorts before the smallest key that the manifest states');
    }
    if (index === this.blocks - 1 && compareInternalKeys(lastKey.subarray(0, lastEnd), bounds.largest) > 0) {
      throw block.damage('last entry of the table sorts after the largest key that the manifest states');
    }
  }
}

export interface MetaHandles {
  filter: BlockHandle | undefined;
  legacyFilter: BlockHandle | undefined;
  merkle: BlockHandle | undefined;
}

/** The meta blocks we know; others are skipped. */
export function parseMetaindex(block: Block, dataEnd: number): MetaHandles {
  const handles: MetaHandles = { filter: undefined, legacyFilter: undefined, merkle: undefined };
  const cursor = new BlockCursor();
  cursor.attach(block);
  while (cursor.next()) {
    if (cursor.keyEnd > MAX_META_NAME_BYTES) continue;
    const name = Buffer.from(cursor.keyBytes.buffer, 0, cursor.keyEnd).toString('latin1');
    const which = META_NAMES.get(name);
    if (which === undefined) continue;
    if (handles[which] !== undefined) throw block.damage(`metaindex names the block '${name}' twice`);
    const handle = decodeBlockHandle(cursor.contents, cursor.valueStart, cursor.valueEnd);
    handles[which] = checkHandle(handle, name, block.file, block.offset, dataEnd);
  }
  return handles;
}

const META_NAMES: ReadonlyMap<string, keyof MetaHandles> = new Map([
  [FILTER_KEY_PREFIX + FILTER_NAME, 'filter'],
  [FILTER_KEY_PREFIX + LEGACY_FILTER_NAME, 'legacyFilter'],
  [MERKLE_BLOCK_NAME, 'merkle'],
]);

/** A longer name is none of them. */
const MAX_META_NAME_BYTES: number = Math.max(...[...META_NAMES.keys()].map((name) => name.length));

/** Contents of a block, its trailer checked. REQUIRES: a checked handle. */
export function* readContents(
  file: ReadableFile,
  name: string,
  handle: BlockHandle,
): Steps<Uint8Array<ArrayBuffer>> {
  const stored = yield* readBytes(file, name, handle.offset, handle.size + BLOCK_TRAILER_BYTES);
  return checkStored(stored, stored.length, name, handle);
}

export function* readBytes(
  file: ReadableFile,
  name: string,
  offset: number,
  length: number,
): Steps<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(length);
  const count = yield* wait(
    () => file.readNow(bytes, 0, length, offset),
    () => file.read(bytes, 0, length, offset),
  );
  requireWhole(count, length, name, offset);
  return bytes;
}

function requireWhole(count: number, length: number, name: string, offset: number): void {
  if (count !== length) throw corruption(`file ends ${length - count} bytes too early`, name, offset);
}

/** Contents of a block that was read with its trailer, `count` of its bytes. */
function checkStored(
  stored: Uint8Array<ArrayBuffer>,
  count: number,
  name: string,
  { offset, size }: BlockHandle,
): Uint8Array<ArrayBuffer> {
  requireWhole(count, stored.length, name, offset);
  const type = checkBlockTrailer(stored, size, name, offset);
  return decompressBlock(stored.subarray(0, size), type, name, offset);
}
