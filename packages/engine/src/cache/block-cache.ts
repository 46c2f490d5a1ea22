/**
 * Blocks that were read, uncompressed and parsed, by table number and index in the table: one thread's of all tables of a
 * store, bounded in bytes. Blocks are immutable; one that is evicted lives on with whoever holds it.
 *
 * What goes is chosen by a clock: a hit only marks its block, and a hand that goes round takes the first block without
 * a mark, removing the marks it passes. A list in order of use would write to three other blocks' places in memory
 * at every hit, none of which is in the processor's cache.
 *
 * Table numbers are never used twice, so an entry can only be right or absent. One per thread; what threads share is behind
 * it (`shared/shared-block-cache.ts`).
 */
import type { Block } from '@arena-level/common/block/block';

/** What a cached block takes beyond its contents: the objects, its places in table and clock. An estimate. */
export const BLOCK_OVERHEAD_BYTES = 320;
/** And the index of its entries, once it is made (`block/entry-index.ts`): eight bytes for each, 16 a restart point. */
export const INDEX_BYTES_PER_RESTART = 128;

/** What the cache wants to know of a table. */
export interface CachedTable {
  readonly number: number;
  /** Its data blocks. */
  readonly blocks: number;
}

interface BlockOwner {
  readonly table: number;
  readonly index: number;
}

/** No place in the clock. */
const NONE = -1;

/** Where in the clock the blocks of a table are, by index. */
interface TablePlaces {
  readonly places: Int32Array<ArrayBuffer>;
  blocks: number;
}

export class BlockCache {
  readonly capacityBytes: number;
  /** Blocks that were found, and what whoever gets them adds: those found elsewhere in memory, and those that were read. */
  hits = 0;
  misses = 0;
  #bytes = 0;
  #blocks = 0;
  readonly #tables = new Map<number, TablePlaces>();
  /** The clock: blocks, and beside them where they are from and whether they were asked for since the hand came by. */
  readonly #clock: (Block | undefined)[] = [];
  readonly #owners: BlockOwner[] = [];
  #marks: Uint8Array<ArrayBuffer> = new Uint8Array(64);
  #hand = 0;
  /** Places without a block. The last is taken first: the one that the hand has just left. */
  readonly #freePlaces: number[] = [];

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
    const places = this.#tables.get(table)?.places;
    if (places === undefined) return undefined;
    const place = places[index]!;
    if (place === NONE) return undefined;
    this.hits++;
    this.#marks[place] = 1;
    return this.#clock[place];
  }

  /** Keeps a block, unless it is larger than the whole cache. */
  put(table: CachedTable, index: number, block: Block): void {
    const chargeBytes = charge(block);
    if (chargeBytes > this.capacityBytes) return;
    const replaced = this.#tables.get(table.number)?.places[index] ?? NONE;
    if (replaced !== NONE) this.#remove(replaced);
    while (this.#bytes + chargeBytes > this.capacityBytes) this.#evictOne();
    const owner = this.#placesOf(table);
    owner.places[index] = this.#place({ table: table.number, index }, block);
    owner.blocks++;
    this.#bytes += chargeBytes;
    this.#blocks++;
  }

  /** Forgets the blocks of a table whose file goes. */
  evictTable(table: number): void {
    const places = this.#tables.get(table)?.places;
    if (places === undefined) return;
    for (const place of places) if (place !== NONE) this.#remove(place);
  }

  #placesOf({ number, blocks }: CachedTable): TablePlaces {
    let owner = this.#tables.get(number);
    if (owner === undefined) {
      owner = { places: new Int32Array(blocks).fill(NONE), blocks: 0 };
      this.#tables.set(number, owner);
    }
    return owner;
  }

  #place(owner: BlockOwner, block: Block): number {
    const place = this.#freePlaces.pop() ?? this.#clock.length;
    if (place === this.#marks.length) {
      const larger = new Uint8Array(2 * place);
      larger.set(this.#marks);
      this.#marks = larger;
    }
    this.#clock[place] = block;
    this.#owners[place] = owner;
    this.#marks[place] = 0;
    return place;
  }

  /** REQUIRES: there is a block. */
  #evictOne(): void {
    for (;;) {
      const place = this.#hand;
      this.#hand = (place + 1) % this.#clock.length;
      if (this.#clock[place] === undefined) continue;
      if (this.#marks[place] === 0) {
        this.#remove(place);
        return;
      }
      this.#marks[place] = 0;
    }
  }

  #remove(place: number): void {
    const { table, index } = this.#owners[place]!;
    const owner = this.#tables.get(table)!;
    owner.places[index] = NONE;
    if (--owner.blocks === 0) this.#tables.delete(table);
    this.#bytes -= charge(this.#clock[place]!);
    this.#blocks--;
    this.#clock[place] = undefined;
    this.#freePlaces.push(place);
  }
}

function charge(block: Block): number {
  return block.contents.length + BLOCK_OVERHEAD_BYTES + block.restartCount * INDEX_BYTES_PER_RESTART;
}
