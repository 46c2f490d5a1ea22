import { Prng } from '@arena-level/common/base/prng';
import { expect, test } from 'vitest';
import { checkCrashes } from '../crash/crash-run.ts';
import { type MemtableKind, SCENARIOS } from '../crash/scenarios.ts';
import { Progress, SCALE, SEED, scaled } from './torture.ts';

const SEEDS = scaled(3);
const KINDS: readonly MemtableKind[] = ['hash', 'skiplist'];
const EVERYTHING = { draws: 3, oneIn: 1, thoroughOneIn: 5, crashAgainOneIn: 200, maxProblems: 5 };

test(`every state that crashes may leave opens to a prefix that holds what was promised (seed ${SEED})`, async () => {
  const progress = new Progress('crashes');
  const figures = { recordings: 0, states: 0, 'states in recovery': 0, broken: 0 };
  const problems: string[] = [];
  for (let seed = SEED; seed < SEED + SEEDS; seed++) {
    for (const memtable of KINDS) {
      for (const scenario of SCENARIOS) {
        const recording = await scenario.record(memtable, seed);
        const findings = await checkCrashes(recording, EVERYTHING, new Prng(seed));
        for (const problem of findings.problems)
          problems.push(`${scenario.name}, ${memtable}, seed ${seed}: ${problem}`);
        figures.recordings++;
        figures.states += findings.states;
        figures['states in recovery'] += findings.statesInRecovery;
        figures.broken = problems.length;
        progress.report(figures);
      }
    }
  }
  progress.finish(figures);
  expect(problems).toEqual([]);
  expect(figures.states).toBeGreaterThanOrEqual(SCALE < 1 ? 0 : 10_000);
  expect(figures['states in recovery']).toBeGreaterThanOrEqual(SCALE < 1 ? 0 : 5_000);
});
