/** A shared cache of one shard, and blocks for it, for the tests of this folder. */

import { KIB } from '@arena-level/common/base/limits';
import type { Block } from '@arena-level/common/block/block';
import { imageIndexWords } from '@arena-level/common/block/block-image';
import { ImageIndex } from '@arena-level/common/block/image-index';
import { type CacheLayout, layoutOf, ShardWord, UNIT_BYTES } from './cache-layout.ts';
import { CacheShard } from './cache-shard.ts';
import { SharedBlockCache } from './shared-block-cache.ts';

/** What stands before the contents of a block without an index. */
export const IMAGE_BYTES: number = imageIndexWords(undefined) * Int32Array.BYTES_PER_ELEMENT;

/** With the header of its image and that of its entry it takes four units of a log. */
export const LENGTH: number = 3 * UNIT_BYTES - 6 - IMAGE_BYTES;
export const ENTRY_BYTES: number = 4 * UNIT_BYTES;

/** Contents that say which block they are. */
export function contentsOf(table: number, block: number, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => table * 31 + block * 7 + i);
}

/** A cache of one shard, as its owner and as a thread have it, and its words. */
export class OneShard {
  readonly owner: SharedBlockCache;
  readonly thread: SharedBlockCache;
  readonly words: Int32Array<SharedArrayBuffer>;
  readonly first: number;
  readonly layout: CacheLayout;
  readonly shard: CacheShard;

  constructor(capacityBytes: number) {
    this.owner = SharedBlockCache.create(capacityBytes, 4 * KIB);
    const { memory } = this.owner;
    this.thread = new SharedBlockCache(memory, 1);
    const layout = layoutOf(memory);
    const words = new Int32Array(memory);
    this.words = words;
    this.layout = layout;
    this.first = layout.shard(0);
    this.shard = new CacheShard(words, new Uint8Array(memory), layout, 0, layout.participant(2));
  }

  get lock(): number {
    return this.words[this.first + ShardWord.Lock]!;
  }

  set lock(holder: number) {
    this.words[this.first + ShardWord.Lock] = holder;
  }

  put(block: number, length: number): void {
    this.owner.put(1, block, contentsOf(1, block, length));
  }

  /** A data block, in which keys are looked up. */
  putData(block: number, data: Block): void {
    this.owner.put(1, block, data.contents, new ImageIndex().read(data));
  }

  /** As nobody had looked into any of them. */
  unmark(): void {
    this.words.fill(0, this.layout.marks(0), this.layout.log(0));
  }

  /** What it holds of a block, which is not marked by this. */
  contents(block: number): Uint8Array | undefined {
    const first = this.layout.marks(0);
    const marks = this.words.slice(first, this.layout.log(0));
    const contents = this.thread.get(1, block);
    this.words.set(marks, first);
    return contents;
  }

  has(block: number): boolean {
    return this.contents(block) !== undefined;
  }
}
