import { readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Prng } from '@arena-level/common/base/prng';
import { runNow } from '@arena-level/common/base/steps';
import { ValueKind } from '@arena-level/common/key/value-kind';
import { tableFile } from '@arena-level/common/storage/file-desc';
import { NodeStorage } from '@arena-level/common/storage/node-storage';
import { TableBuilder } from '@arena-level/common/table/table-builder';
import { DEFAULT_TABLE_OPTIONS } from '@arena-level/common/table/table-options';
import { type OpenOptions, open, repair } from 'arena-level/engine';
import { describe, expect, test } from 'vitest';
import { readCurrentNow } from '../../packages/engine/src/manifest/current-file.ts';
import { readManifest } from '../../packages/engine/src/version/manifest-reader.ts';
import { expectHere, expectInLevelDb, withLevelDb } from '../interop/both-engines.ts';
import { GOLDEN_STORES, restoreGolden } from '../interop/golden-stores.ts';
import { hex, type Model, randomBatches } from '../interop/random-batches.ts';
import { seedFromEnvironment } from '../support/seed.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { bytes } from '../support/text-bytes.ts';

const SEED = seedFromEnvironment(20_251_126);
const SMALL: OpenOptions = { flush: 'inline', writeBufferSize: 64 * 1024 };

function remove(directory: string, pattern: RegExp): void {
  for (const name of readdirSync(directory)) if (pattern.test(name)) rmSync(join(directory, name));
}

/** Leftovers of compactions: only a manifest tells them from tables of the store, and without one they come back. */
function removeUnlisted(directory: string): void {
  const storage = new NodeStorage(directory);
  const { levels } = runNow(readManifest(storage, readCurrentNow(storage)!));
  const listed = new Set(levels.flat().map(({ number }) => number));
  for (const file of storage.listNow()) {
    if (file.type === 'table' && !listed.has(file.number)) storage.removeNow(file);
  }
}

interface Version {
  readonly key: string;
  readonly sequence: number;
  /** Undefined: a tombstone. */
  readonly value: string | undefined;
}

/** Writes a table of entries that are in order. */
function writeTable(directory: string, number: number, entries: readonly Version[]): void {
  const file = new NodeStorage(directory).createNow(tableFile(number));
  const builder = new TableBuilder(file, DEFAULT_TABLE_OPTIONS);
  for (const { key, sequence, value } of entries) {
    const kind = value === undefined ? ValueKind.Delete : ValueKind.Put;
    builder.add(bytes(key), 0, key.length, sequence, kind, bytes(value ?? ''), 0, value?.length ?? 0);
  }
  builder.finish();
  file.closeNow();
}

function modelOf(contents: Readonly<Record<string, string>>): Model {
  return new Map(Object.entries(contents).map(([key, value]) => [hex(bytes(key)), hex(bytes(value))]));
}

const put = (key: string, sequence: number, value: string): Version => ({ key, sequence, value });
const del = (key: string, sequence: number): Version => ({ key, sequence, value: undefined });

describe('tables that no manifest puts in order', () => {
  test('are numbered by age: a higher file number does not make a version newer', async () => {
    const directory = temporaryDirectory();
    writeTable(directory, 5, [put('a', 9, 'new'), put('b', 7, 'new')]);
    writeTable(directory, 6, [put('a', 3, 'old'), put('c', 4, 'old')]);
    const report = await repair(directory);
    expect(report).toMatchObject({ levelsKept: false, ageIsCertain: true, kept: ['000006.ldb'], entries: 4 });
    expect(report.renamed).toMatchObject([{ from: '000005.ldb' }]);
    const model = modelOf({ a: 'new', b: 'new', c: 'old' });
    await expectInLevelDb(directory, model);
    await expectHere(directory, model);
  });

  test('are compared by the keys they share where sequence numbers interleave, as after a compaction', async () => {
    const directory = temporaryDirectory();
    // Of level 1: c was compacted into it, a and b are as old as they were.
    writeTable(directory, 9, [put('a', 1, 'old'), put('b', 2, 'old'), put('c', 100, 'new')]);
    // Of level 0, and so newer where both have a key.
    writeTable(directory, 4, [put('a', 50, 'new'), del('b', 60)]);
    const report = await repair(directory);
    expect(report).toMatchObject({ ageIsCertain: true, lastSequence: 100, kept: ['000009.ldb'] });
    const model = modelOf({ a: 'new', c: 'new' });
    await expectInLevelDb(directory, model);
    await expectHere(directory, model);
  });

  test('and contradict each other are said to, and read right here', async () => {
    const directory = temporaryDirectory();
    writeTable(directory, 4, [put('a', 1, 'old'), put('b', 8, 'new')]);
    writeTable(directory, 5, [put('b', 2, 'old'), put('c', 9, 'new')]);
    writeTable(directory, 6, [put('a', 7, 'new'), put('c', 3, 'old')]);
    const report = await repair(directory);
    expect(report.ageIsCertain).toBe(false);
    await expectHere(directory, modelOf({ a: 'new', b: 'new', c: 'new' }));
  });

  test('may bear the names of long ago', async () => {
    const directory = temporaryDirectory();
    writeTable(directory, 5, [put('a', 9, 'new')]);
    writeTable(directory, 6, [put('a', 3, 'old')]);
    for (const name of ['000005', '000006'])
      renameSync(join(directory, `${name}.ldb`), join(directory, `${name}.sst`));
    await repair(directory);
    await expectInLevelDb(directory, modelOf({ a: 'new' }));
    await expectHere(directory, modelOf({ a: 'new' }));
  });
});

describe('a store that LevelDB or goleveldb wrote', () => {
  test.each(GOLDEN_STORES)('(%s) holds the same after a repair that it did not need', async (name) => {
    const { directory, contents } = await restoreGolden(name);
    expect(await repair(directory)).toMatchObject({
      levelsKept: true,
      damage: [],
      rewritten: [],
      missing: [],
    });
    await expectInLevelDb(directory, contents);
    await expectHere(directory, contents);
  });

  test.each(GOLDEN_STORES)('(%s) holds the same after a repair without CURRENT', async (name) => {
    const { directory, contents } = await restoreGolden(name);
    remove(directory, /^CURRENT$/);
    expect(await repair(directory)).toMatchObject({ levelsKept: true, rewritten: [] });
    await expectInLevelDb(directory, contents);
    await expectHere(directory, contents);
  });

  test.each(GOLDEN_STORES)('(%s) holds the same after a repair without its manifest', async (name) => {
    const { directory, contents } = await restoreGolden(name);
    removeUnlisted(directory);
    remove(directory, /^(CURRENT|MANIFEST-\d+)$/);
    expect(await repair(directory)).toMatchObject({ levelsKept: false, ageIsCertain: true, rewritten: [] });
    await expectInLevelDb(directory, contents);
    await expectHere(directory, contents);
  });

  test.each([0, 1, 2, 3])(
    `with many versions in many levels holds the same without its manifest (seed ${SEED} + %i)`,
    async (round) => {
      const directory = temporaryDirectory();
      const prng = new Prng(SEED + round);
      const model: Model = new Map();
      for (let life = 0; life < 4; life++) {
        const store = await open(directory, SMALL);
        for (const operations of randomBatches(model, 60, prng)) await store.batch(operations);
        await store.close();
        await withLevelDb(directory, async (db) => {
          for (const operations of randomBatches(model, 60, prng)) await db.batch([...operations] as never);
          const begin = Uint8Array.of(prng.below(256));
          await db.compactRange(begin, Uint8Array.of(Math.min(255, begin[0]! + prng.below(120)), 0xff));
          for (const operations of randomBatches(model, 40, prng)) await db.batch([...operations] as never);
        });
      }
      remove(directory, /^(CURRENT|MANIFEST-\d+)$/);
      const report = await repair(directory, SMALL);
      expect(report).toMatchObject({ levelsKept: false, ageIsCertain: true, rewritten: [] });
      expect(report.kept.length + report.renamed.length).toBeGreaterThan(2);
      await expectInLevelDb(directory, model);
      await expectHere(directory, model);
    },
  );

  test('and has levels keeps them when a table of level 0 is damaged: what is newer stays newer', async () => {
    const directory = temporaryDirectory();
    const store = await open(directory, SMALL);
    await store.put(bytes('a'), bytes('first'));
    await store.put(bytes('b'), bytes('first'));
    await store.flush();
    await store.put(bytes('a'), bytes('second'));
    await store.flush();
    await store.close();
    const [older] = readdirSync(directory)
      .filter((name) => name.endsWith('.ldb'))
      .sort();
    const contents = readFileSync(join(directory, older!));
    contents[contents.length - 1]! ^= 1;
    writeFileSync(join(directory, older!), contents);
    const report = await repair(directory);
    expect(report).toMatchObject({ levelsKept: true, kept: [] });
    expect(report.rewritten).toHaveLength(2);
    const model = modelOf({ a: 'second', b: 'first' });
    await expectInLevelDb(directory, model);
    await expectHere(directory, model);
  });
});
