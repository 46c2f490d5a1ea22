import { KIB, MIB } from '@arena-level/common/base/limits';
import { Prng } from '@arena-level/common/base/prng';
import { describe, expect, test } from 'vitest';
import {
  CacheLayout,
  EntryWord,
  layoutOf,
  ParticipantWord,
  ShardWord,
  UNIT_BYTES,
  UNIT_WORDS,
  UNITS_PER_MARK,
} from './cache-layout.ts';
import { CacheShard } from './cache-shard.ts';
import { contentsOf, ENTRY_BYTES, IMAGE_BYTES, LENGTH, OneShard } from './one-shard.test-support.ts';
import { SharedBlockCache } from './shared-block-cache.ts';

const SEED = Number(process.env['SEED'] ?? 20_261_126);

describe('a shared block cache', () => {
  test('gives every thread copies of what one of them put', () => {
    const { owner, thread } = new OneShard(16 * KIB);
    const contents = contentsOf(7, 3, 1000);
    thread.put(7, 3, contents);
    for (const cache of [owner, thread]) {
      const copy = cache.get(7, 3)!;
      expect(copy).toEqual(contents);
      expect(copy.buffer).toBeInstanceOf(ArrayBuffer);
      copy.fill(0);
    }
    expect(owner.get(7, 3)).toEqual(contents);
  });

  test('finds nothing under another table or block, however large the numbers are', () => {
    const cache = SharedBlockCache.create(4 * MIB, 4 * KIB);
    const tables = [5, 5 + 2 ** 32, 5 + 2 ** 33, 2 ** 31 + 5, Number.MAX_SAFE_INTEGER];
    for (const table of tables) cache.put(table, 9, contentsOf(table % 251, 9, 64));
    for (const table of tables) expect(cache.get(table, 9)).toEqual(contentsOf(table % 251, 9, 64));
    expect([cache.get(6, 9), cache.get(5, 8), cache.get(5 + 2 ** 34, 9)]).toEqual(Array(3).fill(undefined));
  });

  test('drops what came first, at the end of its log and behind it', () => {
    const cache = new OneShard(16 * ENTRY_BYTES);
    for (let block = 0; block < 100; block++) {
      cache.put(block, LENGTH);
      const found = Array.from({ length: block + 1 }, (_, i) => cache.has(i));
      expect(found).toEqual(found.map((_, i) => i > block - 16));
    }
    expect(cache.owner.counters).toMatchObject({ blocks: 16, bytes: 16 * ENTRY_BYTES });
  });

  test('keeps what was looked into once more when it is the oldest, two for each that comes', () => {
    // Of as many units as have one mark.
    const length = (UNITS_PER_MARK - 1) * UNIT_BYTES - IMAGE_BYTES;
    const cache = new OneShard(16 * UNITS_PER_MARK * UNIT_BYTES);
    for (let block = 0; block < 16; block++) cache.put(block, length);
    for (const block of [0, 1, 2]) cache.thread.get(1, block);
    const gone = [2, ...Array.from({ length: 13 }, (_, i) => 3 + i), 0, 1, 16, 17];
    for (const [i, oldest] of gone.entries()) {
      expect(cache.contents(oldest), `${oldest}`).toEqual(contentsOf(1, oldest, length));
      cache.put(16 + i, length);
      expect(cache.has(oldest), `${oldest}`).toBe(false);
      expect(cache.owner.counters.blocks).toBe(16);
    }
  });

  test('moves what it keeps to another place, and all of it', () => {
    const cache = new OneShard(40 * UNITS_PER_MARK * UNIT_BYTES);
    const prng = new Prng(SEED);
    const lengths = Array.from({ length: 300 }, () => prng.below(9 * UNITS_PER_MARK * UNIT_BYTES));
    let looked = 0;
    for (const [block, length] of lengths.entries()) {
      cache.put(block, length);
      // Always into some of the same, which so rarely go: only where others have a mark in common with them.
      for (const kept of [0, 1]) {
        if (cache.thread.get(1, kept) === undefined) {
          cache.put(kept, lengths[kept]!);
          continue;
        }
        expect(cache.contents(kept), `seed ${SEED}`).toEqual(contentsOf(1, kept, lengths[kept]!));
        looked++;
      }
    }
    expect(looked).toBeGreaterThan(500);
    const { bytes, blocks } = cache.owner.counters;
    expect(lengths.filter((_, block) => cache.has(block)).length).toBe(blocks);
    expect(bytes).toBeLessThanOrEqual(40 * UNITS_PER_MARK * UNIT_BYTES);
  });

  test('keeps no block that takes more than a quarter of a shard, and nothing goes for it', () => {
    const cache = new OneShard(16 * ENTRY_BYTES);
    cache.put(0, LENGTH);
    const most = 4 * ENTRY_BYTES - UNIT_BYTES - IMAGE_BYTES;
    cache.put(1, most);
    cache.put(2, most + 1);
    cache.put(3, 100_000);
    expect([0, 1, 2, 3].map((block) => cache.has(block))).toEqual([true, true, false, false]);
  });

  test('keeps as little as fits, or nothing', () => {
    for (let capacity = 0; capacity < 600; capacity++) {
      const cache = new OneShard(capacity);
      for (const length of [0, 1, 7, 8, 9, 40, 41, 100]) cache.put(length, length);
      const { bytes, blocks } = cache.owner.counters;
      expect(bytes).toBeLessThanOrEqual(capacity);
      // A quarter of the log is the header of the entry and one unit, in which that of the image leaves eight bytes.
      if (capacity >= 8 * UNIT_BYTES) expect(blocks).toBeGreaterThan(0);
      else expect(blocks).toBe(0);
    }
  });

  test('leaves a block that is there where it is', () => {
    const cache = new OneShard(16 * ENTRY_BYTES);
    for (let block = 0; block < 16; block++) cache.put(block, LENGTH);
    for (let again = 0; again < 5; again++) cache.put(0, LENGTH);
    expect(cache.owner.counters.blocks).toBe(16);
    cache.put(16, LENGTH);
    expect([cache.has(0), cache.has(1), cache.has(16)]).toEqual([false, true, true]);
  });

  test('spreads blocks over its shards', () => {
    const cache = SharedBlockCache.create(16 * MIB, 4 * KIB);
    for (let table = 0; table < 8; table++) {
      for (let block = 0; block < 400; block++) cache.put(table, block, contentsOf(table, block, 4 * KIB));
    }
    // 13 MiB of 16: a shard that got a third more than others would have dropped some.
    let found = 0;
    for (let table = 0; table < 8; table++) {
      for (let block = 0; block < 400; block++) if (cache.get(table, block) !== undefined) found++;
    }
    expect(found).toBeGreaterThan(3100);
  });

  test('counts what all threads asked for, past 32 bits', () => {
    const { owner, thread } = new OneShard(16 * KIB);
    thread.put(1, 1, contentsOf(1, 1, UNIT_BYTES - IMAGE_BYTES));
    owner.get(1, 1);
    thread.get(1, 1);
    thread.get(1, 2);
    expect(owner.counters).toEqual({ hits: 2, misses: 1, blocks: 1, bytes: 2 * UNIT_BYTES });
    expect(thread.counters).toEqual(owner.counters);
    const words = new Int32Array(owner.memory);
    words[layoutOf(owner.memory).participant(1) + ParticipantWord.Hits] = -1;
    expect(owner.counters.hits).toBe(2 ** 32);
    thread.get(1, 1);
    expect(owner.counters.hits).toBe(2 ** 32 + 1);
  });
});

describe('a shard whose lock another thread has', () => {
  test('gives what it holds and takes nothing', () => {
    const cache = new OneShard(16 * KIB);
    cache.put(1, LENGTH);
    cache.lock = 2;
    cache.put(2, LENGTH);
    expect([cache.has(1), cache.has(2), cache.lock]).toEqual([true, false, 2]);
    cache.lock = 0;
    cache.put(2, LENGTH);
    expect([cache.has(2), cache.lock]).toEqual([true, 0]);
  });

  test('is empty and free when the owner hears that the thread is gone, whatever it left', () => {
    const prng = new Prng(SEED);
    for (let round = 0; round < 50; round++) {
      const cache = new OneShard(16 * ENTRY_BYTES);
      for (let block = 0; block < 30; block++) cache.put(block, LENGTH);
      cache.lock = 2;
      for (const word of [ShardWord.Head, ShardWord.Tail, ShardWord.UsedUnits, ShardWord.Blocks]) {
        cache.words[cache.first + word] = prng.below(2 ** 32) | 0;
      }
      cache.owner.release(2);
      expect(cache.lock).toBe(2);
      cache.owner.release(1);
      expect([cache.lock, cache.owner.counters.blocks, cache.has(29)], `seed ${SEED}`).toEqual([0, 0, false]);
      for (let block = 0; block < 30; block++) cache.put(block, LENGTH);
      expect([cache.has(13), cache.has(14), cache.has(29)]).toEqual([false, true, true]);
    }
  });

  test('begins anew when the thread itself comes again, having been cut off', () => {
    const cache = new OneShard(16 * ENTRY_BYTES);
    for (let block = 0; block < 16; block++) cache.put(block, LENGTH);
    cache.lock = 1;
    cache.words[cache.first + ShardWord.Tail] = 12345;
    cache.put(50, LENGTH);
    expect([cache.lock, cache.has(3), cache.has(50)]).toEqual([0, false, true]);
  });
});

describe('a copy that is made without a lock', () => {
  test('is good while entries are added, and not once one was removed', () => {
    const cache = new OneShard(16 * ENTRY_BYTES);
    for (let block = 0; block < 15; block++) cache.put(block, LENGTH);
    const { shard } = cache;
    const { removals } = shard;
    cache.put(15, LENGTH);
    expect(shard.wasQuiet(removals)).toBe(true);
    cache.put(16, LENGTH);
    expect(shard.wasQuiet(removals)).toBe(false);
    const cleared = shard.removals;
    cache.lock = 2;
    cache.owner.release(1);
    expect(shard.wasQuiet(cleared)).toBe(false);
  });

  test('finds no old block whose bytes are being overwritten, nor the new one before it is whole', () => {
    const cache = new OneShard(16 * ENTRY_BYTES);
    for (let block = 0; block < 16; block++) cache.put(block, LENGTH);
    const { shard, layout, words } = cache;
    const { removals } = shard;
    const bytes = new Uint8Array(cache.owner.memory);
    const writer = new CacheShard(words, bytes, layout, 0, layout.participant(3));
    const meanwhile: unknown[] = [];
    const set = bytes.set.bind(bytes);
    bytes.set = (...args: Parameters<typeof set>): void => {
      meanwhile.push(shard.wasQuiet(removals), cache.has(0), cache.has(1), shard.copy(0, 1, 16));
      set(...args);
    };
    writer.insert(0, 1, 16, contentsOf(1, 16, LENGTH), undefined);
    expect(meanwhile).toEqual([false, false, true, undefined]);
    expect(shard.copy(0, 1, 16)).toEqual(contentsOf(1, 16, LENGTH));
  });

  test('is never made of what lies outside of the log, whatever the words are', () => {
    const prng = new Prng(SEED);
    // Of the first of two shards, so that there is something behind it.
    const layout = new CacheLayout({ shards: 2, buckets: 8, units: 64 });
    const memory = new SharedArrayBuffer(layout.memoryBytes);
    const [words, bytes] = [new Int32Array(memory), new Uint8Array(memory)];
    const shard = new CacheShard(words, bytes, layout, 0, layout.participant(0));
    // Every other unit behind the log reads as an entry, of what must not be seen.
    const foreign = Buffer.alloc(UNIT_BYTES, 0xee);
    for (let entry = layout.log(1); entry < layout.log(2); entry += 2 * UNIT_WORDS) {
      words[entry + EntryWord.TableLow] = 1;
      words[entry + EntryWord.Bytes] = UNIT_BYTES;
      bytes.set(foreign, (entry + UNIT_WORDS) * Int32Array.BYTES_PER_ELEMENT);
    }
    let found = 0;
    for (let round = 0; round < 2000; round++) {
      const scribble = (from: number, to: number): void => {
        for (let word = from; word < to; word++) words[word] = prng.below(prng.oneIn(2) ? 2 ** 32 : 100);
      };
      scribble(layout.buckets(0), layout.buckets(1));
      scribble(layout.log(0), layout.log(1));
      for (let entry = layout.log(0); entry < layout.log(1); entry += UNIT_WORDS) {
        words[entry + EntryWord.TableLow] = 1;
        words[entry + EntryWord.TableHigh] = 0;
        words[entry + EntryWord.Block] = prng.below(3);
      }
      for (let block = 0; block < 8; block++) {
        const copy = shard.copy(block, 1, block % 3);
        if (copy === undefined) continue;
        expect(copy.length, `seed ${SEED}`).toBeLessThan(64 * UNIT_BYTES);
        expect(Buffer.from(copy).includes(foreign), `seed ${SEED}`).toBe(false);
        found++;
      }
    }
    expect(found).toBeGreaterThan(100);
  });
});

test(`blocks of any size, in any order, are right or absent, and the oldest go first (seed ${SEED})`, () => {
  const prng = new Prng(SEED);
  for (let round = 0; round < 20; round++) {
    const capacity = 1000 + prng.below(20_000);
    const cache = new OneShard(capacity);
    const most = Math.floor(capacity / UNIT_BYTES / 4) * UNIT_BYTES - UNIT_BYTES - IMAGE_BYTES;
    const lengths = Array.from({ length: 150 }, () => prng.below(prng.oneIn(4) ? most : most / 8));
    /** What was put, the newest last. */
    let order: number[] = [];
    for (let step = 0; step < 400; step++) {
      const block = prng.below(lengths.length);
      if (!cache.has(block)) order = [...order.filter((other) => other !== block), block];
      cache.put(block, lengths[block]!);
      if (!prng.oneIn(20)) continue;
      const found = order.filter((one) => cache.has(one));
      const why = `seed ${SEED}, round ${round}, step ${step}`;
      expect(found, why).toEqual(order.slice(order.length - found.length));
      expect(found, why).toContain(block);
      expect(cache.contents(block), why).toEqual(contentsOf(1, block, lengths[block]!));
      const { blocks, bytes } = cache.owner.counters;
      expect(blocks, why).toBe(found.length);
      expect(bytes, why).toBeLessThanOrEqual(capacity);
    }
  }
});
