import { expect, test } from 'vitest';
import { playSeed } from '../differential/differential-run.ts';
import { Progress, SEED, scaled } from './torture.ts';

const SEEDS = scaled(500);
const OPERATIONS = 2000;
const SHRINK_MS = 60_000;

test(`random operations show what a model and LevelDB show (seeds ${SEED} to ${SEED + SEEDS - 1})`, async () => {
  const progress = new Progress('differential');
  const figures = { seeds: 0, compactions: 0, dropped: 0, 'into level 3 and deeper': 0, broken: 0 };
  const problems: string[] = [];
  for (let seed = SEED; seed < SEED + SEEDS && problems.length < 5; seed++) {
    try {
      const run = await playSeed(seed, OPERATIONS, SHRINK_MS);
      figures.compactions += run.figures.compactions;
      figures.dropped += run.figures.dropped;
      for (const count of run.figures.into.slice(3)) figures['into level 3 and deeper'] += count;
    } catch (error) {
      problems.push(String(error));
    }
    figures.seeds++;
    figures.broken = problems.length;
    progress.report(figures);
  }
  progress.finish(figures);
  expect(problems).toEqual([]);
  expect(figures['into level 3 and deeper']).toBeGreaterThan(0);
});
