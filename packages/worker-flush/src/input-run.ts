/**
 * One run of a merge: its tables from first to last, each open only while it is read, and their entries, a batch of
 * a data block at a time.
 *
 * Nothing passes that is damaged: a table must be there and have its size, blocks their checksums, entries must
 * ascend throughout a table and lie within its bounds. What does not throws, naming file and offset. One owner.
 */
import { corruption, errnoOf } from '@arena-level/common/base/errors';
import { MAX_SEQUENCE } from '@arena-level/common/base/limits';
import { runNow } from '@arena-level/common/base/steps';
import { Block } from '@arena-level/common/block/block';
import { BLOCK_TRAILER_BYTES } from '@arena-level/common/block/block-trailer';
import { compareRanges, EMPTY_BYTES } from '@arena-level/common/bytes/compare';
import { compareInternalKeys, TRAILER_BYTES } from '@arena-level/common/key/internal-key';
import { HASH_BYTES } from '@arena-level/common/merkle/hashing';
import { blockLeaf } from '@arena-level/common/merkle/table-root';
import type { CompactionJob, InputTable } from '@arena-level/common/protocol/compaction-protocol';
import { type FileDesc, fileName, tableFile, tempFile } from '@arena-level/common/storage/file-desc';
import type { ReadableFile, Storage } from '@arena-level/common/storage/storage';
import { openTable, type TableReader } from '@arena-level/common/table/table-reader';
import { BlockWindow } from './block-window.ts';
import { EntryBatch } from './entry-batch.ts';
import { closeQuietly } from './temporary-table.ts';

export class InputRun {
  readonly batch: EntryBatch;
  /** The current entry is batch entry `at`, unless the run has `ended`. */
  at = 0;
  /** Entries of the batch that do not sort behind the subrange. */
  count = 0;
  ended = false;
  /** True when the batch is a whole block, of which nothing lies outside the subrange. */
  isWholeBlock = false;
  /** Entry of the batch from which on the block that is being built may be stretched: the merge sets it. */
  tailAt = 0;
  /** Stored bytes of the data blocks that were read. */
  bytesRead = 0;
  readonly window: BlockWindow = new BlockWindow();
  readonly #storage: Storage;
  readonly #tables: readonly InputTable[];
  readonly #begin: Uint8Array | undefined;
  readonly #end: Uint8Array | undefined;
  /** The table after the current one. */
  #nextTable = 0;
  #table: TableReader | undefined;
  /** The block after the current one. */
  #nextBlock = 0;
  #block: Block | undefined;
  /** Offset in the block behind the batch. */
  #nextOffset = 0;
  /** Bytes of the tables that were passed, and where in the current one the subrange begins. */
  #passedBytes = 0;
  #startOffset = 0;
  /** Of the current table, one behind the other; none when it states none. Read when the first one is asked for. */
  #leaves: Uint8Array | undefined;

  /** `prefix` is what all user keys of the merge begin with. Nothing is read before `first`. */
  constructor(
    storage: Storage,
    tables: readonly InputTable[],
    job: Pick<CompactionJob, 'begin' | 'end'>,
    prefix: Uint8Array,
  ) {
    this.#storage = storage;
    this.#tables = tables;
    this.#begin = job.begin;
    this.#end = job.end;
    this.batch = new EntryBatch(prefix);
  }

  /** How far it has come, in bytes of the tables: of runs over adjacent subranges, all of them in the end. */
  get bytesDone(): number {
    const table = this.#table;
    return table === undefined
      ? this.#passedBytes
      : this.#passedBytes + this.#blockOffset(table) - this.#startOffset;
  }

  /** Goes to the first entry, unless the run has none. Called once. */
  first(): void {
    this.#load();
  }

  /** REQUIRES: not ended; so below. */
  advance(): void {
    if (++this.at === this.count) this.#load();
  }

  /** To the first entry behind the batch. */
  skipBatch(): void {
    this.#load();
  }

  /** True when each restart point of the block is an entry with a whole key. REQUIRES: the batch is a whole block. */
  hasSoundRestarts(): boolean {
    const block = this.#block!;
    const { valueEnds } = this.batch;
    for (let restart = 1, entry = 0; restart < block.restartCount; restart++) {
      const offset = block.restart(restart);
      while (valueEnds[entry]! < offset) entry++;
      if (valueEnds[entry]! !== offset || block.contents[offset] !== 0) return false;
    }
    return true;
  }

  /** The leaf of the block that the batch is from: as its table states it, or else computed. */
  leaf(): Uint8Array {
    const table = this.#table!;
    if (this.#leaves === undefined) {
      const merkle = runNow(table.merkle());
      this.#leaves = merkle?.blocks === table.blocks ? merkle.leaves : EMPTY_BYTES;
    }
    const at = (this.#nextBlock - 1) * HASH_BYTES;
    return this.#leaves.length === 0
      ? blockLeaf(this.batch.contents)
      : this.#leaves.subarray(at, at + HASH_BYTES);
  }

  /** Closes what is open. */
  close(): void {
    const table = this.#table;
    this.#table = undefined;
    if (table !== undefined) closeQuietly(table.file);
  }

  /** To the first entry of the next batch that is in the subrange, or to the end. */
  #load(): void {
    while (this.count === this.batch.count && this.#nextBatch()) {
      this.#checkBounds();
      this.at = this.#firstInRange();
      this.count = this.#countInRange();
      if (this.at > 0 || this.count < this.batch.count) this.isWholeBlock = false;
      if (this.at < this.count) return;
    }
    this.#finish();
  }

  #finish(): void {
    this.ended = true;
    const table = this.#table;
    if (table === undefined) return;
    // It ends inside a block, which a run over the subrange behind this one begins with.
    this.#nextBlock--;
    this.#passedBytes += this.#blockOffset(table) - this.#startOffset;
    this.#closeTable(table);
  }

  /** Decodes the next entries of this block or of one behind it. False at the end of the run. */
  #nextBatch(): boolean {
    const { batch } = this;
    while (this.#block === undefined || this.#nextOffset >= this.#block.restartsOffset) {
      if (!this.#readBlock()) return false;
    }
    const block = this.#block;
    const offset = this.#nextOffset;
    this.#nextOffset = batch.fill(block, offset);
    this.isWholeBlock = offset === 0 && this.#nextOffset === block.restartsOffset;
    return true;
  }

  #readBlock(): boolean {
    let table = this.#table;
    while (table === undefined || this.#nextBlock >= table.blocks) {
      if (table !== undefined) this.#passTable(table);
      table = this.#openNext();
      if (table === undefined) return false;
    }
    const handle = table.handle(this.#nextBlock++);
    this.bytesRead += handle.size + BLOCK_TRAILER_BYTES;
    this.#block = new Block(this.window.load(handle), table.name, handle.offset);
    this.#nextOffset = 0;
    return true;
  }

  /** The next table that may hold keys of the subrange, at its first block that may; undefined behind the last one. */
  #openNext(): TableReader | undefined {
    const begin = this.#begin;
    while (this.#nextTable < this.#tables.length) {
      const input = this.#tables[this.#nextTable]!;
      const { smallest, largest } = input;
      if (this.#isBehindRange(smallest, 0, smallest.length - TRAILER_BYTES)) return undefined;
      this.#nextTable++;
      if (
        begin !== undefined &&
        compareRanges(largest, 0, largest.length - TRAILER_BYTES, begin, 0, begin.length) < 0
      ) {
        continue;
      }
      const table = openInput(this.#storage, input);
      this.#table = table;
      this.window.attach(table.file, input.size);
      this.batch.clear();
      const block = begin === undefined ? 0 : table.findBlock(begin, 0, begin.length, MAX_SEQUENCE);
      this.#nextBlock = block < 0 ? table.blocks : block;
      this.#startOffset = this.#blockOffset(table);
      return table;
    }
    return undefined;
  }

  #passTable(table: TableReader): void {
    this.#passedBytes += table.sizeBytes - this.#startOffset;
    this.#closeTable(table);
  }

  #closeTable(table: TableReader): void {
    this.#table = undefined;
    this.#block = undefined;
    this.#leaves = undefined;
    table.close();
  }

  /** Where in the file the next block to read begins. */
  #blockOffset(table: TableReader): number {
    return this.#nextBlock < table.blocks ? table.handle(this.#nextBlock).offset : table.sizeBytes;
  }

  /** Throws unless the batch lies within the bounds of its table. Its entries ascend. */
  #checkBounds(): void {
    const { keys, keyStarts, keyEnds, count } = this.batch;
    const { smallest, largest } = this.#tables[this.#nextTable - 1]!;
    const first = keys.subarray(keyStarts[0]!, keyEnds[0]! + TRAILER_BYTES);
    const last = keys.subarray(keyStarts[count - 1]!, keyEnds[count - 1]! + TRAILER_BYTES);
    if (compareInternalKeys(first, smallest) >= 0 && compareInternalKeys(last, largest) <= 0) return;
    throw this.#block!.damage('block has an entry outside the bounds of its table');
  }

  /** Index of the first entry that does not sort before the subrange. */
  #firstInRange(): number {
    const begin = this.#begin;
    if (begin === undefined) return 0;
    const { keys, keyStarts, keyEnds, count } = this.batch;
    let at = 0;
    while (at < count && compareRanges(keys, keyStarts[at]!, keyEnds[at]!, begin, 0, begin.length) < 0) at++;
    return at;
  }

  /** How many entries of the batch do not sort behind the subrange. */
  #countInRange(): number {
    const { keys, keyStarts, keyEnds, count } = this.batch;
    let end = count;
    while (end > 0 && this.#isBehindRange(keys, keyStarts[end - 1]!, keyEnds[end - 1]!)) end--;
    return end;
  }

  #isBehindRange(keys: Uint8Array, keyStart: number, keyEnd: number): boolean {
    const end = this.#end;
    return end !== undefined && compareRanges(keys, keyStart, keyEnd, end, 0, end.length) >= 0;
  }
}

/** Opens a table that must be there, with the size that the manifest states. */
function openInput(storage: Storage, { number, size, isTemporary = false }: InputTable): TableReader {
  const file = openExisting(storage, isTemporary ? tempFile(number) : tableFile(number));
  try {
    if (file.size !== size) {
      throw corruption(`table of ${file.size} bytes, and the manifest states ${size}`, fileName(file.file));
    }
    return runNow(openTable(file, size));
  } catch (error) {
    closeQuietly(file);
    throw error;
  }
}

function openExisting(storage: Storage, file: FileDesc): ReadableFile {
  try {
    return storage.openReadNow(file);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') throw corruption('the table is missing', fileName(file));
    throw error;
  }
}
