import { expect, test } from 'vitest';
import { runDamageLoop } from '../damage/damage-loop.ts';
import { SCALE, SEED } from './torture.ts';

test(`every byte flipped and every file cut short is an error or the right data (seed ${SEED})`, async () => {
  const report = await runDamageLoop({ seed: SEED, oneIn: Math.max(1, Math.round(1 / SCALE)) });
  process.stderr.write(`damage: ${JSON.stringify({ ...report, problems: report.problems.length })}\n`);
  expect(report.problems).toEqual([]);
});
