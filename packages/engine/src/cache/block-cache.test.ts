import { Prng } from '@arena-level/common/base/prng';
import { Block } from '@arena-level/common/block/block';
import { describe, expect, test } from 'vitest';
import {
  BLOCK_OVERHEAD_BYTES,
  BlockCache,
  type CachedTable,
  INDEX_BYTES_PER_RESTART,
} from './block-cache.ts';

const SEED = Number(process.env['SEED'] ?? 20_260_105);

/** A block of `size` bytes: nothing but one restart point behind what would be entries. */
function block(size: number): Block {
  const contents = new Uint8Array(size);
  contents[size - 4] = 1;
  return new Block(contents, '000001.ldb', 0);
}

const SIZE = 100;
const OVERHEAD = BLOCK_OVERHEAD_BYTES + INDEX_BYTES_PER_RESTART;
const CHARGE = SIZE + OVERHEAD;

const table = (number: number): CachedTable => ({ number, blocks: 10 });

describe('a block cache', () => {
  test('gives back what was put, by table and index', () => {
    const cache = new BlockCache(CHARGE * 10);
    const blocks = [block(SIZE), block(SIZE), block(SIZE)] as const;
    cache.put(table(1), 0, blocks[0]);
    cache.put(table(1), 1, blocks[1]);
    cache.put(table(2), 0, blocks[2]);
    expect([cache.get(1, 0), cache.get(1, 1), cache.get(2, 0)]).toEqual(blocks);
    expect([cache.get(2, 1), cache.get(3, 0)]).toEqual([undefined, undefined]);
    expect([cache.hits, cache.blocks, cache.bytes]).toEqual([3, 3, 3 * CHARGE]);
  });

  test('drops the oldest that was not asked for since the hand came by', () => {
    const cache = new BlockCache(CHARGE * 3);
    for (let i = 0; i < 3; i++) cache.put(table(1), i, block(SIZE));
    cache.get(1, 0);
    cache.put(table(1), 3, block(SIZE));
    expect([0, 1, 2, 3].map((i) => has(cache, 1, i))).toEqual([true, false, true, true]);
  });

  test('a hit saves a block once: where all were asked for, the hand goes round', () => {
    const cache = new BlockCache(CHARGE * 3);
    for (let i = 0; i < 3; i++) cache.put(table(1), i, block(SIZE));
    for (let i = 0; i < 3; i++) cache.get(1, i);
    cache.put(table(1), 3, block(SIZE));
    cache.put(table(1), 4, block(SIZE));
    expect([0, 1, 2, 3, 4].map((i) => has(cache, 1, i))).toEqual([false, false, true, true, true]);
  });

  test('a block that is asked for again and again outlives a scan through many others', () => {
    const cache = new BlockCache(CHARGE * 4);
    cache.put(table(1), 0, block(SIZE));
    for (let i = 0; i < 100; i++) {
      expect(has(cache, 1, 0)).toBe(true);
      cache.put(table(2), i % 10, block(SIZE));
    }
  });

  test('makes room for a large block by dropping as many as it takes', () => {
    const cache = new BlockCache(CHARGE * 4);
    for (let i = 0; i < 4; i++) cache.put(table(1), i, block(SIZE));
    cache.put(table(2), 0, block(CHARGE * 3 - OVERHEAD));
    expect([0, 1, 2, 3].map((i) => has(cache, 1, i))).toEqual([false, false, false, true]);
    expect(cache.bytes).toBe(CHARGE * 4);
  });

  test('keeps no block that is larger than itself, and drops none for it', () => {
    const cache = new BlockCache(CHARGE);
    cache.put(table(1), 0, block(SIZE));
    cache.put(table(1), 1, block(SIZE + 1));
    expect([cache.get(1, 0) !== undefined, cache.get(1, 1)]).toEqual([true, undefined]);
  });

  test('of capacity 0 keeps nothing', () => {
    const cache = new BlockCache(0);
    cache.put(table(1), 0, block(SIZE));
    expect([cache.get(1, 0), cache.bytes, cache.blocks]).toEqual([undefined, 0, 0]);
  });

  test('puts a block in the place of one that is there', () => {
    const cache = new BlockCache(CHARGE * 2);
    const second = block(SIZE);
    cache.put(table(1), 0, block(SIZE));
    cache.put(table(1), 0, second);
    expect(cache.get(1, 0)).toBe(second);
    expect([cache.blocks, cache.bytes]).toEqual([1, CHARGE]);
  });

  test('forgets all blocks of a table, and only those', () => {
    const cache = new BlockCache(CHARGE * 10);
    for (let i = 0; i < 3; i++) cache.put(table(1), i, block(SIZE));
    cache.put(table(2), 0, block(SIZE));
    cache.evictTable(1);
    cache.evictTable(7);
    expect([cache.blocks, cache.bytes, cache.get(2, 0) !== undefined]).toEqual([1, CHARGE, true]);
    cache.put(table(1), 0, block(SIZE));
    expect(cache.get(1, 0)).toBeDefined();
  });

  test(`gives what was put or nothing, and never exceeds its capacity (seed ${SEED})`, () => {
    const prng = new Prng(SEED);
    const capacity = 6000;
    const cache = new BlockCache(capacity);
    const model = new Map<string, Block>();
    for (let step = 0; step < 5000; step++) {
      const number = prng.below(4);
      const index = prng.below(6);
      if (prng.oneIn(50)) {
        cache.evictTable(number);
        for (let i = 0; i < 6; i++) model.delete(`${number}/${i}`);
      } else if (prng.oneIn(3)) {
        cache.get(number, index);
      } else {
        const put = block(8 + prng.below(prng.oneIn(20) ? 6000 : 800));
        cache.put(table(number), index, put);
        if (put.contents.length + OVERHEAD <= capacity) {
          model.set(`${number}/${index}`, put);
          expect(cache.get(number, index), `seed ${SEED}, step ${step}`).toBe(put);
        }
      }
      const kept: Block[] = [];
      for (let t = 0; t < 4; t++) {
        for (let i = 0; i < 6; i++) {
          const found = cache.get(t, i);
          if (found === undefined) continue;
          expect(found, `seed ${SEED}, step ${step}`).toBe(model.get(`${t}/${i}`));
          kept.push(found);
        }
      }
      expect(cache.bytes, `seed ${SEED}, step ${step}`).toBe(charge(kept));
      expect(cache.blocks).toBe(kept.length);
      expect(cache.bytes).toBeLessThanOrEqual(capacity);
    }
  });
});

function has(cache: BlockCache, number: number, index: number): boolean {
  return cache.get(number, index) !== undefined;
}

function charge(blocks: readonly Block[]): number {
  return blocks.reduce((sum, one) => sum + one.contents.length + OVERHEAD, 0);
}
