import { Prng } from '@arena-level/common/base/prng';
import { type OpenOptions, open } from 'arena-level/engine';
import { describe, expect, test } from 'vitest';
import { seedFromEnvironment } from '../support/seed.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { expectHere, expectInLevelDb, withLevelDb } from './both-engines.ts';
import { type Model, randomBatches } from './random-batches.ts';

const SEED = seedFromEnvironment(20_251_122);
const ROUNDS = 5;

const VARIANTS: readonly (readonly [string, OpenOptions])[] = [
  ['snappy and bloom filters', { compression: 'snappy', bloomBitsPerKey: 10 }],
  ['no compression, no filters', { compression: 'none', bloomBitsPerKey: 0 }],
  ['tiny blocks, without shared prefixes', { blockSize: 256, blockRestartInterval: 1 }],
  ['a skiplist', { memtable: 'skiplist' }],
];

/** Small arenas, so that a few hundred writes make several tables. */
const SMALL: OpenOptions = { flush: 'inline', writeBufferSize: 64 * 1024 };

async function writeHere(directory: string, model: Model, prng: Prng, options: OpenOptions): Promise<void> {
  const store = await open(directory, { ...SMALL, ...options });
  for (const operations of randomBatches(model, 80, prng)) await store.batch(operations);
  await store.flush();
  // These stay in the journal.
  for (const operations of randomBatches(model, 10, prng)) await store.batch(operations);
  await store.close();
}

describe('a store that is written here', () => {
  test.each(VARIANTS)(`with %s holds the same in LevelDB (seed ${SEED})`, async (_, options) => {
    const directory = temporaryDirectory();
    const model: Model = new Map();
    await writeHere(directory, model, new Prng(SEED), options);
    await expectInLevelDb(directory, model);
    await expectHere(directory, model, options);
  });

  test.each(VARIANTS.slice(0, 2))(
    `with %s goes to LevelDB and back, ${ROUNDS} times, and nothing changes on the way (seed ${SEED})`,
    async (_, options) => {
      const directory = temporaryDirectory();
      const prng = new Prng(SEED + 1);
      const model: Model = new Map();
      for (let round = 0; round < ROUNDS; round++) {
        await writeHere(directory, model, prng, options);
        await expectInLevelDb(directory, model);
        await withLevelDb(directory, async (db) => {
          for (const operations of randomBatches(model, 40, prng)) await db.batch([...operations] as never);
          if (round % 2 === 0) await db.compactRange(new Uint8Array(0), new Uint8Array(9).fill(0xff));
          for (const operations of randomBatches(model, 10, prng)) await db.batch([...operations] as never);
        });
        await expectHere(directory, model, options);
      }
      await expectInLevelDb(directory, model);
    },
  );

  test('and only then by LevelDB has the MasterRoot of what is there, whoever wrote it', async () => {
    const directory = temporaryDirectory();
    const model: Model = new Map();
    await writeHere(directory, model, new Prng(SEED + 2), {});
    await withLevelDb(directory, async (db) => {
      for (const operations of randomBatches(model, 200, new Prng(SEED + 3)))
        await db.batch([...operations] as never);
      await db.compactRange(new Uint8Array(0), new Uint8Array(9).fill(0xff));
    });
    const store = await open(directory, SMALL);
    const { root, tables } = await store.masterRoot();
    const report = await store.verify();
    expect(report).toMatchObject({ tables, differing: [] });
    expect(Buffer.compare(report.root!, root)).toBe(0);
    await store.close();
    const again = await open(directory, SMALL);
    expect(Buffer.compare((await again.masterRoot()).root, root)).toBe(0);
    await again.close();
  });
});
