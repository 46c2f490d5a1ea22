import { Prng } from '@arena-level/common/base/prng';
import type { OpenOptions } from 'arena-level/engine';
import { expect, test } from 'vitest';
import { seedFromEnvironment } from '../support/seed.ts';
import { playOrShrink, playSeed, randomSetting } from './differential-run.ts';
import { randomOperations } from './operations.ts';

const SEED = seedFromEnvironment(20_251_203);
const SEEDS = 3;
const OPERATIONS = 800;
const SHRINK_MS = 20_000;
const TIMEOUT_MS = 180_000;

test(
  `random operations show what a model and LevelDB show (seeds ${SEED} to ${SEED + SEEDS - 1})`,
  async () => {
    const into: number[] = new Array(7).fill(0);
    let dropped = 0;
    for (let seed = SEED; seed < SEED + SEEDS; seed++) {
      const { figures } = await playSeed(seed, OPERATIONS, SHRINK_MS);
      for (const [level, count] of figures.into.entries()) into[level]! += count;
      dropped += figures.dropped;
    }
    // Deep levels were used, and there was something to drop: otherwise this tests nothing.
    expect(into[3]).toBeGreaterThan(0);
    expect(dropped).toBeGreaterThan(100);
  },
  TIMEOUT_MS,
);

const TINY: OpenOptions = {
  flush: 'inline',
  writeBufferSize: 4096,
  maxFileSize: 4096,
  level1Size: 8192,
  levelSizeMultiplier: 2,
  level0CompactionTrigger: 2,
};

const VARIANTS: readonly OpenOptions[] = [
  { ...TINY, compression: 'none', bloomBitsPerKey: 0, memtable: 'skiplist' },
  { ...TINY, compression: 'snappy', blockSize: 256, blockRestartInterval: 1, seekCompaction: true },
  { ...TINY, maxFileSize: 16_384, flush: 'worker', compactionWorkers: 1 },
  { ...TINY, writeBufferSize: 16_384, flush: 'worker', compactionWorkers: 2, cacheSize: 0 },
  { flush: 'inline', writeBufferSize: 16_384, levelSizes: 'leveldb' },
];

test(
  `the same operations show the same at every check, whatever the options (seed ${SEED})`,
  async () => {
    const digests: (readonly string[])[] = [];
    const split: number[] = [];
    for (const options of VARIANTS) {
      const operations = randomOperations(new Prng(SEED), OPERATIONS);
      const setting = { ...randomSetting(new Prng(SEED)), options, inMemory: false, withLevelDb: false };
      const run = await playOrShrink(operations, setting, `SEED=${SEED}`, SHRINK_MS);
      digests.push(run.digests);
      split.push(run.figures.split);
    }
    expect(digests[0]!.length).toBeGreaterThan(3);
    // Two workers shared compactions; where there is one, none did.
    expect(split.map((count) => count > 0)).toEqual(
      VARIANTS.map(({ compactionWorkers }) => compactionWorkers === 2),
    );
    for (const others of digests) expect(others).toEqual(digests[0]);
  },
  TIMEOUT_MS,
);
