/**
 * Where readers get data blocks: the cache that the threads of the store share, this thread's own, or else the file, read as
 * the scheduler says. Readers that wait for the same block share one read. One per thread.
 *
 * Lookups search blocks where they lie in the shared cache; what they read goes there from memory that the next read is for.
 * Iterators, which hold their blocks, get copies. A thread's own cache is for what the shared one does not take: blocks that are
 * too large for it, or all where there is none or it is the smaller of the two.
 */
import { Block } from '@arena-level/common/block/block';
import { BEHIND_BLOCK, findInBlock, ownHit } from '@arena-level/common/block/block-lookup';
import { BlockScratch, BlockSlabs, ownMemory } from '@arena-level/common/block/block-memory';
import { ImageIndex } from '@arena-level/common/block/image-index';
import type { BlockRun } from '@arena-level/common/table/block-run';
import {
  type BlockRunSource,
  type LookupSource,
  NOT_AT_HAND,
  type UnheldAnswer,
} from '@arena-level/common/table/block-source';
import type { TableReader } from '@arena-level/common/table/table-reader';
import type { BlockCache } from './block-cache.ts';
import type { ReadScheduler } from './read-scheduler.ts';
import { SharedCachePlace } from './shared/shared-cache-place.ts';

export class BlockLoader {
  readonly cache: BlockCache;
  readonly shared: SharedCachePlace;
  readonly #scheduler: ReadScheduler;
  /** Reads under way in the pool. */
  readonly #reading = new Map<string, Promise<Block>>();
  readonly #filling: BlockRunSource = new CachedBlockSource(this, true, true);
  readonly #fillingSought: BlockRunSource = new CachedBlockSource(this, true, false);
  readonly #passing: BlockRunSource = new CachedBlockSource(this, false, false);
  readonly #lookups: readonly LookupSource[] = [
    new CachedLookupSource(this, false, false),
    new CachedLookupSource(this, false, true),
    new CachedLookupSource(this, true, false),
    new CachedLookupSource(this, true, true),
  ];
  readonly #scratch = new BlockScratch();
  readonly #slabs = new BlockSlabs();
  readonly #index = new ImageIndex();

  constructor(cache: BlockCache, scheduler: ReadScheduler, shared: SharedCachePlace = SharedCachePlace.none) {
    this.cache = cache;
    this.shared = shared;
    this.#scheduler = scheduler;
  }

  /**
   * The source for iterators whose blocks are kept in the cache, or are not. All find what is there. Undefined: those
   * that a lookup or a seek comes to are kept, those that a walk reads ahead are not.
   */
  source(fillCache: boolean | undefined): BlockRunSource {
    if (fillCache === undefined) return this.#fillingSought;
    return fillCache ? this.#filling : this.#passing;
  }

  /** The source for lookups. `isBlocking`: the caller waits on the thread, whatever a read costs. */
  lookupSource(fillCache: boolean, isBlocking: boolean): LookupSource {
    return this.#lookups[(fillCache ? 2 : 0) + (isBlocking ? 1 : 0)]!;
  }

  /** True when a read on the thread is expected to cost no wait. */
  get isDirect(): boolean {
    return this.#scheduler.isDirect;
  }

  /**
   * A copy of a block that is shared. It was verified when it was read; what it is has not changed. `isWalk`: it is on the way
   * of a walk.
   */
  findShared(reader: TableReader, index: number, isWalk: boolean): Block | undefined {
    const cache = this.shared.cache;
    if (cache === undefined) return undefined;
    const { number } = reader;
    const contents = isWalk
      ? cache.glance(number, index, this.#slabs)
      : cache.get(number, index, this.#slabs);
    if (contents === undefined) return undefined;
    this.cache.hits++;
    return new Block(contents, reader.name, reader.handle(index).offset);
  }

  /** Reads a block, blocking. */
  readNow(reader: TableReader, index: number, keeps: boolean): Block {
    this.cache.misses++;
    const memory = this.#isSharedLarger ? this.#slabs : ownMemory;
    const block = this.#scheduler.readNow(() => reader.readBlockNow(index, memory));
    if (keeps) this.keep(reader, index, block, memory === ownMemory);
    return block;
  }

  /** The same, for a block that is good until the next read of this kind. */
  readScratchNow(reader: TableReader, index: number, keeps: boolean): Block {
    this.cache.misses++;
    const block = this.#scheduler.readNow(() => reader.readBlockNow(index, this.#scratch));
    if (keeps) this.keep(reader, index, block, false);
    return block;
  }

  /** Reads a block in the pool. */
  async read(reader: TableReader, index: number, keeps: boolean): Promise<Block> {
    const block = await this.#readOnce(reader, index);
    if (keeps) this.keep(reader, index, block, true);
    return block;
  }

  /** Keeps a block that was read from the file. `isOwn`: its memory is its own. */
  keep(reader: TableReader, index: number, block: Block, isOwn: boolean): void {
    const shared = this.shared.madeIfPossible();
    const { contents } = block;
    const isShared =
      shared?.takes(contents) === true && shared.put(reader.number, index, contents, this.#index.read(block));
    if (isShared && this.#isSharedLarger) return;
    this.cache.put(reader, index, isOwn ? block : block.withOwnContents());
  }

  readRunNow(
    reader: TableReader,
    first: number,
    end: number,
    spare: Uint8Array<ArrayBuffer> | undefined,
  ): BlockRun {
    this.cache.misses += end - first;
    return this.#scheduler.readNow(() => reader.readRunNow(first, end, spare));
  }

  readRun(
    reader: TableReader,
    first: number,
    end: number,
    spare: Uint8Array<ArrayBuffer> | undefined,
  ): Promise<BlockRun> {
    this.cache.misses += end - first;
    return this.#scheduler.readInPool(() => reader.readRunLater(first, end, spare));
  }

  #readOnce(reader: TableReader, index: number): Promise<Block> {
    const name = `${reader.number}/${index}`;
    const underWay = this.#reading.get(name);
    if (underWay !== undefined) return underWay;
    this.cache.misses++;
    const reading = this.#scheduler
      .readInPool(() => reader.readBlockLater(index))
      .finally(() => this.#reading.delete(name));
    this.#reading.set(name, reading);
    return reading;
  }

  get #isSharedLarger(): boolean {
    const shared = this.shared.cache;
    return shared !== undefined && shared.capacityBytes >= this.cache.capacityBytes;
  }
}

class CachedBlockSource implements BlockRunSource {
  readonly #loader: BlockLoader;
  readonly #keepsSought: boolean;
  readonly #keepsWalked: boolean;

  constructor(loader: BlockLoader, keepsSought: boolean, keepsWalked: boolean) {
    this.#loader = loader;
    this.#keepsSought = keepsSought;
    this.#keepsWalked = keepsWalked;
  }

  cached(reader: TableReader, index: number): Block | undefined {
    return this.#loader.cache.get(reader.number, index) ?? this.#loader.findShared(reader, index, true);
  }

  /** A read that the page cache is expected to serve counts as no wait. */
  peek(reader: TableReader, index: number): Block | undefined {
    const found =
      this.#loader.cache.get(reader.number, index) ?? this.#loader.findShared(reader, index, false);
    if (found !== undefined || !this.#loader.isDirect) return found;
    return this.loadNow(reader, index);
  }

  loadNow(reader: TableReader, index: number): Block {
    return this.#loader.readNow(reader, index, this.#keepsSought);
  }

  load(reader: TableReader, index: number): Promise<Block> {
    return this.#loader.read(reader, index, this.#keepsSought);
  }

  get isDirect(): boolean {
    return this.#loader.isDirect;
  }

  loadRunNow(reader: TableReader, first: number, end: number, spare?: Uint8Array<ArrayBuffer>): BlockRun {
    return this.#loader.readRunNow(reader, first, end, spare);
  }

  loadRun(
    reader: TableReader,
    first: number,
    end: number,
    spare?: Uint8Array<ArrayBuffer>,
  ): Promise<BlockRun> {
    return this.#loader.readRun(reader, first, end, spare);
  }

  blockOf(reader: TableReader, run: BlockRun, index: number): Block {
    const block = reader.blockOf(run, index);
    // A view would keep all of its run in memory.
    if (this.#keepsWalked)
      this.#loader.keep(reader, index, block, block.contents.buffer !== run.bytes.buffer);
    return block;
  }
}

class CachedLookupSource implements LookupSource {
  readonly #loader: BlockLoader;
  readonly #keeps: boolean;
  readonly #isBlocking: boolean;

  constructor(loader: BlockLoader, keeps: boolean, isBlocking: boolean) {
    this.#loader = loader;
    this.#keeps = keeps;
    this.#isBlocking = isBlocking;
  }

  cached(reader: TableReader, index: number): Block | undefined {
    return this.#loader.cache.get(reader.number, index);
  }

  searchShared(
    reader: TableReader,
    index: number,
    key: Uint8Array,
    keyStart: number,
    keyEnd: number,
    sequence: number,
  ): UnheldAnswer {
    const { cache, shared } = this.#loader;
    if (shared.cache === undefined) return NOT_AT_HAND;
    const found = shared.cache.find(reader.number, index, key, keyStart, keyEnd, sequence);
    if (found !== NOT_AT_HAND) cache.hits++;
    return found;
  }

  searchInPlace(
    reader: TableReader,
    index: number,
    key: Uint8Array,
    keyStart: number,
    keyEnd: number,
    sequence: number,
  ): UnheldAnswer {
    const { shared } = this.#loader;
    if ((this.#keeps ? shared.madeIfPossible() : shared.cache) === undefined) return NOT_AT_HAND;
    const found = this.searchShared(reader, index, key, keyStart, keyEnd, sequence);
    if (found !== NOT_AT_HAND) return found;
    // Only whole keys tell, or it is not there.
    const block = this.#loader.findShared(reader, index, false);
    if (block !== undefined) return findInBlock(block, key, keyStart, keyEnd, sequence);
    if (!this.#mayRead) return NOT_AT_HAND;
    return this.#searchFile(reader, index, key, keyStart, keyEnd, sequence);
  }

  peek(reader: TableReader, index: number): Block | undefined {
    return this.#mayRead ? this.loadNow(reader, index) : undefined;
  }

  loadNow(reader: TableReader, index: number): Block {
    return this.#loader.readNow(reader, index, this.#keeps);
  }

  load(reader: TableReader, index: number): Promise<Block> {
    return this.#loader.read(reader, index, this.#keeps);
  }

  get #mayRead(): boolean {
    return this.#isBlocking || this.#loader.isDirect;
  }

  #searchFile(
    reader: TableReader,
    index: number,
    key: Uint8Array,
    keyStart: number,
    keyEnd: number,
    sequence: number,
  ): UnheldAnswer {
    const block = this.#loader.readScratchNow(reader, index, this.#keeps);
    const hit = findInBlock(block, key, keyStart, keyEnd, sequence);
    if (hit === undefined || hit === BEHIND_BLOCK) return hit;
    return ownHit(hit.kind, hit.sequence, hit.valueBytes, hit.valueStart, hit.valueEnd);
  }
}
