import { expect, test } from 'vitest';
import { runTerminations } from '../rings/terminations.ts';
import { Progress, SEED, scaled } from './torture.ts';

const TERMINATIONS = scaled(200);

test(`${TERMINATIONS} terminated threads leave whole batches, in their order (seed ${SEED})`, async () => {
  const progress = new Progress('rings');
  const onProgress = (terminated: number): void => progress.report({ terminated });
  const { terminated, batches, problems } = await runTerminations({
    seed: SEED,
    count: TERMINATIONS,
    onProgress,
  });
  progress.finish({ terminated, batches, problems: problems.length });
  expect(problems).toEqual([]);
  expect(terminated).toBe(TERMINATIONS);
});
