import { Prng } from '@arena-level/common/base/prng';
import { type OpenOptions, open } from 'arena-level/engine';
import { describe, expect, test } from 'vitest';
import { seedFromEnvironment } from '../support/seed.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { expectHere, expectInLevelDb, withLevelDb } from './both-engines.ts';
import { GOLDEN_STORES, restoreGolden } from './golden-stores.ts';
import { type Model, randomBatches } from './random-batches.ts';

const SEED = seedFromEnvironment(20_251_203);
const ROUNDS = 10;
const TIMEOUT_MS = 120_000;
const LAST_KEY: Uint8Array = new Uint8Array(9).fill(0xff);

/** Small levels, so that a few hundred writes reach the deep ones. */
const SMALL: OpenOptions = {
  flush: 'inline',
  writeBufferSize: 16 * 1024,
  maxFileSize: 16 * 1024,
  level1Size: 16 * 1024,
  levelSizeMultiplier: 2,
  level0CompactionTrigger: 2,
};

const VARIANTS: readonly (readonly [string, OpenOptions])[] = [
  ['compression and bloom filters', { compression: 'snappy', bloomBitsPerKey: 10 }],
  ['neither', { compression: 'none', bloomBitsPerKey: 0 }],
];

/** Writes, compacts all or a part, and writes again. Returns the deepest level that has a table. */
async function liveHere(directory: string, model: Model, prng: Prng, options: OpenOptions): Promise<number> {
  const store = await open(directory, { ...SMALL, ...options });
  for (const operations of randomBatches(model, 40, prng)) await store.batch(operations);
  const [start, end] = [Uint8Array.of(prng.below(256)), Uint8Array.of(prng.below(256))];
  await (prng.oneIn(2) ? store.compactRange() : store.compactRange(start, end));
  const levels = store.stats().levels.map(({ tables }) => tables > 0);
  for (const operations of randomBatches(model, 10, prng)) await store.batch(operations);
  await store.close();
  return levels.lastIndexOf(true);
}

async function liveInLevelDb(directory: string, model: Model, prng: Prng): Promise<void> {
  await withLevelDb(directory, async (db) => {
    for (const operations of randomBatches(model, 30, prng)) await db.batch([...operations] as never);
    await db.compactRange(prng.oneIn(2) ? new Uint8Array(0) : Uint8Array.of(0x61), LAST_KEY);
    for (const operations of randomBatches(model, 5, prng)) await db.batch([...operations] as never);
  });
}

describe('a store that both compact', () => {
  test.each(VARIANTS)(
    `with %s holds the same in both, ${ROUNDS} times there and back (seed ${SEED})`,
    async (_, options) => {
      const directory = temporaryDirectory();
      const prng = new Prng(SEED);
      const model: Model = new Map();
      let deepest = 0;
      for (let round = 0; round < ROUNDS; round++) {
        deepest = Math.max(deepest, await liveHere(directory, model, prng, options));
        await expectInLevelDb(directory, model);
        await liveInLevelDb(directory, model, prng);
        await expectHere(directory, model, { ...SMALL, ...options });
      }
      await expectInLevelDb(directory, model);
      expect(deepest).toBeGreaterThanOrEqual(3);
    },
    TIMEOUT_MS,
  );
});

describe('a store that LevelDB or goleveldb wrote', () => {
  test.each(GOLDEN_STORES)(
    '(%s) and that is compacted here holds the same here and in LevelDB',
    async (name) => {
      const { directory, contents } = await restoreGolden(name);
      const store = await open(directory, SMALL);
      await store.compactRange();
      const { levels } = store.stats();
      expect(levels[0]!.tables).toBe(0);
      await store.close();
      await expectHere(directory, contents, SMALL);
      await expectInLevelDb(directory, contents);
    },
    TIMEOUT_MS,
  );
});
