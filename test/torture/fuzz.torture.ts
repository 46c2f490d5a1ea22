import { expect, test } from 'vitest';
import { allTargets } from '../fuzz/all-targets.ts';
import { runFuzz } from '../fuzz/fuzz-loop.ts';
import { Progress, SEED, scaled } from './torture.ts';

const INPUTS = scaled(1_000_000);

test(`the parsers of all files give a typed error or a consistent result (seed ${SEED}, ${INPUTS} inputs)`, async () => {
  const progress = new Progress('fuzz');
  const report = await runFuzz(await allTargets(), {
    seed: SEED,
    inputs: INPUTS,
    onProgress: ({ tried, problems }) => progress.report({ inputs: tried, problems: problems.length }),
  });
  const { tried, taken, refused, slowestMs, problems } = report;
  process.stderr.write(
    `fuzz: ${JSON.stringify({ tried, taken, refused, slowestMs, problems: problems.length })}\n`,
  );
  expect(problems).toEqual([]);
});
