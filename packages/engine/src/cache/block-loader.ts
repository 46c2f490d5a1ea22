/**
 * Where readers get data blocks: this thread's cache, the one that the threads of the store share, if there is one, or
 * else the file, read as the scheduler says. Readers that wait for the same block share one read. One per thread.
 */
import { Block } from '@arena-level/common/block/block';
import type { BlockRun } from '@arena-level/common/table/block-run';
import type { BlockRunSource } from '@arena-level/common/table/block-source';
import type { TableReader } from '@arena-level/common/table/table-reader';
import type { BlockCache } from './block-cache.ts';
import type { ReadScheduler } from './read-scheduler.ts';
import type { SharedBlockCache } from './shared/shared-block-cache.ts';

export class BlockLoader {
  readonly cache: BlockCache;
  /** Undefined: the store is not shared, or its threads share no cache. */
  shared: SharedBlockCache | undefined;
  readonly #scheduler: ReadScheduler;
  /** Reads under way in the pool. */
  readonly #reading = new Map<string, Promise<Block>>();
  readonly #filling: BlockRunSource = new CachedBlockSource(this, true, true);
  readonly #fillingSought: BlockRunSource = new CachedBlockSource(this, true, false);
  readonly #passing: BlockRunSource = new CachedBlockSource(this, false, false);

  constructor(cache: BlockCache, scheduler: ReadScheduler) {
    this.cache = cache;
    this.#scheduler = scheduler;
  }

  /**
   * The source for readers whose blocks are kept in the cache, or are not. All find what is there. Undefined: those
   * that a lookup or a seek comes to are kept, those that a walk reads ahead are not.
   */
  source(fillCache: boolean | undefined): BlockRunSource {
    if (fillCache === undefined) return this.#fillingSought;
    return fillCache ? this.#filling : this.#passing;
  }

  /** True when a read on the thread is expected to cost no wait. */
  get isDirect(): boolean {
    return this.#scheduler.isDirect;
  }

  /** A block that another thread has read. It was verified then; what it is has not changed. */
  findShared(reader: TableReader, index: number): Block | undefined {
    const contents = this.shared?.get(reader.number, index);
    if (contents === undefined) return undefined;
    this.cache.misses++;
    return new Block(contents, reader.name, reader.handle(index).offset);
  }

  /** Keeps a block that was read from the file, for this thread and all others. */
  keep(reader: TableReader, index: number, block: Block): void {
    this.cache.put(reader, index, block);
    this.shared?.put(reader.number, index, block.contents);
  }

  readNow(reader: TableReader, index: number): Block {
    this.cache.misses++;
    return this.#scheduler.readNow(() => reader.readBlockNow(index));
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

  read(reader: TableReader, index: number): Promise<Block> {
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
    return this.#loader.cache.get(reader.number, index);
  }

  /** A read that the page cache is expected to serve counts as no wait. */
  peek(reader: TableReader, index: number): Block | undefined {
    const found = this.cached(reader, index) ?? this.#findShared(reader, index);
    if (found !== undefined || !this.#loader.isDirect) return found;
    return this.loadNow(reader, index);
  }

  loadNow(reader: TableReader, index: number): Block {
    const block = this.#loader.readNow(reader, index);
    this.#keep(reader, index, block);
    return block;
  }

  async load(reader: TableReader, index: number): Promise<Block> {
    const block = await this.#loader.read(reader, index);
    this.#keep(reader, index, block);
    return block;
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

  /** What is kept gets bytes of its own: a view would keep all of its run in memory. */
  blockOf(reader: TableReader, run: BlockRun, index: number): Block {
    const block = reader.blockOf(run, index);
    if (!this.#keepsWalked) return block;
    const own = block.contents.buffer === run.bytes.buffer ? block.withOwnContents() : block;
    this.#loader.keep(reader, index, own);
    return own;
  }

  #findShared(reader: TableReader, index: number): Block | undefined {
    const block = this.#loader.findShared(reader, index);
    if (block !== undefined && this.#keepsSought) this.#loader.cache.put(reader, index, block);
    return block;
  }

  #keep(reader: TableReader, index: number, block: Block): void {
    if (this.#keepsSought) this.#loader.keep(reader, index, block);
  }
}
