import { describe, expect, test } from 'vitest';
import { MAX_SEQUENCE } from '../base/limits.ts';
import { Prng } from '../base/prng.ts';
import type { Block } from '../block/block.ts';
import {
  buildTable,
  bytes,
  currentEntry,
  hex,
  lineOf,
  lowerBound,
  openNow,
  randomEntries,
  randomTarget,
  SEED,
} from './table.test-support.ts';
import { TableIterator } from './table-iterator.ts';
import { type BlockSource, blockingBlocks, uncachedBlocks } from './table-lookup.ts';
import type { TableReader } from './table-reader.ts';

const currentLine = (iterator: TableIterator): string =>
  iterator.valid ? lineOf(currentEntry(iterator)) : 'none';

/** Has a block at hand only once it was loaded, and forgets all of them now and then. */
class ForgetfulBlocks implements BlockSource {
  readonly #prng: Prng;
  readonly #blocks: Map<number, Block> = new Map();
  loads = 0;

  constructor(prng: Prng) {
    this.#prng = prng;
  }

  cached(): undefined {
    return undefined;
  }

  peek(_reader: TableReader, block: number): Block | undefined {
    if (this.#prng.oneIn(5)) this.#blocks.clear();
    return this.#blocks.get(block);
  }

  loadNow(reader: TableReader, block: number): Block {
    this.loads++;
    const loaded = reader.readBlockNow(block);
    this.#blocks.set(block, loaded);
    return loaded;
  }

  async load(reader: TableReader, block: number): Promise<Block> {
    return this.loadNow(reader, block);
  }
}

describe('table iterator', () => {
  test.each([
    { id: 'blocks at hand', makeSource: () => blockingBlocks, isAsync: false },
    { id: 'no block at hand, unblocked blocking', makeSource: () => uncachedBlocks, isAsync: false },
    { id: 'blocks that come and go', makeSource: (prng: Prng) => new ForgetfulBlocks(prng), isAsync: true },
  ])(`with $id moves as a sorted array does (SEED=${SEED})`, async ({ makeSource, isAsync }) => {
    const prng = new Prng(SEED);
    for (let round = 0; round < 12; round++) {
      const entries = randomEntries(prng, 1 + prng.below(150));
      const blockBytes = [1, 60, 300, 4096][round % 4]!;
      const reader = openNow(buildTable(entries, { blockBytes }).file);
      const iterator = new TableIterator(reader, makeSource(prng));
      const scratch = new Uint8Array(400);
      let at = -1;
      for (let step = 0; step < 120; step++) {
        const { key, sequence } = randomTarget(prng, entries);
        // A target in a larger buffer, which the caller overwrites as soon as the call returns.
        scratch.set(key, 3);
        const move = prng.below(iterator.valid ? 8 : 4);
        if (move === 0) {
          iterator.first();
          at = 0;
        } else if (move === 1) {
          iterator.last();
          at = entries.length - 1;
        } else if (move === 2) {
          iterator.seek(scratch, 3, 3 + key.length, sequence);
          at = lowerBound(entries, key, sequence);
        } else if (move === 3) {
          iterator.seekBefore(scratch, 3, 3 + key.length, sequence);
          at = lowerBound(entries, key, sequence) - 1;
        } else if (move < 6) {
          iterator.next();
          at++;
        } else {
          iterator.prev();
          at--;
        }
        scratch.fill(0xaa);
        if (iterator.blocked) {
          expect(iterator.valid).toBe(false);
          if (isAsync) await iterator.unblock();
          else iterator.unblockNow();
        }
        const wanted = entries[at];
        const expected = wanted === undefined ? 'none' : lineOf(wanted);
        const label = `round ${round} step ${step} move ${move} target ${hex(key)}#${sequence}`;
        expect(currentLine(iterator), label).toBe(expected);
        expect(iterator.blocked, label).toBe(false);
      }
      iterator.release();
    }
  });

  test('a whole scan loads each block once, forwards and backwards', () => {
    const entries = randomEntries(new Prng(SEED), 400);
    const reader = openNow(buildTable(entries, { blockBytes: 500 }).file);
    const source = { ...uncachedBlocks, loads: 0 };
    source.loadNow = (from, block) => {
      source.loads++;
      return from.readBlockNow(block);
    };
    const iterator = new TableIterator(reader, source);
    const lines: string[] = [];
    for (iterator.first(), iterator.unblockNow(); iterator.valid; iterator.next(), iterator.unblockNow()) {
      lines.push(currentLine(iterator));
    }
    expect(lines).toEqual(entries.map(lineOf));
    expect(source.loads).toBe(reader.blocks);
    const reversed: string[] = [];
    for (iterator.last(), iterator.unblockNow(); iterator.valid; iterator.prev(), iterator.unblockNow()) {
      reversed.push(currentLine(iterator));
    }
    expect(reversed).toEqual(lines.toReversed());
    expect(source.loads).toBe(2 * reader.blocks);
  });

  test('a load that fails leaves the move blocked, and it may be tried again', async () => {
    const entries = randomEntries(new Prng(SEED), 50);
    const reader = openNow(buildTable(entries).file);
    let failures = 2;
    const flaky: BlockSource = {
      ...uncachedBlocks,
      loadNow(from, block) {
        if (failures-- > 0) throw new Error('disk away');
        return from.readBlockNow(block);
      },
      load: async (from, block) => flaky.loadNow(from, block),
    };
    const iterator = new TableIterator(reader, flaky);
    iterator.first();
    await expect(iterator.unblock()).rejects.toThrow('disk away');
    expect([iterator.blocked, iterator.valid]).toEqual([true, false]);
    expect(() => iterator.unblockNow()).toThrow('disk away');
    await iterator.unblock();
    expect([iterator.blocked, currentLine(iterator)]).toEqual([false, lineOf(entries[0]!)]);
  });

  test('a blocking twin may finish a move that is being waited for', async () => {
    const entries = randomEntries(new Prng(SEED), 50);
    const iterator = new TableIterator(openNow(buildTable(entries, { blockBytes: 1 }).file), uncachedBlocks);
    iterator.first();
    const waiting = iterator.unblock();
    iterator.unblockNow();
    iterator.next();
    iterator.unblockNow();
    await waiting;
    expect(currentLine(iterator)).toBe(lineOf(entries[1]!));
  });

  test('a seek behind the last entry ends without reading a block', () => {
    const reader = openNow(buildTable([{ key: bytes('a'), sequence: 1, kind: 1, value: bytes('') }]).file);
    const iterator = new TableIterator(reader, uncachedBlocks);
    iterator.seek(bytes('zz'), 0, 2, MAX_SEQUENCE);
    expect([iterator.blocked, iterator.valid]).toEqual([false, false]);
  });

  test('a released iterator holds no entry', () => {
    const iterator = new TableIterator(
      openNow(buildTable(randomEntries(new Prng(1), 5)).file),
      blockingBlocks,
    );
    iterator.first();
    iterator.release();
    expect([iterator.blocked, iterator.valid]).toEqual([false, false]);
  });
});
