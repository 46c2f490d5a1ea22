import { Prng } from '@arena-level/common/base/prng';
import { compareBytes } from '@arena-level/common/bytes/compare';
import type { SizedKeyRange } from '@arena-level/common/protocol/compaction-protocol';
import { FaultStorage } from '@arena-level/common/storage/fault-storage';
import { MemoryStorage } from '@arena-level/common/storage/memory-storage';
import { type Entry, lineOf, MemoryFile, randomEntries } from '@arena-level/common/table/table.test-support';
import { TableBuilder } from '@arena-level/common/table/table-builder';
import { Compression } from '@arena-level/common/table/table-options';
import { describe, expect, test } from 'vitest';
import {
  boundsOf,
  compact,
  compactionJob,
  entry,
  FIRST_TEMP,
  modelOf,
  options,
  randomRanges,
  readOutputs,
  spread,
  userKeys,
  writeCutRuns,
  writeRuns,
} from './compaction.test-support.ts';

const SEED = Number(process.env['SEED'] ?? 20_251_201);

/** User keys like those of stores: a long common prefix, or few letters, or lengths of all kinds. */
function entriesOf(prng: Prng, count: number): Entry[] {
  const entries = randomEntries(prng, count);
  if (prng.oneIn(2)) return entries;
  const prefix = Buffer.from(prng.oneIn(2) ? 'tenant/7/documents/' : '\xff\xff');
  return entries.map((one) => ({ ...one, key: Buffer.concat([prefix, one.key]) }));
}

/** Entries of a compaction of these runs, which are newest first and of one table each. */
function merged(
  runs: readonly (readonly Entry[])[],
  change: Parameters<typeof compactionJob>[1] = {},
): string[] {
  const storage = new MemoryStorage();
  const response = compact(compactionJob(writeRuns(storage, runs), change), storage);
  expect(response.entries).toBe(runs.flat().length);
  return readOutputs(response, storage).flat();
}

describe('a compaction', () => {
  test(`holds what the definition says, whatever the runs, horizons, deeper tables and cuts (seed ${SEED})`, () => {
    const prng = new Prng(SEED);
    for (let round = 0; round < 150; round++) {
      const storage = new MemoryStorage();
      const all = entriesOf(prng, 1 + prng.below(round % 10 === 0 ? 3000 : 300));
      const runs = spread(prng, all, 1 + prng.below(7));
      const compression = prng.oneIn(2) ? Compression.None : Compression.Snappy;
      const bloomBitsPerKey = prng.oneIn(2) ? 0 : 10;
      const tables = writeCutRuns(prng, storage, runs, () => ({
        blockBytes: 100 + prng.below(5000),
        restartInterval: 1 + prng.below(20),
        compression: prng.oneIn(5) ? Compression.None : compression,
        bloomBitsPerKey: prng.oneIn(5) ? 10 : bloomBitsPerKey,
      }));
      const keys = userKeys(all);
      const grandparents = randomRanges(prng, keys).map((range) => ({ ...range, size: prng.below(100) }));
      const job = compactionJob(tables, {
        below: Array.from({ length: prng.below(3) }, () => randomRanges(prng, keys)),
        grandparents,
        maxGrandparentBytes: prng.below(300),
        dropHorizon: prng.oneIn(4) ? Number.MAX_SAFE_INTEGER : prng.below(250),
        maxTableBytes: 500 + prng.below(20_000),
        tempNumbers: { first: FIRST_TEMP, count: 1 + prng.below(200) },
        options: options({ blockBytes: 200 + prng.below(4000), compression, bloomBitsPerKey }),
      });
      const response = compact(job, storage);
      const outputs = readOutputs(response, storage);
      const model = modelOf(runs, job);
      expect(outputs.flat(), `round ${round}`).toEqual(model);
      expect(response.entries, `round ${round}`).toBe(runs.flat().length);
      expect(response.dropped, `round ${round}`).toBe(runs.flat().length - model.length);
      expect(response.tables.length).toBeLessThanOrEqual(job.tempNumbers.count);
      expectApart(response.tables.map(boundsOf));
    }
  });

  test(`of adjacent subranges gives together what one of the whole gives (seed ${SEED})`, () => {
    const prng = new Prng(SEED);
    for (let round = 0; round < 60; round++) {
      const storage = new MemoryStorage();
      const all = entriesOf(prng, 2 + prng.below(600));
      const runs = spread(prng, all, 1 + prng.below(4));
      const tables = writeCutRuns(prng, storage, runs, () => ({ blockBytes: 100 + prng.below(2000) }));
      const keys = userKeys(all);
      const bounds = [undefined, ...keys.filter(() => prng.oneIn(keys.length / 3 + 1)), undefined];
      const below = [randomRanges(prng, keys)];
      const dropHorizon = prng.below(250);
      const parts: string[] = [];
      let entries = 0;
      for (let part = 0; part + 1 < bounds.length; part++) {
        const begin = bounds[part];
        const end = bounds[part + 1];
        const job = compactionJob(tables, {
          ...(begin === undefined ? {} : { begin }),
          ...(end === undefined ? {} : { end }),
          below,
          dropHorizon,
          tempNumbers: { first: FIRST_TEMP + 10 * part, count: 1 },
        });
        const response = compact(job, storage);
        const lines = readOutputs(response, storage).flat();
        expect(lines, `round ${round}, part ${part}`).toEqual(modelOf(runs, job));
        entries += response.entries;
        parts.push(...lines);
      }
      expect(parts, `round ${round}`).toEqual(modelOf(runs, { dropHorizon, below }));
      expect(entries).toBe(runs.flat().length);
    }
  });

  test('keeps every version above the horizon and the newest at or below it, from whichever runs', () => {
    const runs = [
      [entry('a', 4, 'four'), entry('a', 2, 'two'), entry('b', 5, 'five')],
      [entry('a', 3, 'three'), entry('a', 1, 'one')],
    ];
    const kept = (dropHorizon: number) =>
      merged(runs, { dropHorizon }).map((line) => line.slice(0, line.indexOf(',')));
    expect(kept(0)).toEqual(['61#4', '61#3', '61#2', '61#1', '62#5']);
    expect(kept(1)).toEqual(['61#4', '61#3', '61#2', '61#1', '62#5']);
    expect(kept(2)).toEqual(['61#4', '61#3', '61#2', '62#5']);
    expect(kept(3)).toEqual(['61#4', '61#3', '62#5']);
    expect(kept(4)).toEqual(['61#4', '62#5']);
  });

  test('drops a tombstone at or below the horizon with what it hides, unless a deeper table may hold its key', () => {
    const runs = [
      [entry('b', 9), entry('c', 8), entry('d', 10)],
      [entry('b', 3, 'old'), entry('c', 2, 'old'), entry('d', 1, 'old')],
    ];
    const range = (smallest: string, largest: string) => ({
      smallest: Buffer.from(smallest),
      largest: Buffer.from(largest),
    });
    const tombstones = (below: ReturnType<typeof range>[][], dropHorizon = 10) =>
      merged(runs, { below, dropHorizon });
    expect(tombstones([])).toEqual([]);
    expect(tombstones([[range('a', 'a'), range('bb', 'bz'), range('e', 'f')]])).toEqual([]);
    expect(tombstones([[range('a', 'b')], [range('d', 'e')]])).toEqual(['62#9,0=', '64#10,0=']);
    expect(tombstones([[range('a', 'a'), range('c', 'c')]])).toEqual(['63#8,0=']);
    expect(tombstones([], 8)).toEqual(['62#9,0=', '62#3,1=6f6c64', '64#10,0=', '64#1,1=6f6c64']);
  });

  test('of versions that are in several runs keeps that of the newest run, even above the horizon', () => {
    const runs = [
      [entry('a', 2, 'newest run')],
      [entry('a', 2, 'middle run'), entry('b', 7, 'once')],
      [entry('a', 2), entry('a', 1, 'older')],
    ];
    const lines = [entry('a', 2, 'newest run'), entry('a', 1, 'older'), entry('b', 7, 'once')].map(lineOf);
    expect(merged(runs, { dropHorizon: 0 })).toEqual(lines);
  });

  test('does not mistake a key for another one that begins with it, or that zeros follow', () => {
    const texts = [
      '',
      '\0',
      '\0\0',
      'a',
      'a\0',
      'a\0\0\0\0\0\0\0\0',
      'a\0\0\0\0\0\0\0\0\0',
      'a\xff',
      'aaaaaaaaab',
      'aaaaaaaaac',
    ];
    const entries = texts.map((key, i) => entry(key, i + 1, String(i)));
    entries.sort((left, right) => compareBytes(left.key, right.key));
    const odd = entries.filter((_, i) => i % 2 === 1);
    const even = entries.filter((_, i) => i % 2 === 0);
    expect(merged([odd, even])).toEqual(entries.map(lineOf));
  });

  test('writes no file when every entry is dropped, and none of no inputs', () => {
    const storage = new FaultStorage(new MemoryStorage());
    const job = compactionJob(writeRuns(storage, [[entry('a', 2)], [entry('a', 1, 'x')]]));
    const created = storage.countOf('create');
    expect(compact(job, storage)).toMatchObject({ tables: [], entries: 2, dropped: 2 });
    expect(storage.countOf('create')).toBe(created);
    expect(compact(compactionJob([]), storage)).toMatchObject({ tables: [], entries: 0, bytesRead: 0 });
    expect(compact(compactionJob([[], []]), storage)).toMatchObject({ tables: [], entries: 0 });
  });

  test('takes blocks of very many entries, keys that are far longer put together than stored, and huge values', () => {
    const keys = (count: number, prefix: string): Entry[] =>
      Array.from({ length: count }, (_, i) => entry(`${prefix}${String(i).padStart(5, '0')}`, i + 1, 'v'));
    const long = keys(400, 'l'.repeat(3000));
    const huge = [...keys(3, 'm'), entry('n', 9, 'x'.repeat(6_000_000)), ...keys(3, 'o')];
    const many = keys(5000, 'p');
    const storage = new MemoryStorage();
    const change = { blockBytes: 1_000_000, restartInterval: 1000 };
    const [one, two, three] = writeRuns(storage, [long, huge, many], change);
    const response = compact(compactionJob([[...one!, ...two!, ...three!]]), storage);
    expect(readOutputs(response, storage).flat()).toEqual([...long, ...huge, ...many].map(lineOf));
  });
});

/** Tables one behind the other that share no user key. */
function expectApart(bounds: readonly { smallest: Uint8Array; largest: Uint8Array }[]): void {
  for (let at = 1; at < bounds.length; at++) {
    expect(compareBytes(bounds[at - 1]!.largest, bounds[at]!.smallest)).toBeLessThan(0);
  }
}

describe('the outputs of a compaction', () => {
  const versions = (key: string, count: number, value = 'v'): Entry[] =>
    Array.from({ length: count }, (_, i) => entry(key, 1000 - i, value));
  const cut = (
    runs: readonly (readonly Entry[])[],
    change: Parameters<typeof compactionJob>[1],
  ): string[][] => {
    const storage = new MemoryStorage();
    const response = compact(compactionJob(writeRuns(storage, runs), change), storage);
    expectApart(response.tables.map(boundsOf));
    expect(response.tables.map(({ tempNumber }) => tempNumber)).toEqual(
      response.tables.map((_, at) => FIRST_TEMP + at),
    );
    return readOutputs(response, storage);
  };
  const small = { maxTableBytes: 300, dropHorizon: 0, options: options({ blockBytes: 100 }) };

  test('end at the first user key behind their bytes, never between versions of one', () => {
    const outputs = cut(
      [[...versions('a', 100), ...versions('b', 1), ...versions('c', 100), ...versions('d', 2)]],
      small,
    );
    expect(outputs.map((lines) => lines.length)).toEqual([100, 101, 2]);
  });

  test('have as few bytes as a table that ends at the first key behind its bytes', () => {
    const keys = Array.from({ length: 300 }, (_, i) => entry(`key ${i + 1000}`, i + 1, 'some value'));
    const expected: number[] = [];
    let builder: TableBuilder | undefined;
    for (const { key, sequence, kind, value } of keys) {
      if (builder === undefined || builder.sizeBytes >= small.maxTableBytes) {
        builder = new TableBuilder(new MemoryFile(), small.options);
        expected.push(0);
      }
      builder.add(key, 0, key.length, sequence, kind, value, 0, value.length);
      expected[expected.length - 1]!++;
    }
    expect(cut([keys], small).map((lines) => lines.length)).toEqual(expected);
  });

  test('are cut no more with the last temporary number', () => {
    const keys = Array.from({ length: 500 }, (_, i) => entry(`key ${i + 1000}`, i + 1, 'some value'));
    const count = (numbers: number) =>
      cut([keys], { ...small, tempNumbers: { first: FIRST_TEMP, count: numbers } }).map(
        (lines) => lines.length,
      );
    const free = count(1000);
    expect(free.length).toBeGreaterThan(20);
    for (const numbers of [1, 2, 7]) {
      const expected = free.slice(0, numbers - 1);
      const rest = 500 - expected.reduce((sum, lines) => sum + lines, 0);
      expect(count(numbers)).toEqual([...expected, rest]);
    }
  });

  test('end where they would overlap too many bytes of their grandparents', () => {
    const keys = Array.from({ length: 26 }, (_, i) => entry(String.fromCharCode(97 + i), i + 1, 'v'));
    const grandparent = (smallest: string, largest: string, size: number): SizedKeyRange => ({
      smallest: Buffer.from(smallest),
      largest: Buffer.from(largest),
      size,
    });
    // As LevelDB: those before the first key do not count; a table counts when it is passed.
    const grandparents = [
      grandparent('A', 'B', 60),
      grandparent('b', 'c', 60),
      grandparent('e', 'f', 60),
      grandparent('h', 'i', 200),
      grandparent('p', 'q', 100),
      grandparent('s', 's', 1),
    ];
    const outputs = cut([keys], { grandparents, maxGrandparentBytes: 100 });
    const firsts = outputs.map((lines) => Buffer.from(lines[0]!.slice(0, 2), 'hex').toString());
    expect(firsts).toEqual(['a', 'g', 'j', 't']);
  });

  test('are synced one by one, before the next one is created', () => {
    const storage = new FaultStorage(new MemoryStorage());
    const keys = Array.from({ length: 30 }, (_, i) => entry(`key ${i + 1000}`, i + 1, 'some value'));
    const job = compactionJob(writeRuns(storage, [keys]), {
      ...small,
      tempNumbers: { first: FIRST_TEMP, count: 2 },
    });
    const before = storage.events.length;
    compact(job, storage);
    const operations = storage.events.slice(before).map(({ operation }) => operation);
    expect(operations).toEqual(['create', 'write', 'sync', 'create', 'write', 'sync']);
  });

  test('have the options they are to have, whatever the inputs had', () => {
    const entries = Array.from({ length: 300 }, (_, i) => entry(`key ${i + 1000}`, i + 1, 'v'.repeat(50)));
    const storage = new MemoryStorage();
    const tables = [
      ...writeRuns(storage, [entries], { compression: Compression.Snappy, bloomBitsPerKey: 0 }),
    ];
    const raw = compact(compactionJob(tables, { tempNumbers: { first: 100, count: 1 } }), storage);
    const snappy = compact(
      compactionJob(tables, {
        tempNumbers: { first: 200, count: 1 },
        options: options({ compression: Compression.Snappy, bloomBitsPerKey: 10 }),
      }),
      storage,
    );
    expect(readOutputs(raw, storage)).toEqual(readOutputs(snappy, storage));
    expect(raw.tables[0]!.table.size).toBeGreaterThan(2 * snappy.tables[0]!.table.size);
  });
});
