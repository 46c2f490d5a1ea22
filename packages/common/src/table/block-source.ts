import type { Block } from '../block/block.ts';
import type { BEHIND_BLOCK, BlockHit } from '../block/block-lookup.ts';
import type { BlockRun } from './block-run.ts';
import type { TableReader } from './table-reader.ts';

/** A block is not where it was looked for. */
export const NOT_AT_HAND: unique symbol = Symbol('not at hand');

/** Where readers get data blocks, by index in their table. */
export interface BlockSource {
  /** The block if it is in memory and may be held. */
  cached(reader: TableReader, block: number): Block | undefined;
  /** The block if that costs no wait. */
  peek(reader: TableReader, block: number): Block | undefined;
  loadNow(reader: TableReader, block: number): Block;
  load(reader: TableReader, block: number): Promise<Block>;
}

/** What a lookup finds where nobody may hold a block: a hit has a copy of its own. NOT_AT_HAND: the block is not there. */
export type UnheldAnswer = BlockHit | undefined | typeof BEHIND_BLOCK | typeof NOT_AT_HAND;

/** Looks a key up (`findInBlock`) in a block of a table. */
export type UnheldSearch = (
  reader: TableReader,
  block: number,
  key: Uint8Array,
  keyStart: number,
  keyEnd: number,
  sequence: number,
) => UnheldAnswer;

/** And where lookups may find an answer without a block to hold. */
export interface LookupSource extends BlockSource {
  /** In memory that threads share. */
  searchShared: UnheldSearch;
  /** There, or in a block that is read for it if that costs no wait. NOT_AT_HAND: it must be got by `peek` or `load`. */
  searchInPlace: UnheldSearch;
}

/** And where walks get several at once. */
export interface BlockRunSource extends BlockSource {
  /** True when a read on the thread is expected to cost no wait. */
  readonly isDirect: boolean;
  /** The blocks [first, end) at once, for a walk. `spare`: see `TableReader.readRunNow`; both take it over. */
  loadRunNow(reader: TableReader, first: number, end: number, spare?: Uint8Array<ArrayBuffer>): BlockRun;
  loadRun(
    reader: TableReader,
    first: number,
    end: number,
    spare?: Uint8Array<ArrayBuffer>,
  ): Promise<BlockRun>;
  /** A block of a run. Good until the bytes of the run are given back as spare. */
  blockOf(reader: TableReader, run: BlockRun, block: number): Block;
}

/** Reads every block from the file and keeps none; nothing is ever at hand. */
export const uncachedBlocks: BlockRunSource & LookupSource = {
  cached: () => undefined,
  searchShared: () => NOT_AT_HAND,
  searchInPlace: () => NOT_AT_HAND,
  peek: () => undefined,
  loadNow: (reader, block) => reader.readBlockNow(block),
  load: (reader, block) => reader.readBlockLater(block),
  isDirect: false,
  loadRunNow: (reader, first, end, spare) => reader.readRunNow(first, end, spare),
  loadRun: (reader, first, end, spare) => reader.readRunLater(first, end, spare),
  blockOf: (reader, run, block) => reader.blockOf(run, block),
};

/** Reads every block from the file, blocking, so that nothing ever has to be waited for: for workers. */
export const blockingBlocks: BlockRunSource & LookupSource = {
  ...uncachedBlocks,
  isDirect: true,
  peek: (reader, block) => reader.readBlockNow(block),
};
