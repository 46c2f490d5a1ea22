import { describe, expect, test } from 'vitest';
import { LONG_TEST_MS } from '../support/long-test.ts';
import { seedFromEnvironment } from '../support/seed.ts';
import { runDamageLoop } from './damage-loop.ts';

const SEED = seedFromEnvironment(20_251_122);

describe('a store with damaged files', () => {
  test(
    `gives an error that names the file, or exactly the right data (sample, seed ${SEED})`,
    async () => {
      const report = await runDamageLoop({ seed: SEED, oneIn: 60 });
      expect(report.problems).toEqual([]);
      expect(report.refused).toBeGreaterThan(report.tried / 10);
    },
    LONG_TEST_MS,
  );
});
