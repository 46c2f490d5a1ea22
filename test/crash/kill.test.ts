import { Prng } from '@arena-level/common/base/prng';
import { describe, expect, test } from 'vitest';
import { LONG_TEST_MS } from '../support/long-test.ts';
import { seedFromEnvironment } from '../support/seed.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { KilledIngest } from './killed-ingest.ts';

const SEED = seedFromEnvironment(20_251_122);

describe(`a process that is killed while it ingests (seed ${SEED})`, () => {
  test(
    'loses nothing that it acknowledged, killed again and again in one store',
    async () => {
      const prng = new Prng(SEED);
      const ingest = new KilledIngest(temporaryDirectory(), SEED, prng);
      for (let kill = 0; kill < 6; kill++) {
        await ingest.killOne();
        // Left alone now and then, so that the next process is the one to recover, and may be killed at it.
        if (prng.oneIn(2)) await ingest.check();
      }
      expect(await ingest.check()).toBeGreaterThan(0);
    },
    LONG_TEST_MS,
  );

  test('counts as killed only when it was', async () => {
    let seed = SEED;
    // Not one that is killed while it opens the store.
    while (new Prng(seed).oneIn(4)) seed++;
    const ingest = new KilledIngest(temporaryDirectory(), SEED, new Prng(seed));
    await expect(ingest.killOne(0)).rejects.toThrow('the ingest ended by itself with 0');
  });

  test(
    'loses nothing that it acknowledged, killed in a new store',
    async () => {
      const prng = new Prng(SEED + 1);
      for (let kill = 0; kill < 4; kill++) {
        const ingest = new KilledIngest(temporaryDirectory(), SEED + kill, prng);
        await ingest.killOne();
        await ingest.check();
      }
    },
    LONG_TEST_MS,
  );
});
