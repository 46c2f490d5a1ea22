import { readdirSync, readFileSync } from 'node:fs';
import { ErrorCode, hasCode, isEngineError } from '@arena-level/common/base/errors';
import { Prng } from '@arena-level/common/base/prng';
import { runLater, runNow } from '@arena-level/common/base/steps';
import { userKeyOf } from '@arena-level/common/key/internal-key';
import { tableFile } from '@arena-level/common/storage/file-desc';
import { MemoryStorage } from '@arena-level/common/storage/memory-storage';
import { describe, expect, test } from 'vitest';
import { readBytes, slowLog } from '../journal/log.test-support.ts';
import { readCurrentNow } from '../manifest/current-file.ts';
import { decodeVersionEdit, encodeVersionEdit, type VersionEdit } from '../manifest/version-edit.ts';
import { type ManifestState, readManifest } from './manifest-reader.ts';
import { internalKey, table } from './table.test-support.ts';

const SEED = Number(process.env['SEED'] ?? 20_251_122);
const GOLDEN = new URL('../../../../test/golden/', import.meta.url);
const goldenStores = readdirSync(GOLDEN).filter((name) => name.includes('leveldb-'));
const BASE: VersionEdit = {
  comparator: 'leveldb.BytewiseComparator',
  logNumber: 2,
  nextFileNumber: 3,
  lastSequence: 0,
};
const add = (level: number, number: number, smallest: string, largest: string): VersionEdit => ({
  newTables: [{ level, table: table(number, smallest, largest) }],
});
const manifestOf = (...edits: VersionEdit[]): Uint8Array<ArrayBuffer> =>
  slowLog(edits.map(encodeVersionEdit));

function read(bytes: Uint8Array): ManifestState {
  return runNow(readManifest(new MemoryStorage({ files: new Map([['MANIFEST-000001', bytes]]) }), 1));
}

function failureOf(bytes: Uint8Array): unknown {
  try {
    read(bytes);
  } catch (error) {
    return error;
  }
  return undefined;
}

describe('manifests of LevelDB and goleveldb', () => {
  test.each(goldenStores)('%s: names tables that are there, with their sizes and user keys', (store) => {
    const directory = new URL(`${store}/db/`, GOLDEN);
    const files = new Map(
      readdirSync(directory).map((name) => [name, readFileSync(new URL(name, directory))]),
    );
    const storage = new MemoryStorage({ files });
    const state = runNow(readManifest(storage, readCurrentNow(storage)!));
    const tables = state.levels.flat();
    for (const { number, size } of tables) {
      expect(storage.sizeNow(tableFile(number)), `table ${number}`).toBe(size);
    }
    for (const { smallest, largest } of tables) {
      for (const bound of [smallest, largest])
        expect(Buffer.from(userKeyOf(bound)).toString()).toMatch(/^key-\d{5}/);
    }
    expect(tables.length === 0).toBe(store.endsWith('journal-only'));
    expect(state.torn).toBe(false);
    expect(state.nextFileNumber).toBeGreaterThan(Math.max(0, ...tables.map(({ number }) => number)));
  });

  test.each(goldenStores)('%s: comes out byte for byte when it is decoded and written again', (store) => {
    const directory = new URL(`${store}/db/`, GOLDEN);
    const name = readdirSync(directory).find((file) => file.startsWith('MANIFEST'))!;
    const bytes = readFileSync(new URL(name, directory));
    const { records, end } = readBytes(bytes);
    expect(end.kind).toBe('end');
    const again = records.map((record) =>
      encodeVersionEdit(decodeVersionEdit(record, 0, record.length, name, 0)),
    );
    expect(Buffer.compare(slowLog(again), bytes)).toBe(0);
  });
});

describe('readManifest', () => {
  test('folds its edits: tables that come, move and go, and the last of each number', async () => {
    const bytes = manifestOf(
      BASE,
      add(0, 3, 'a', 'm'),
      { ...add(0, 5, 'b', 'z'), lastSequence: 20, nextFileNumber: 6 },
      {
        deletedTables: [{ level: 0, number: 3 }],
        newTables: [{ level: 1, table: table(3, 'a', 'm') }],
        logNumber: 4,
      },
      { deletedTables: [{ level: 0, number: 5 }], compactPointers: [{ level: 0, key: internalKey('z#7') }] },
      { compactPointers: [{ level: 0, key: internalKey('q#8') }], prevLogNumber: 3 },
    );
    const state = read(bytes);
    expect(state.levels.map((tables) => tables.map(({ number }) => number))).toEqual([
      [],
      [3],
      [],
      [],
      [],
      [],
      [],
    ]);
    expect(state).toMatchObject({
      number: 1,
      logNumber: 4,
      prevLogNumber: 3,
      nextFileNumber: 6,
      lastSequence: 20,
    });
    expect(state.compactPointers).toEqual([internalKey('q#8'), ...new Array(6).fill(undefined)]);
    expect(state).toMatchObject({ torn: false, sizeBytes: bytes.length });
    const storage = new MemoryStorage({ files: new Map([['MANIFEST-000001', bytes]]) });
    expect(await runLater(readManifest(storage, 1))).toEqual(state);
  });

  test('takes a table that one record states twice, as goleveldb does after a recovery', () => {
    const twice = { level: 0, table: table(3, 'a', 'm') };
    expect(read(manifestOf({ ...BASE, newTables: [twice, twice] })).levels[0]!.length).toBe(1);
  });

  test('ignores a last record that is torn, wherever it is cut, and says so', () => {
    const whole = manifestOf(BASE, add(0, 3, 'a', 'm'));
    const bytes = manifestOf(BASE, add(0, 3, 'a', 'm'), add(0, 4, 'a', 'm'));
    for (let end = whole.length; end < bytes.length; end++) {
      const state = read(bytes.subarray(0, end));
      expect(
        state.levels[0]!.map(({ number }) => number),
        `cut at ${end}`,
      ).toEqual([3]);
      expect(state, `cut at ${end}`).toMatchObject({ torn: end > whole.length, sizeBytes: whole.length });
    }
  });

  test('refuses one in which a record before the last is bad, wherever a bit is turned', () => {
    const bytes = manifestOf(BASE, add(0, 3, 'a', 'm'), add(0, 4, 'a', 'm'));
    for (let at = 0; at < bytes.length; at++) {
      const damaged = bytes.slice();
      damaged[at]! ^= 1 << (at % 8);
      expect(failureOf(damaged), `byte ${at}`).toMatchObject({
        code: ErrorCode.Corruption,
        file: 'MANIFEST-000001',
      });
    }
  });

  test.each([
    { id: 'no comparator', edit: { ...BASE, comparator: undefined }, reason: /comparator/ },
    { id: 'no journal number', edit: { ...BASE, logNumber: undefined }, reason: /journal number/ },
    { id: 'no next file number', edit: { ...BASE, nextFileNumber: undefined }, reason: /next file number/ },
    { id: 'no last sequence number', edit: { ...BASE, lastSequence: undefined }, reason: /last sequence/ },
  ])('refuses one that states $id', ({ edit, reason }) => {
    const present = Object.fromEntries(Object.entries(edit).filter(([, value]) => value !== undefined));
    const error = failureOf(manifestOf(present));
    expect(hasCode(error, ErrorCode.Corruption)).toBe(true);
    expect((error as Error).message).toMatch(reason);
  });

  test('refuses an empty one and one that is missing', () => {
    expect(hasCode(failureOf(new Uint8Array(0)), ErrorCode.Corruption)).toBe(true);
    expect(() => runNow(readManifest(new MemoryStorage(), 1))).toThrow(/missing/);
  });

  test('does not support another order of keys, and names it', () => {
    const error = failureOf(manifestOf({ ...BASE, comparator: 'idb_cmp1' }));
    expect(hasCode(error, ErrorCode.NotSupported)).toBe(true);
    expect((error as Error).message).toContain('idb_cmp1');
  });

  test.each([
    { id: 'a table twice', edits: [add(0, 3, 'a', 'm'), add(0, 3, 'a', 'm')], record: 2 },
    { id: 'a table in two levels', edits: [add(0, 3, 'a', 'm'), add(2, 3, 'a', 'm')], record: 2 },
    {
      id: 'a deletion of what is not there',
      edits: [{ deletedTables: [{ level: 0, number: 3 }] }],
      record: 1,
    },
    {
      id: 'a deletion from another level',
      edits: [add(0, 3, 'a', 'm'), { deletedTables: [{ level: 1, number: 3 }] }],
      record: 2,
    },
    { id: 'a table that ends before it begins', edits: [add(0, 3, 'm', 'a')], record: 1 },
    { id: 'overlapping tables below level 0', edits: [add(1, 3, 'a', 'm'), add(1, 4, 'm', 'z')], record: 2 },
  ])('refuses $id, naming where', ({ edits, record }) => {
    const error = failureOf(manifestOf(BASE, ...edits));
    const offset = manifestOf(BASE, ...edits.slice(0, record - 1)).length;
    expect(error).toMatchObject({ code: ErrorCode.Corruption, file: 'MANIFEST-000001', offset });
  });

  test(`is a state or a typed error, whatever the bytes (seed ${SEED}, 20,000 inputs)`, () => {
    const prng = new Prng(SEED);
    for (let round = 0; round < 20_000; round++) {
      const edits = [
        BASE,
        ...Array.from({ length: prng.below(4) }, (_, i) => add(prng.below(3), 3 + i, 'a', 'm')),
      ];
      const records = edits.map((edit) => {
        const encoded = encodeVersionEdit(edit);
        if (prng.oneIn(3)) encoded[prng.below(encoded.length)] = prng.nextU32();
        return encoded;
      });
      const bytes = slowLog(records);
      if (prng.oneIn(4)) bytes[prng.below(bytes.length)] = prng.nextU32();
      const error = failureOf(prng.oneIn(4) ? bytes.subarray(0, prng.below(bytes.length)) : bytes);
      if (error === undefined) continue;
      if (!isEngineError(error)) throw error;
      if (error.code !== ErrorCode.Corruption && error.code !== ErrorCode.NotSupported) throw error;
    }
  });
});
