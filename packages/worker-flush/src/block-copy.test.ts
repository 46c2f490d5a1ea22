import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Prng } from '@arena-level/common/base/prng';
import { runNow } from '@arena-level/common/base/steps';
import type { InputTable } from '@arena-level/common/protocol/compaction-protocol';
import { tableFile, tempFile } from '@arena-level/common/storage/file-desc';
import { MemoryStorage } from '@arena-level/common/storage/memory-storage';
import type { Storage } from '@arena-level/common/storage/storage';
import {
  type Entry,
  lineOf,
  MemoryFile,
  openNow,
  readAll,
} from '@arena-level/common/table/table.test-support';
import { tableBoundsOf } from '@arena-level/common/table/table-bounds';
import { Compression, type TableOptions } from '@arena-level/common/table/table-options';
import { describe, expect, test } from 'vitest';
import {
  type Compacted,
  compact,
  compactionJob,
  entry,
  FIRST_TEMP,
  modelOf,
  options,
  readOutputs,
  writeCutRuns,
  writeRuns,
  writeTable,
} from './compaction.test-support.ts';
import { putTogether, takeApart } from './table-parts.test-support.ts';

const SEED = Number(process.env['SEED'] ?? 20_251_202);

const numbered = (count: number, step = 1, first = 0): Entry[] =>
  Array.from({ length: count }, (_, i) =>
    entry(`key ${String(first + i * step).padStart(9, '0')}`, i + 1, `value ${(i * 7919) % 1000}`.repeat(5)),
  );

/** Compacts runs, newest first; expects all entries to be kept. */
function kept(
  runs: readonly (readonly Entry[])[],
  input: Partial<TableOptions> = {},
  output: Partial<TableOptions> = input,
): Compacted {
  const storage = new MemoryStorage();
  const tables = writeRuns(storage, runs, input);
  const response = compact(compactionJob(tables, { options: options(output) }), storage);
  const expected = modelOf(runs, { dropHorizon: Number.MAX_SAFE_INTEGER, below: [] });
  expect(readOutputs(response, storage).flat()).toEqual(expected);
  return response;
}

describe('blocks that are taken over whole', () => {
  test.each([
    { compression: Compression.None, bloomBitsPerKey: 10 },
    { compression: Compression.Snappy, bloomBitsPerKey: 10 },
    { compression: Compression.None, bloomBitsPerKey: 0 },
  ])('make of a table alone the same table, byte by byte: $compression, $bloomBitsPerKey', (change) => {
    const storage = new MemoryStorage();
    const tables = writeRuns(storage, [numbered(3000)], change);
    const response = compact(compactionJob(tables, { options: options(change) }), storage);
    expect(response.blocksCopied).toBe(response.tables[0]!.table.blocks - 1);
    const image = (file: ReturnType<typeof tableFile>) =>
      Buffer.from(storage.readAllNow(file, 1e9)).toString('base64');
    expect(image(tempFile(FIRST_TEMP))).toBe(image(tableFile(1)));
  });

  test('are those that no other run reaches into', () => {
    const all = numbered(6000, 10);
    const blocks = kept([all]).blocksCopied;
    const oneBetween = kept([[entry('key 000030005', 9000, 'between')], all]);
    expect(oneBetween.blocksCopied).toBeGreaterThan(blocks - 4);
    expect(oneBetween.blocksCopied).toBeLessThan(blocks);
    expect(kept([numbered(500, 10, 20_005), all]).blocksCopied).toBeGreaterThan(blocks - 20);
    expect(kept([numbered(6000, 10, 5), all]).blocksCopied).toBe(0);
  });

  test.each([
    { id: 'stored in another way', input: { compression: Compression.Snappy }, output: {} },
    { id: 'stored in another way', input: {}, output: { compression: Compression.Snappy } },
    { id: 'too small', input: { blockBytes: 500 }, output: { blockBytes: 4096 } },
    { id: 'too large', input: { blockBytes: 9000 }, output: { blockBytes: 4096 } },
  ])('are not those $id: $input', ({ input, output }) => {
    // The last block of a table may be of any size.
    expect(kept([numbered(1000)], input, output).blocksCopied).toBeLessThanOrEqual(1);
  });

  test('are one value that is larger than any block, too', () => {
    const values = numbered(20).map((one) => ({ ...one, value: Buffer.alloc(20_000, one.key) }));
    expect(kept([values]).blocksCopied).toBe(20);
  });

  test('are not those with a tombstone or with several versions of a key, dropped or not', () => {
    const all = numbered(3000);
    const blocks = kept([all]).blocksCopied;
    const storage = new MemoryStorage();
    const changed = all.map((one, i) =>
      i % 1000 === 500 ? { ...one, kind: 0, value: Buffer.alloc(0) } : one,
    );
    const versions = all.flatMap((one, i) => (i % 1000 === 500 ? [{ ...one, sequence: 9000 }, one] : [one]));
    for (const entries of [changed, versions]) {
      for (const dropHorizon of [0, Number.MAX_SAFE_INTEGER]) {
        storage.removeNow(tableFile(1));
        const [tables] = writeRuns(storage, [entries]);
        const job = compactionJob([tables!], { dropHorizon });
        const response = compact(job, storage);
        expect(readOutputs(response, storage).flat()).toEqual(modelOf([entries], job));
        storage.removeNow(tableFile(FIRST_TEMP));
        expect(response.blocksCopied).toBeLessThan(blocks);
        expect(response.blocksCopied).toBeGreaterThan(blocks - 8);
      }
    }
  });

  test('are not those whose first key has a newer version before it', () => {
    const storage = new MemoryStorage();
    const all = numbered(1000);
    const [plain] = writeRuns(storage, [all]);
    for (const { key } of all.slice(20, 90)) {
      const newer = [{ key, sequence: 5000, kind: 1, value: Buffer.from('newer') }];
      const job = compactionJob([[writeTable(storage, 2, newer)], plain!]);
      const response = compact(job, storage);
      expect(readOutputs(response, storage).flat()).toEqual(modelOf([newer, all], job));
      expect(response.blocksCopied).toBeGreaterThan(10);
      for (const number of [2, FIRST_TEMP]) storage.removeNow(tableFile(number));
    }
  });

  test('are not those whose restart points are no entries: such a block is built anew', () => {
    const storage = new MemoryStorage();
    const all = numbered(1000);
    const [tables] = writeRuns(storage, [all]);
    const parts = takeApart(storage.readAllNow(tableFile(1), 1e9));
    const { contents } = parts.data[3]!;
    // The second restart point of the block: one byte behind where it should be.
    const count = contents[contents.length - 4]!;
    contents[contents.length - 4 - 4 * (count - 1)]! += 1;
    parts.meta.delete('arena.merkle.v1');
    const image = putTogether(parts);
    storage.removeNow(tableFile(1));
    const file = storage.createNow(tableFile(1));
    file.writeNow(image, 0, image.length, 0);
    file.closeNow();
    const response = compact(compactionJob([[{ ...tables![0]!, size: image.length }]]), storage);
    expect(readOutputs(response, storage).flat()).toEqual(all.map(lineOf));
    expect(response.blocksCopied).toBe(parts.data.length - 2);
  });

  test('leave the outputs their ends: cuts by grandparents are where they are without', () => {
    const all = numbered(3000);
    const grandparents = all
      .filter((_, i) => i % 91 === 0)
      .map(({ key }) => ({ smallest: key, largest: key, size: 10 }));
    const firstsOf = (blockBytes: number): { firsts: string[]; blocksCopied: number } => {
      const storage = new MemoryStorage();
      const tables = writeRuns(storage, [all], { blockBytes });
      const response = compact(compactionJob(tables, { grandparents, maxGrandparentBytes: 100 }), storage);
      return {
        firsts: readOutputs(response, storage).map((lines) => lines[0]!),
        blocksCopied: response.blocksCopied,
      };
    };
    const copied = firstsOf(2500);
    const rebuilt = firstsOf(500);
    expect(copied.firsts).toEqual(rebuilt.firsts);
    expect(copied.firsts.length).toBeGreaterThan(3);
    expect(copied.blocksCopied).toBeGreaterThan(5);
    expect(rebuilt.blocksCopied).toBe(0);
  });

  test('leave no small blocks between them, whatever comes in over time', () => {
    const prng = new Prng(SEED);
    const storage = new MemoryStorage();
    let [base] = writeRuns(storage, [numbered(4000, 100)]);
    for (let round = 0; round < 12; round++) {
      const newer = numbered(400_000)
        .filter(() => prng.oneIn(20_000))
        .map((one) => ({ ...one, sequence: one.sequence + 1_000_000 * (round + 1) }));
      const job = compactionJob([[writeTable(storage, 100 + round, newer)], base!], {
        tempNumbers: { first: 200 + round, count: 1 },
      });
      const response = compact(job, storage);
      readOutputs(response, storage);
      const { tempNumber, table } = response.tables[0]!;
      expect(response.blocksCopied).toBeGreaterThan(table.blocks / 3);
      base = [{ number: tempNumber, ...table }];
      const reader = openNow(storage.openReadNow(tableFile(tempNumber)));
      const sizes = Array.from({ length: table.blocks - 1 }, (_, block) => reader.handle(block).size);
      reader.close();
      expect(Math.min(...sizes), `round ${round}`).toBeGreaterThan(2000);
      expect(Math.max(...sizes), `round ${round}`).toBeLessThan(7000);
    }
  });

  test(`give what the definition says, whatever the runs (seed ${SEED})`, () => {
    const prng = new Prng(SEED);
    let blocksCopied = 0;
    for (let round = 0; round < 60; round++) {
      const storage = new MemoryStorage();
      const all = numbered(200 + prng.below(2000), 10);
      const runs = [...Array.from({ length: prng.below(4) }, () => patch(prng, all)), all];
      const blockBytes = 300 + prng.below(2000);
      const tables = writeCutRuns(prng, storage, runs, () => ({
        blockBytes: prng.oneIn(4) ? 300 : blockBytes,
      }));
      const bounds = all.filter(() => prng.oneIn(all.length / 4));
      const job = compactionJob(tables, {
        dropHorizon: prng.oneIn(2) ? Number.MAX_SAFE_INTEGER : prng.below(4000),
        below: prng.oneIn(2) ? [] : [[{ smallest: all[0]!.key, largest: all.at(-1)!.key }]],
        ...(prng.oneIn(2) && bounds[0] !== undefined ? { begin: bounds[0].key } : {}),
        ...(prng.oneIn(2) && bounds[1] !== undefined ? { end: bounds[1].key } : {}),
        grandparents: bounds.map(({ key }) => ({ smallest: key, largest: key, size: 10 })),
        maxGrandparentBytes: prng.below(40),
        maxTableBytes: 5000 + prng.below(50_000),
        options: options({ blockBytes }),
      });
      const response = compact(job, storage);
      expect(readOutputs(response, storage).flat(), `round ${round}`).toEqual(modelOf(runs, job));
      blocksCopied += response.blocksCopied;
    }
    expect(blocksCopied).toBeGreaterThan(1000);
  });
});

/** Overwrites, tombstones and new keys in one stretch of the key space; sequence numbers above those of `all`. */
function patch(prng: Prng, all: readonly Entry[]): Entry[] {
  const at = prng.below(all.length);
  const sequence = all.length + prng.below(1000);
  return all
    .slice(at, at + 1 + prng.below(200))
    .filter(() => prng.oneIn(3))
    .map((one, i) => {
      const key = prng.oneIn(2) ? one.key : Buffer.concat([one.key, Buffer.from('+')]);
      const isPut = !prng.oneIn(4);
      return {
        key,
        sequence: sequence + i,
        kind: isPut ? 1 : 0,
        value: Buffer.from(isPut ? 'new value' : ''),
      };
    });
}

describe('tables that LevelDB and goleveldb wrote', () => {
  const golden = join(import.meta.dirname, '../../../test/golden');
  const stores = readdirSync(golden).filter(
    (store) =>
      existsSync(join(golden, store, 'db')) &&
      readdirSync(join(golden, store, 'db')).some((name) => name.endsWith('.ldb')),
  );

  test.each(stores)('%s: are merged as ours are', (store) => {
    const storage = new MemoryStorage();
    const names = readdirSync(join(golden, store, 'db')).filter((name) => name.endsWith('.ldb'));
    // Newest first: each a run of its own.
    names.sort().reverse();
    const runs: Entry[][] = [];
    const tables = names.map((name) => {
      const contents = new Uint8Array(readFileSync(join(golden, store, 'db', name)));
      runs.push(readAll(openNow(new MemoryFile(contents))));
      return [importTable(storage, Number.parseInt(name, 10), contents)];
    });
    for (const dropHorizon of [0, Number.MAX_SAFE_INTEGER]) {
      const compression = store.endsWith('snappy') ? Compression.Snappy : Compression.None;
      const blockBytes = store.startsWith('leveldb') ? 1024 : 4096;
      const job = compactionJob(tables, { dropHorizon, options: options({ blockBytes, compression }) });
      const response = compact(job, storage);
      expect(readOutputs(response, storage).flat()).toEqual(modelOf(runs, job));
      for (const { tempNumber } of response.tables) storage.removeNow(tableFile(tempNumber));
    }
  });
});

function importTable(storage: Storage, number: number, contents: Uint8Array<ArrayBuffer>): InputTable {
  const file = storage.createNow(tableFile(number));
  file.writeNow(contents, 0, contents.length, 0);
  file.closeNow();
  return { number, size: contents.length, ...runNow(tableBoundsOf(new MemoryFile(contents))) };
}
