import { describe, expect, test } from 'vitest';
import { KIB, MAX_SEQUENCE } from '../base/limits.ts';
import { Prng } from '../base/prng.ts';
import { runNow } from '../base/steps.ts';
import type { Block } from '../block/block.ts';
import { BlockIterator } from '../block/block-iterator.ts';
import { BLOCK_TRAILER_BYTES } from '../block/block-trailer.ts';
import type { BlockRun } from './block-run.ts';
import { type BlockRunSource, blockingBlocks, uncachedBlocks } from './block-source.ts';
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
  readAll,
  SEED,
} from './table.test-support.ts';
import { TableIterator } from './table-iterator.ts';
import { openTable, type TableReader } from './table-reader.ts';

const currentLine = (iterator: TableIterator): string =>
  iterator.valid ? lineOf(currentEntry(iterator)) : 'none';

/** Has a block at hand only once it was loaded, and forgets all of them now and then. */
class ForgetfulBlocks implements BlockRunSource {
  readonly isDirect = false;
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

  loadRunNow(reader: TableReader, first: number, end: number, spare?: Uint8Array<ArrayBuffer>): BlockRun {
    this.loads++;
    spare?.fill(0xee);
    return reader.readRunNow(first, end, spare);
  }

  async loadRun(
    reader: TableReader,
    first: number,
    end: number,
    spare?: Uint8Array<ArrayBuffer>,
  ): Promise<BlockRun> {
    return this.loadRunNow(reader, first, end, spare);
  }

  blockOf(reader: TableReader, run: BlockRun, block: number): Block {
    return reader.blockOf(run, block);
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

  test('a walk reads each block once, and more and more of them at a time', () => {
    const entries = randomEntries(new Prng(SEED), 20_000);
    const reader = openNow(buildTable(entries, { blockBytes: 1000 }).file);
    for (const isForward of [true, false]) {
      const source = recorded(uncachedBlocks);
      const iterator = new TableIterator(reader, source);
      const lines: string[] = [];
      const move = isForward ? () => iterator.next() : () => iterator.prev();
      if (isForward) iterator.first();
      else iterator.last();
      for (iterator.unblockNow(); iterator.valid; move(), iterator.unblockNow())
        lines.push(currentLine(iterator));
      expect(lines).toEqual(isForward ? entries.map(lineOf) : entries.map(lineOf).toReversed());

      const runs = isForward ? source.runs : source.runs.toReversed();
      expect(runs.flatMap(([first, end]) => range(first, end))).toEqual(range(0, reader.blocks));
      const sizes = source.runs.map(([first, end]) => sizeOf(reader, first, end));
      expect(source.runs[0]![1] - source.runs[0]![0]).toBe(1);
      expect(sizes[1]).toBeGreaterThan(4 * KIB);
      const [largest = 0] = sizes.toSorted((left, right) => right - left);
      expect(largest).toBeGreaterThan(100 * KIB);
      expect(largest).toBeLessThanOrEqual(128 * KIB);
    }
  });

  test('a seek reads one block', () => {
    const entries = randomEntries(new Prng(SEED), 5000);
    const reader = openNow(buildTable(entries, { blockBytes: 500 }).file);
    const source = recorded(uncachedBlocks);
    const iterator = new TableIterator(reader, source);
    iterator.first();
    for (iterator.unblockNow(); source.runs.length < 4; iterator.unblockNow()) iterator.next();
    source.runs.length = 0;
    const target = entries[4000]!;
    iterator.seek(target.key, 0, target.key.length, target.sequence);
    iterator.unblockNow();
    expect(currentLine(iterator)).toBe(lineOf(target));
    expect(source.runs.map(([first, end]) => end - first)).toEqual([1]);
  });

  test('damage ends a walk where it lies, not where it is read', () => {
    const entries = randomEntries(new Prng(SEED), 400);
    const { file } = buildTable(entries, { blockBytes: 100 });
    const reader = openNow(file);
    const damaged = reader.blocks - 2;
    file.contents[reader.handle(damaged).offset]! ^= 1;
    const iterator = new TableIterator(reader, blockingBlocks);
    let count = 0;
    iterator.first();
    expect(() => {
      for (; iterator.valid; iterator.next()) count++;
    }).toThrow(`at offset ${reader.handle(damaged).offset}`);
    const intact = runNow(openTable(buildTable(entries, { blockBytes: 100 }).file, file.size));
    const before = readAll(intact).length - entriesFrom(intact, damaged);
    expect(count).toBe(before);
  });

  test('a load that fails leaves the move blocked, and it may be tried again', async () => {
    const entries = randomEntries(new Prng(SEED), 50);
    const reader = openNow(buildTable(entries).file);
    let failures = 2;
    const flaky: BlockRunSource = {
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

  test('a blocking twin may finish a walk that reads ahead: the late read touches nothing of it', async () => {
    const entries = randomEntries(new Prng(SEED), 20_000);
    const late: (() => void)[] = [];
    const source: BlockRunSource = {
      ...uncachedBlocks,
      async loadRun(reader, first, end, spare) {
        await new Promise<void>((resolve) => late.push(resolve));
        spare?.fill(0xee);
        return reader.readRunNow(first, end, spare);
      },
    };
    const reader = openNow(buildTable(entries, { blockBytes: 1000 }).file);
    const iterator = new TableIterator(reader, source);
    iterator.first();
    iterator.unblockNow();
    const lines = [currentLine(iterator)];
    const waiting: Promise<void>[] = [];
    while (iterator.valid) {
      iterator.next();
      if (iterator.blocked) waiting.push(iterator.unblock());
      iterator.unblockNow();
      // Each read ends when the twin is in the run behind.
      if (late.length > 1) late.shift()!();
      await Promise.race([Promise.all(waiting), Promise.resolve()]);
      if (iterator.valid) lines.push(currentLine(iterator));
    }
    for (const complete of late) complete();
    await Promise.all(waiting);
    expect(waiting.length).toBeGreaterThan(3);
    expect(lines).toEqual(entries.map(lineOf));
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

/** A source that notes which blocks were read together. */
function recorded(
  source: BlockRunSource,
): BlockRunSource & { readonly runs: [first: number, end: number][] } {
  const runs: [number, number][] = [];
  return {
    ...source,
    runs,
    loadNow(reader, block) {
      runs.push([block, block + 1]);
      return source.loadNow(reader, block);
    },
    loadRunNow(reader, first, end, spare) {
      runs.push([first, end]);
      return source.loadRunNow(reader, first, end, spare);
    },
  };
}

function range(first: number, end: number): number[] {
  return Array.from({ length: end - first }, (_, i) => first + i);
}

function sizeOf(reader: TableReader, first: number, end: number): number {
  const last = reader.handle(end - 1);
  return last.offset + last.size + BLOCK_TRAILER_BYTES - reader.handle(first).offset;
}

/** How many entries stand in the blocks from `first` on. */
function entriesFrom(reader: TableReader, first: number): number {
  let count = 0;
  const iterator = new BlockIterator();
  for (let block = first; block < reader.blocks; block++) {
    iterator.attach(reader.readBlockNow(block));
    for (iterator.first(); iterator.valid; iterator.next()) count++;
  }
  return count;
}
