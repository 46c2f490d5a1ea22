import { describe, expect, test } from 'vitest';
import { ErrorCode, hasCode } from '../base/errors.ts';
import { KIB } from '../base/limits.ts';
import { Prng } from '../base/prng.ts';
import { runLater, runNow } from '../base/steps.ts';
import { makeInternalKey } from '../key/internal-key.ts';
import { ValueKind } from '../key/value-kind.ts';
import { TableRootBuilder } from '../merkle/table-root.ts';
import { uncachedBlocks } from './block-source.ts';
import {
  buildTable,
  bytes,
  type Entry,
  hex,
  lineOf,
  MemoryFile,
  openNow,
  randomEntries,
  readAll,
  SEED,
} from './table.test-support.ts';
import { TableBuilder } from './table-builder.ts';
import { Compression, DEFAULT_TABLE_OPTIONS, type TableOptions } from './table-options.ts';
import { openTable } from './table-reader.ts';

const optionSets: readonly TableOptions[] = [
  DEFAULT_TABLE_OPTIONS,
  { ...DEFAULT_TABLE_OPTIONS, compression: Compression.Snappy },
  { ...DEFAULT_TABLE_OPTIONS, bloomBitsPerKey: 0 },
  { blockBytes: 1, restartInterval: 1, bloomBitsPerKey: 1, compression: Compression.None },
  { blockBytes: 200, restartInterval: 3, bloomBitsPerKey: 20, compression: Compression.Snappy },
  { blockBytes: 64 * KIB, restartInterval: 100, bloomBitsPerKey: 5, compression: Compression.Snappy },
];

const label = (options: TableOptions): string => Object.values(options).join(' ');

describe.each(optionSets.map((options) => ({ id: label(options), options })))(
  'with options $id',
  ({ options }) => {
    test(`what is added is read back (SEED=${SEED})`, () => {
      const prng = new Prng(SEED);
      for (const count of [1, 2, 20, 700]) {
        const entries = randomEntries(prng, count);
        const { file, summary } = buildTable(entries, options);
        const read = readAll(openNow(file));
        expect(read.map(lineOf), `${count} entries`).toEqual(entries.map(lineOf));
        expect(summary.size).toBe(file.size);
      }
    });

    test('the summary says what is in the file', () => {
      const entries = randomEntries(new Prng(SEED), 300);
      const { file, summary } = buildTable(entries, options);
      const reader = openNow(file);
      const sequences = entries.map(({ sequence }) => sequence);
      const internal = ({ key, sequence, kind }: Entry): string => hex(makeInternalKey(key, sequence, kind));
      expect(summary.entries).toBe(entries.length);
      expect(summary.blocks).toBe(reader.blocks);
      expect(hex(summary.smallest)).toBe(internal(entries[0]!));
      expect(hex(summary.largest)).toBe(internal(entries.at(-1)!));
      expect(summary.smallestSequence).toBe(Math.min(...sequences));
      expect(summary.largestSequence).toBe(Math.max(...sequences));
    });

    test('the stored root and leaves are those of the blocks', () => {
      const { file, summary } = buildTable(randomEntries(new Prng(SEED), 300), options);
      const reader = openNow(file);
      const recomputed = new TableRootBuilder();
      for (let i = 0; i < reader.blocks; i++) {
        const { contents } = reader.readBlockNow(i);
        const withHeadRoom = new Uint8Array(1 + contents.length);
        withHeadRoom.set(contents, 1);
        recomputed.addBlock(withHeadRoom, 1, withHeadRoom.length);
      }
      const stored = runNow(reader.merkle())!;
      expect(stored.blocks).toBe(reader.blocks);
      expect(hex(stored.root)).toBe(hex(summary.root));
      expect(hex(stored.root)).toBe(hex(recomputed.root()));
      expect(hex(stored.leaves)).toBe(hex(recomputed.leaves()));
    });
  },
);

describe('a table', () => {
  test('compressed or not has the same entries, and the same root', () => {
    const entries = randomEntries(new Prng(SEED), 500);
    const raw = buildTable(entries, { compression: Compression.None });
    const snappy = buildTable(entries, { compression: Compression.Snappy });
    expect(snappy.summary.size).toBeLessThan(raw.summary.size);
    expect(hex(snappy.summary.root)).toBe(hex(raw.summary.root));
  });

  test('opens alike blocking and not, and reads the same blocks', async () => {
    const { file } = buildTable(randomEntries(new Prng(SEED), 200));
    const now = openNow(file);
    const later = await runLater(openTable(file, file.size));
    expect(later.blocks).toBe(now.blocks);
    for (let i = 0; i < now.blocks; i++) {
      const expected = hex(now.readBlockNow(i).contents);
      expect(hex((await later.readBlockLater(i)).contents)).toBe(expected);
      expect(hex((await uncachedBlocks.load(later, i)).contents)).toBe(expected);
      expect(hex(runNow(later.readBlock(i)).contents)).toBe(expected);
    }
  });

  test('is not synced by its builder, and closes its file', () => {
    const { file } = buildTable(randomEntries(new Prng(SEED), 10));
    expect(file.syncs).toBe(0);
    openNow(file).close();
    expect(file.closed).toBe(true);
  });

  test('in a file that goes on behind it is found by its size', () => {
    const entries = randomEntries(new Prng(SEED), 10);
    const { file, summary } = buildTable(entries);
    file.writeNow(bytes('left over'), 0, 9, file.size);
    expect(readAll(openNow(file, summary.size)).map(lineOf)).toEqual(entries.map(lineOf));
  });

  test('of keys and values that lie in shared memory is the same', () => {
    const entries = randomEntries(new Prng(SEED), 50);
    const share = (from: Uint8Array): Uint8Array => {
      const shared = new Uint8Array(new SharedArrayBuffer(from.length));
      shared.set(from);
      return shared;
    };
    const shared = entries.map((entry) => ({ ...entry, key: share(entry.key), value: share(entry.value) }));
    expect(hex(buildTable(shared).file.contents)).toBe(hex(buildTable(entries).file.contents));
  });

  test('has its meta blocks under ascending names, and a footer at its end', () => {
    const { file } = buildTable(randomEntries(new Prng(SEED), 10));
    const text = Buffer.from(file.contents).toString('latin1');
    const merkle = text.lastIndexOf('arena.merkle.v1');
    expect(merkle).toBeGreaterThan(0);
    expect(text.indexOf('filter.leveldb.BuiltinBloomFilter2')).toBeGreaterThan(merkle);
    expect(hex(file.contents.subarray(-8))).toBe('57fb808b247547db');
  });

  test('approximate offsets grow with the key and end behind the last block', () => {
    const entries = randomEntries(new Prng(SEED), 600);
    const reader = openNow(buildTable(entries).file);
    let before = 0;
    for (const { key } of entries) {
      const offset = reader.approximateOffset(key, 0, key.length);
      expect(offset).toBeGreaterThanOrEqual(before);
      before = offset;
    }
    const behind = reader.approximateOffset(new Uint8Array(400).fill(0xff), 0, 400);
    const last = reader.handle(reader.blocks - 1);
    expect(behind).toBeGreaterThan(last.offset + last.size);
    expect(behind).toBeLessThan(reader.sizeBytes);
  });
});

describe('the builder', () => {
  const { Put } = ValueKind;
  const add = (builder: TableBuilder, key: string, sequence: number): void =>
    builder.add(bytes(key), 0, key.length, sequence, Put, bytes(''), 0, 0);
  const internal = (action: () => unknown): boolean => {
    try {
      action();
    } catch (error) {
      return hasCode(error, ErrorCode.Internal);
    }
    return false;
  };

  test('refuses entries that do not ascend, a table of none, and a second end', () => {
    const builder = new TableBuilder(new MemoryFile(), DEFAULT_TABLE_OPTIONS);
    expect(internal(() => builder.finish())).toBe(true);
    add(builder, 'b', 5);
    expect(internal(() => add(builder, 'a', 6))).toBe(true);
    expect(internal(() => add(builder, 'b', 5))).toBe(true);
    builder.finish();
    expect(internal(() => builder.finish())).toBe(true);
  });

  test('counts entries, and bytes as blocks are finished', () => {
    const builder = new TableBuilder(new MemoryFile(), { ...DEFAULT_TABLE_OPTIONS, blockBytes: 50 });
    expect([builder.entries, builder.sizeBytes]).toEqual([0, 0]);
    add(builder, 'a', 1);
    expect([builder.entries, builder.sizeBytes]).toEqual([1, 0]);
    for (const key of ['b', 'c', 'd']) add(builder, key, 1);
    expect(builder.entries).toBe(4);
    expect(builder.sizeBytes).toBeGreaterThan(50);
  });
});
