import { ImageAnswer } from '@arena-level/common/block/block-image';
import { BEHIND_BLOCK, ownHit } from '@arena-level/common/block/block-lookup';
import { type BlockMemory, ownMemory } from '@arena-level/common/block/block-memory';
import {
  matchedKind,
  matchedSequence,
  matchedValueEnd,
  matchedValueStart,
} from '@arena-level/common/block/entry-match';
import type { ImageIndex } from '@arena-level/common/block/image-index';
import { fromWords } from '@arena-level/common/bytes/two-words';
import { NOT_AT_HAND, type UnheldAnswer } from '@arena-level/common/table/block-source';
import {
  type CacheLayout,
  createCacheMemory,
  layoutOf,
  OWNER,
  PARTICIPANTS,
  ParticipantWord,
  UNIT_BYTES,
} from './cache-layout.ts';
import { CacheShard } from './cache-shard.ts';

/** Times that a block is copied or searched anew after its place was overwritten meanwhile. */
const MAX_TRIES = 3;
/** Bits of a hash that choose the shard lie above those that choose the bucket. */
const SHARD_SHIFT = 26;

/** What has become of the lookups of all threads, and what is there now. */
export interface SharedCacheCounters {
  readonly hits: number;
  readonly misses: number;
  readonly blocks: number;
  /** Headers included; never above the capacity. */
  readonly bytes: number;
}

/** What is said where there is no shared cache. */
export const NO_SHARED_CACHE: SharedCacheCounters = { hits: 0, misses: 0, blocks: 0, bytes: 0 };

/**
 * Blocks that were read, uncompressed and verified, in memory that the threads of a store share; bounded, the oldest go
 * first that were not looked into. Table numbers are never used twice and blocks never change, so a block is right or absent, whoever put it
 * there.
 *
 * Keys are looked up where a block lies, and who wants a block to hold gets a copy: neither takes a lock. Adding takes that
 * of one shard, and is left out where another thread has it. A thread that ends while it has one leaves a shard in which
 * nothing is added until the owner, who hears of it, calls `release`.
 *
 * Each thread has one of these over the same memory, under a number of its own.
 */
export class SharedBlockCache {
  readonly memory: SharedArrayBuffer;
  readonly #words: Int32Array<SharedArrayBuffer>;
  readonly #bytes: Uint8Array<SharedArrayBuffer>;
  readonly #layout: CacheLayout;
  readonly #own: number;
  /** In lock words; 0 is nobody. */
  readonly #holder: number;
  readonly #shards: readonly CacheShard[];
  readonly #shardMask: number;

  /**
   * `participant`: `OWNER`, or the number of a thread, below `PARTICIPANTS`, that no other one has meanwhile. Throws
   * ARENA_INVALID_ARGUMENT for what is no memory of a cache, LEVEL_NOT_SUPPORTED for one of another version.
   */
  constructor(memory: SharedArrayBuffer, participant: number) {
    const layout = layoutOf(memory);
    const { shards } = layout.geometry;
    this.memory = memory;
    this.#words = new Int32Array(memory);
    this.#layout = layout;
    this.#own = layout.participant(participant);
    this.#holder = participant + 1;
    const bytes = new Uint8Array(memory);
    this.#bytes = bytes;
    const fence = this.#own + ParticipantWord.Fence;
    this.#shards = Array.from(
      { length: shards },
      (_, number) => new CacheShard(this.#words, bytes, layout, number, fence),
    );
    this.#shardMask = shards - 1;
  }

  /** Of blocks with their headers. */
  get capacityBytes(): number {
    const { shards, units } = this.#layout.geometry;
    return shards * units * UNIT_BYTES;
  }

  /** The owner's, in new memory. `blockBytes`: about how large most blocks are. Throws ARENA_MEMORY_BUDGET. */
  static create(capacityBytes: number, blockBytes: number): SharedBlockCache {
    return new SharedBlockCache(createCacheMemory(capacityBytes, blockBytes), OWNER);
  }

  /** A copy of the contents of a block, in some of `memory`. */
  get(table: number, block: number, memory: BlockMemory = ownMemory): Uint8Array<ArrayBuffer> | undefined {
    const contents = this.glance(table, block, memory);
    if (contents === undefined) this.#count(ParticipantWord.Misses);
    return contents;
  }

  /** The same for who asks on the way through blocks of which most may not be here: a miss is not counted. */
  glance(table: number, block: number, memory: BlockMemory): Uint8Array<ArrayBuffer> | undefined {
    const hash = hashOf(table, block);
    const shard = this.#shardOf(hash);
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const { removals } = shard;
      const contents = shard.copy(hash, table, block, memory);
      if (contents === undefined) break;
      if (!shard.wasQuiet(removals)) continue;
      this.#count(ParticipantWord.Hits);
      return contents;
    }
    return undefined;
  }

  /**
   * The newest version of a user key, with a sequence number at most `sequence`, in a block; its value as a copy. NOT_AT_HAND:
   * the block is not here, or it takes more than its index to tell.
   */
  find(
    table: number,
    block: number,
    key: Uint8Array,
    keyStart: number,
    keyEnd: number,
    sequence: number,
  ): UnheldAnswer {
    const hash = hashOf(table, block);
    const shard = this.#shardOf(hash);
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const { removals } = shard;
      const answer = shard.search(hash, table, block, key, keyStart, keyEnd, sequence);
      if (answer === undefined || answer === ImageAnswer.Undecided) break;
      // Copied before it is known that nobody has overwritten it.
      const hit =
        answer === ImageAnswer.Found
          ? ownHit(matchedKind, matchedSequence, this.#bytes, matchedValueStart, matchedValueEnd)
          : undefined;
      if (!shard.wasQuiet(removals)) continue;
      this.#count(ParticipantWord.Hits);
      return answer === ImageAnswer.Behind ? BEHIND_BLOCK : hit;
    }
    return NOT_AT_HAND;
  }

  /** Whether there is room for a block of these contents, its index left aside. */
  takes(contents: Uint8Array): boolean {
    return this.#shards[0]!.fits(contents, undefined);
  }

  /**
   * Keeps a copy of a block, unless another thread is adding to its shard, or it is too large: false. Without an index
   * nothing is looked up in it.
   */
  put(table: number, block: number, contents: Uint8Array, index?: ImageIndex): boolean {
    const hash = hashOf(table, block);
    const shard = this.#shardOf(hash);
    if (!shard.fits(contents, index)) return false;
    if (shard.tryLock(this.#holder)) {
      shard.insert(hash, table, block, contents, index);
      shard.unlock();
    }
    return true;
  }

  /** Makes whole what a thread has left that is gone for good. Owner only. */
  release(participant: number): void {
    for (const shard of this.#shards) {
      if (!shard.takeOver(participant + 1, this.#holder)) continue;
      shard.clear();
      shard.unlock();
    }
  }

  /** Of all threads, those that are gone included. */
  get counters(): SharedCacheCounters {
    let hits = 0;
    let misses = 0;
    let blocks = 0;
    let bytes = 0;
    for (let participant = 0; participant < PARTICIPANTS; participant++) {
      const first = this.#layout.participant(participant);
      hits += this.#counted(first + ParticipantWord.Hits);
      misses += this.#counted(first + ParticipantWord.Misses);
    }
    for (const shard of this.#shards) {
      blocks += shard.blocks;
      bytes += shard.usedBytes;
    }
    return { hits, misses, blocks, bytes };
  }

  #shardOf(hash: number): CacheShard {
    return this.#shards[(hash >>> SHARD_SHIFT) & this.#shardMask]!;
  }

  /** The second word of a counter counts the rounds of the first. */
  #count(counter: number): void {
    const word = this.#own + counter;
    if (Atomics.add(this.#words, word, 1) === -1) Atomics.add(this.#words, word + 1, 1);
  }

  #counted(word: number): number {
    return fromWords(Atomics.load(this.#words, word + 1), Atomics.load(this.#words, word));
  }
}

/** Spreads blocks that follow each other over shards and buckets alike. */
function hashOf(table: number, block: number): number {
  let hash = Math.imul(table | 0, 0x9e3779b1) ^ Math.imul(block, 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  hash = Math.imul(hash ^ (hash >>> 12), 0x297a2d39);
  return hash ^ (hash >>> 15);
}
