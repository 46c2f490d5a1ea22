import { describe, expect, test } from 'vitest';
import { seedFromEnvironment } from '../support/seed.ts';
import { allTargets } from './all-targets.ts';
import { runFuzz } from './fuzz-loop.ts';

const SEED = seedFromEnvironment(20_251_126);
const INPUTS = 100_000;

describe('the parsers of all files', () => {
  test(`give a typed error or a consistent result for ${INPUTS} inputs (seed ${SEED})`, async () => {
    const targets = await allTargets();
    const report = await runFuzz(targets, { seed: SEED, inputs: INPUTS });
    expect(report.problems).toEqual([]);
    expect(report.tried).toBe(INPUTS);
    // Every parser was got into, and got through.
    for (const { name } of targets) expect(report.taken[name], name).toBeGreaterThan(10);
  }, 300_000);
});
