import { Prng } from '@arena-level/common/base/prng';
import { describe, expect, test } from 'vitest';
import { LONG_TEST_MS } from '../support/long-test.ts';
import { seedFromEnvironment } from '../support/seed.ts';
import { COMPACTING, type FaultKind, runFaultCase, runFaultLoop } from './fault-loop.ts';

const SEED = seedFromEnvironment(20_251_122);

describe('a store whose files fail', () => {
  test(
    `keeps every promise whichever operation fails, once or for good (sample, seed ${SEED})`,
    async () => {
      const report = await runFaultLoop({ seed: SEED, oneIn: 60 });
      expect(report.problems).toEqual([]);
      expect(report.runs).toBeGreaterThan(40);
      // Callers hear of most failures; the others were in cleanup, or were healed.
      expect(report.silent).toBeLessThan(report.runs / 2);
    },
    LONG_TEST_MS,
  );

  test(`does so while it compacts and rolls its manifest over (sample, seed ${SEED})`, async () => {
    const report = await runFaultLoop({ seed: SEED, oneIn: 250, life: COMPACTING });
    expect(report.problems).toEqual([]);
    expect(report.runs).toBeGreaterThan(20);
  });

  test.each<FaultKind>([
    { operation: 'sync', type: 'journal', effect: 'lost-sync', errno: 'EIO', times: 1 },
    { operation: 'sync', type: 'manifest', effect: 'lost-sync', errno: 'EIO', times: 1 },
  ])(
    `loses nothing acknowledged when a sync of a $type fails and drops what it covered (seed ${SEED})`,
    async (kind) => {
      const prng = new Prng(SEED);
      for (let nth = 1; nth <= 15; nth++) {
        const { problems, fired } = await runFaultCase(kind, nth, prng);
        expect(problems, `number ${nth}`).toEqual([]);
        if (!fired) return;
      }
    },
    LONG_TEST_MS,
  );
});
