import { Prng } from '@arena-level/common/base/prng';
import { describe, expect, test } from 'vitest';
import { LONG_TEST_MS } from '../support/long-test.ts';
import { seedFromEnvironment } from '../support/seed.ts';
import { type CrashRunOptions, checkCrashes } from './crash-run.ts';
import { type MemtableKind, SCENARIOS } from './scenarios.ts';

const SEED = seedFromEnvironment(20_251_122);
const KINDS: readonly MemtableKind[] = ['hash', 'skiplist'];

/** A sample; `pnpm torture` checks them all. */
const SAMPLE: CrashRunOptions = {
  draws: 2,
  oneIn: 8,
  thoroughOneIn: 6,
  crashAgainOneIn: 80,
  maxProblems: 3,
};

describe.each(KINDS)(`states that crashes may leave, %s memtables (seed ${SEED})`, (memtable) => {
  test.each(SCENARIOS)(
    'of $name open to a prefix that holds what was promised',
    async (scenario) => {
      const recording = await scenario.record(memtable, SEED);
      const { states, statesInRecovery, problems } = await checkCrashes(recording, SAMPLE, new Prng(SEED));
      expect(problems).toEqual([]);
      expect(states).toBeGreaterThan(50);
      expect(statesInRecovery).toBeGreaterThan(10);
    },
    LONG_TEST_MS,
  );
});
