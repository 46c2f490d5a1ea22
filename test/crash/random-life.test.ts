import { describe, expect, test } from 'vitest';
import { LONG_TEST_MS } from '../support/long-test.ts';
import { seedFromEnvironment } from '../support/seed.ts';
import { liveRandomly } from './random-life.ts';

const SEED = seedFromEnvironment(20_251_122);
const LIVES = 30;

describe('random lives of a store, each ending in a crash', () => {
  test(
    `agree with a model (seeds ${SEED} to ${SEED + LIVES - 1}; SEED=n repeats n first)`,
    async () => {
      for (let seed = SEED; seed < SEED + LIVES; seed++) {
        await expect(liveRandomly(seed), `seed ${seed}`).resolves.toBeDefined();
      }
    },
    LONG_TEST_MS,
  );
});
