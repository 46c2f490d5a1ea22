/**
 * Blocks that were read, uncompressed and parsed, by table number and index in the table: shared by all tables of a
 * store, bounded in bytes, least recently used first out. Blocks are immutable; one that is evicted lives on with
 * whoever holds it.
 *
 * Table numbers are never used twice, so an entry can only be right or absent. Main thread only.
 */
import type { Block } from '@arena-level/common/block/block';
import { type LruEntry, LruList } from './lru.ts';

/** What a cached block takes beyond its contents: the objects, the links, the places in two maps. An estimate. */
export const BLOCK_OVERHEAD_BYTES = 320;

interface CachedBlock extends LruEntry {
  readonly table: number;
  readonly index: number;
  readonly block: Block;
}

export class BlockCache {
  readonly capacityBytes: number;
  /** Blocks that were found, and blocks that had to be read (counted by who reads them). */
  hits = 0;
  misses = 0;
  #bytes = 0;
  #blocks = 0;
  readonly #tables = new Map<number, Map<number, CachedBlock>>();
  readonly #byUse = new LruList<CachedBlock>();

  /** With a capacity of 0 nothing is kept. */
  constructor(capacityBytes: number) {
    this.capacityBytes = capacityBytes;
  }

  /** Bytes in use, overhead included; never above the capacity. */
  get bytes(): number {
    return this.#bytes;
  }

  get blocks(): number {
    return this.#blocks;
  }

  get(table: number, index: number): Block | undefined {
    const cached = this.#tables.get(table)?.get(index);
    if (cached === undefined) return undefined;
    this.hits++;
    this.#byUse.touch(cached);
    return cached.block;
  }

  /** Keeps a block, unless it is larger than the whole cache. */
  put(table: number, index: number, block: Block): void {
    const chargeBytes = charge(block);
    if (chargeBytes > this.capacityBytes) return;
    const replaced = this.#tables.get(table)?.get(index);
    if (replaced !== undefined) this.#remove(replaced);
    let blocks = this.#tables.get(table);
    if (blocks === undefined) {
      blocks = new Map();
      this.#tables.set(table, blocks);
    }
    const cached: CachedBlock = { newer: undefined, older: undefined, linked: false, table, index, block };
    blocks.set(index, cached);
    this.#byUse.touch(cached);
    this.#bytes += chargeBytes;
    this.#blocks++;
    while (this.#bytes > this.capacityBytes) this.#remove(this.#byUse.oldest!);
  }

  /** Forgets the blocks of a table whose file goes. */
  evictTable(table: number): void {
    for (const cached of this.#tables.get(table)?.values() ?? []) this.#remove(cached);
  }

  #remove(cached: CachedBlock): void {
    const blocks = this.#tables.get(cached.table)!;
    blocks.delete(cached.index);
    if (blocks.size === 0) this.#tables.delete(cached.table);
    this.#byUse.remove(cached);
    this.#bytes -= charge(cached.block);
    this.#blocks--;
  }
}

function charge(block: Block): number {
  return block.contents.length + BLOCK_OVERHEAD_BYTES;
}
