/**
 * Writes a table (format: `table-format.ts`) from entries in order. For the same entries and options the data
 * blocks, the filter and the index are LevelDB's, byte by byte; the Merkle block comes on top.
 *
 * Blocking, one owner, any thread. It does not sync: the caller does, before the table counts. After an error the
 * file is garbage and the builder is not used again.
 */
import { invariant } from '../base/invariant.ts';
import { BlockBuilder } from '../block/block-builder.ts';
import { type BlockHandle, encodeBlockHandle, MAX_BLOCK_HANDLE_BYTES } from '../block/block-handle.ts';
import { BLOCK_TRAILER_BYTES, BlockType, writeBlockTrailer } from '../block/block-trailer.ts';
import { compressSnappy } from '../block/compression.ts';
import { withCapacity } from '../block/copy-range.ts';
import { EMPTY_BYTES } from '../bytes/compare.ts';
import { bloomHash } from '../filter/bloom.ts';
import { FILTER_KEY_PREFIX, FILTER_NAME, FilterBlockBuilder } from '../filter/filter-block.ts';
import { TRAILER_BYTES } from '../key/internal-key.ts';
import { shortenToSeparator, shortenToSuccessor } from '../key/separator.ts';
import { encodeMerkleBlock, MERKLE_BLOCK_NAME, TableRootBuilder } from '../merkle/table-root.ts';
import type { WritableFile } from '../storage/storage.ts';
import { FileOutput } from './file-output.ts';
import type { StoredBlock } from './stored-block.ts';
import { encodeFooter, FOOTER_BYTES } from './table-format.ts';
import { Compression, type TableOptions, type TableSummary } from './table-options.ts';

const INDEX_RESTART_INTERVAL = 1;

export class TableBuilder {
  readonly #options: TableOptions;
  readonly #output: FileOutput;
  readonly #data: BlockBuilder;
  readonly #index: BlockBuilder;
  readonly #filter: FilterBlockBuilder | undefined;
  readonly #root: TableRootBuilder = new TableRootBuilder();
  /** The data block that was finished last, until the key after it is known: its index entry needs both. */
  #pending: BlockHandle | undefined;
  #indexKey: Uint8Array<ArrayBuffer> = EMPTY_BYTES;
  readonly #handleBytes: Uint8Array<ArrayBuffer> = new Uint8Array(MAX_BLOCK_HANDLE_BYTES);
  readonly #trailer: Uint8Array<ArrayBuffer> = new Uint8Array(BLOCK_TRAILER_BYTES);
  /** Bytes at which the data block that is being built is finished. */
  #blockLimit: number;
  #entries = 0;
  #smallest: Uint8Array<ArrayBuffer> = EMPTY_BYTES;
  #smallestSequence = Number.POSITIVE_INFINITY;
  #largestSequence = 0;
  #finished = false;

  constructor(file: WritableFile, options: TableOptions) {
    this.#options = options;
    this.#blockLimit = options.blockBytes;
    this.#output = new FileOutput(file);
    this.#data = new BlockBuilder(options.restartInterval);
    this.#index = new BlockBuilder(INDEX_RESTART_INTERVAL);
    this.#filter = options.bloomBitsPerKey > 0 ? new FilterBlockBuilder(options.bloomBitsPerKey) : undefined;
  }

  get entries(): number {
    return this.#entries;
  }

  /** Bytes of the file so far: of the data blocks that are finished. */
  get sizeBytes(): number {
    return this.#output.position;
  }

  /** Copies key and value. REQUIRES: the entry sorts after the one before. */
  add(
    keyBytes: Uint8Array,
    keyStart: number,
    keyEnd: number,
    sequence: number,
    kind: number,
    valueBytes: Uint8Array,
    valueStart: number,
    valueEnd: number,
  ): void {
    const data = this.#data;
    if (this.#pending !== undefined) {
      const length = this.#copyLastKey();
      this.#addToIndex(this.#pending, shortenToSeparator(this.#indexKey, length, keyBytes, keyStart, keyEnd));
    }
    data.addEntry(keyBytes, keyStart, keyEnd, sequence, kind, valueBytes, valueStart, valueEnd);
    if (this.#filter !== undefined) this.#filter.add(bloomHash(keyBytes, keyStart, keyEnd));
    if (this.#entries === 0) this.#smallest = data.lastKey.slice(0, data.lastKeyEnd);
    this.#entries++;
    if (sequence < this.#smallestSequence) this.#smallestSequence = sequence;
    if (sequence > this.#largestSequence) this.#largestSequence = sequence;
    if (data.sizeBytes >= this.#blockLimit) this.#finishDataBlock();
  }

  /** Bytes of the data block that is being built; 0 when it has no entries. */
  get openBlockBytes(): number {
    return this.#data.entries === 0 ? 0 : this.#data.sizeBytes;
  }

  /** Lets the data block that is being built have so many bytes more than the options say. */
  stretchBlock(bytes: number): void {
    this.#blockLimit = this.#options.blockBytes + bytes;
  }

  /**
   * Takes a data block over as it is stored, whatever the options say of blocks. Ends the one that is being built.
   * REQUIRES: the block sorts after the entry before.
   */
  addBlock(block: StoredBlock): void {
    const { bytes, start, end, entries, keys, keyStarts, keyEnds } = block;
    const data = this.#data;
    if (data.entries > 0) this.#finishDataBlock();
    this.#blockLimit = this.#options.blockBytes;
    const firstStart = keyStarts[0]!;
    const firstEnd = keyEnds[0]!;
    if (this.#pending !== undefined) {
      const length = this.#copyLastKey();
      this.#addToIndex(this.#pending, shortenToSeparator(this.#indexKey, length, keys, firstStart, firstEnd));
    }
    this.#pending = { offset: this.#output.position, size: end - start };
    this.#output.append(bytes, start, end + BLOCK_TRAILER_BYTES);
    this.#root.addLeaf(block.leaf);
    if (this.#filter !== undefined) {
      for (let i = 0; i < entries; i++) this.#filter.add(bloomHash(keys, keyStarts[i]!, keyEnds[i]!));
      this.#filter.startBlock(this.#output.position);
    }
    if (this.#entries === 0)
      this.#smallest = new Uint8Array(keys.slice(firstStart, firstEnd + TRAILER_BYTES));
    data.follow(keys, keyStarts[entries - 1]!, keyEnds[entries - 1]! + TRAILER_BYTES);
    this.#entries += entries;
    this.#smallestSequence = Math.min(this.#smallestSequence, block.smallestSequence);
    this.#largestSequence = Math.max(this.#largestSequence, block.largestSequence);
  }

  /** Writes what is left. REQUIRES: at least one entry; called once. */
  finish(): TableSummary {
    invariant(this.#entries > 0 && !this.#finished, 'a table with entries is finished once');
    this.#finished = true;
    if (this.#data.entries > 0) this.#finishDataBlock();
    const length = this.#copyLastKey();
    const largest = this.#indexKey.slice(0, length);
    const metaindex = this.#writeMetaBlocks();
    this.#addToIndex(this.#pending!, shortenToSuccessor(this.#indexKey, length));
    const index = this.#writeBlock(this.#index);
    const footer = new Uint8Array(FOOTER_BYTES);
    encodeFooter(footer, 0, { metaindex, index });
    this.#output.append(footer, 0, FOOTER_BYTES);
    this.#output.flush();
    return {
      size: this.#output.position,
      entries: this.#entries,
      blocks: this.#root.blocks,
      smallest: this.#smallest,
      largest,
      smallestSequence: this.#smallestSequence,
      largestSequence: this.#largestSequence,
      root: this.#root.root(),
    };
  }

  #finishDataBlock(): void {
    const data = this.#data;
    this.#pending = this.#writeBlock(data, this.#root);
    data.reset();
    this.#blockLimit = this.#options.blockBytes;
    this.#filter?.startBlock(this.#output.position);
  }

  /** Copies the last key to #indexKey, where it can be shortened, and returns its length. */
  #copyLastKey(): number {
    const { lastKey, lastKeyEnd } = this.#data;
    this.#indexKey = withCapacity(this.#indexKey, lastKeyEnd);
    this.#indexKey.set(lastKey.subarray(0, lastKeyEnd));
    return lastKeyEnd;
  }

  #addToIndex(handle: BlockHandle, keyEnd: number): void {
    const end = encodeBlockHandle(this.#handleBytes, 0, handle);
    this.#index.add(this.#indexKey, 0, keyEnd, this.#handleBytes, 0, end);
    this.#pending = undefined;
  }

  /** Writes the meta blocks and the metaindex, whose names ascend as LevelDB's search expects. */
  #writeMetaBlocks(): BlockHandle {
    const filter = this.#filter && this.#writeRaw(this.#filter.finish());
    const merkle = this.#writeRaw(encodeMerkleBlock(this.#root));
    const metaindex = new BlockBuilder(this.#options.restartInterval);
    this.#addMeta(metaindex, MERKLE_BLOCK_NAME, merkle);
    if (filter !== undefined) this.#addMeta(metaindex, FILTER_KEY_PREFIX + FILTER_NAME, filter);
    return this.#writeBlock(metaindex);
  }

  #addMeta(metaindex: BlockBuilder, name: string, handle: BlockHandle): void {
    const key = Buffer.from(name, 'latin1');
    const end = encodeBlockHandle(this.#handleBytes, 0, handle);
    metaindex.add(key, 0, key.length, this.#handleBytes, 0, end);
  }

  #writeBlock(block: BlockBuilder, root?: TableRootBuilder): BlockHandle {
    block.finish();
    const { buffer, start, end } = block;
    root?.addBlock(buffer, start, end);
    const compressed =
      this.#options.compression === Compression.Snappy
        ? compressSnappy(buffer.subarray(start, end))
        : undefined;
    return compressed === undefined
      ? this.#writeStored(buffer, start, end, BlockType.Raw)
      : this.#writeStored(compressed, 0, compressed.length, BlockType.Snappy);
  }

  #writeRaw(contents: Uint8Array): BlockHandle {
    return this.#writeStored(contents, 0, contents.length, BlockType.Raw);
  }

  #writeStored(bytes: Uint8Array, start: number, end: number, type: BlockType): BlockHandle {
    const handle = { offset: this.#output.position, size: end - start };
    this.#output.append(bytes, start, end);
    writeBlockTrailer(this.#trailer, 0, bytes, start, end, type);
    this.#output.append(this.#trailer, 0, BLOCK_TRAILER_BYTES);
    return handle;
  }
}
