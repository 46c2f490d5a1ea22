import { Prng } from '@arena-level/common/base/prng';
import { Block } from '@arena-level/common/block/block';
import { describe, expect, test } from 'vitest';
import { BLOCK_OVERHEAD_BYTES, BlockCache } from './block-cache.ts';

const SEED = Number(process.env['SEED'] ?? 20_260_105);

/** A block of `size` bytes: nothing but one restart point behind what would be entries. */
function block(size: number): Block {
  const contents = new Uint8Array(size);
  contents[size - 4] = 1;
  return new Block(contents, '000001.ldb', 0);
}

const SIZE = 100;
const CHARGE = SIZE + BLOCK_OVERHEAD_BYTES;

describe('a block cache', () => {
  test('gives back what was put, by table and index', () => {
    const cache = new BlockCache(CHARGE * 10);
    const blocks = [block(SIZE), block(SIZE), block(SIZE)] as const;
    cache.put(1, 0, blocks[0]);
    cache.put(1, 1, blocks[1]);
    cache.put(2, 0, blocks[2]);
    expect([cache.get(1, 0), cache.get(1, 1), cache.get(2, 0)]).toEqual(blocks);
    expect([cache.get(2, 1), cache.get(3, 0)]).toEqual([undefined, undefined]);
    expect([cache.hits, cache.blocks, cache.bytes]).toEqual([3, 3, 3 * CHARGE]);
  });

  test('drops the least recently used first', () => {
    const cache = new BlockCache(CHARGE * 3);
    for (let i = 0; i < 3; i++) cache.put(1, i, block(SIZE));
    cache.get(1, 0);
    cache.put(1, 3, block(SIZE));
    expect([0, 1, 2, 3].map((i) => cache.get(1, i) !== undefined)).toEqual([true, false, true, true]);
  });

  test('makes room for a large block by dropping as many as it takes', () => {
    const cache = new BlockCache(CHARGE * 4);
    for (let i = 0; i < 4; i++) cache.put(1, i, block(SIZE));
    cache.put(2, 0, block(CHARGE * 3 - BLOCK_OVERHEAD_BYTES));
    expect([0, 1, 2, 3].map((i) => cache.get(1, i) !== undefined)).toEqual([false, false, false, true]);
    expect(cache.bytes).toBe(CHARGE * 4);
  });

  test('keeps no block that is larger than itself, and drops none for it', () => {
    const cache = new BlockCache(CHARGE);
    cache.put(1, 0, block(SIZE));
    cache.put(1, 1, block(SIZE + 1));
    expect([cache.get(1, 0) !== undefined, cache.get(1, 1)]).toEqual([true, undefined]);
  });

  test('of capacity 0 keeps nothing', () => {
    const cache = new BlockCache(0);
    cache.put(1, 0, block(SIZE));
    expect([cache.get(1, 0), cache.bytes, cache.blocks]).toEqual([undefined, 0, 0]);
  });

  test('puts a block in the place of one that is there', () => {
    const cache = new BlockCache(CHARGE * 2);
    const second = block(SIZE);
    cache.put(1, 0, block(SIZE));
    cache.put(1, 0, second);
    expect(cache.get(1, 0)).toBe(second);
    expect([cache.blocks, cache.bytes]).toEqual([1, CHARGE]);
  });

  test('forgets all blocks of a table, and only those', () => {
    const cache = new BlockCache(CHARGE * 10);
    for (let i = 0; i < 3; i++) cache.put(1, i, block(SIZE));
    cache.put(2, 0, block(SIZE));
    cache.evictTable(1);
    cache.evictTable(7);
    expect([cache.blocks, cache.bytes, cache.get(2, 0) !== undefined]).toEqual([1, CHARGE, true]);
    cache.put(1, 0, block(SIZE));
    expect(cache.get(1, 0)).toBeDefined();
  });

  test(`agrees with a list in order of use, and never exceeds its capacity (seed ${SEED})`, () => {
    const prng = new Prng(SEED);
    const cache = new BlockCache(5000);
    /** Oldest first. */
    let model: { readonly table: number; readonly index: number; readonly block: Block }[] = [];
    for (let step = 0; step < 5000; step++) {
      const table = prng.below(4);
      const index = prng.below(6);
      const isPlace = (one: (typeof model)[number]): boolean => one.table === table && one.index === index;
      if (prng.oneIn(50)) {
        cache.evictTable(table);
        model = model.filter((one) => one.table !== table);
      } else if (prng.oneIn(2)) {
        const found = model.find(isPlace);
        expect(cache.get(table, index), `seed ${SEED}, step ${step}`).toBe(found?.block);
        if (found !== undefined) model = [...model.filter((one) => !isPlace(one)), found];
      } else {
        const put = block(8 + prng.below(prng.oneIn(20) ? 6000 : 800));
        cache.put(table, index, put);
        if (put.contents.length + BLOCK_OVERHEAD_BYTES > 5000) continue;
        model = [...model.filter((one) => !isPlace(one)), { table, index, block: put }];
        while (charge(model) > 5000) model.shift();
      }
      expect(cache.bytes, `seed ${SEED}, step ${step}`).toBe(charge(model));
      expect(cache.blocks).toBe(model.length);
    }
  });
});

function charge(model: readonly { readonly block: Block }[]): number {
  return model.reduce((sum, one) => sum + one.block.contents.length + BLOCK_OVERHEAD_BYTES, 0);
}
