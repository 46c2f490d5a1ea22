import { expect, test } from 'vitest';
import { runFaultLoop } from '../faults/fault-loop.ts';
import { SCALE, SEED } from './torture.ts';

test(`every operation that fails in every way leaves what was acknowledged (seed ${SEED})`, async () => {
  const report = await runFaultLoop({ seed: SEED, oneIn: Math.max(1, Math.round(1 / SCALE)) });
  process.stderr.write(`faults: ${JSON.stringify({ ...report, problems: report.problems.length })}\n`);
  expect(report.problems).toEqual([]);
});
