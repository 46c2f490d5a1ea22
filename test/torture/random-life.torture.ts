import { expect, test } from 'vitest';
import { liveRandomly } from '../crash/random-life.ts';
import { Progress, SEED, scaled } from './torture.ts';

const SEEDS = scaled(1000);

test(`random lives agree with a model (seeds ${SEED} to ${SEED + SEEDS - 1})`, async () => {
  const progress = new Progress('random lives');
  const figures = { seeds: 0, lives: 0, operations: 0, reads: 0, faults: 0, broken: 0 };
  const problems: string[] = [];
  for (let seed = SEED; seed < SEED + SEEDS && problems.length < 5; seed++) {
    try {
      const life = await liveRandomly(seed);
      figures.lives += life.lives;
      figures.operations += life.operations;
      figures.reads += life.reads;
      figures.faults += life.faults;
    } catch (error) {
      problems.push(`seed ${seed}: ${String(error)}`);
    }
    figures.seeds++;
    figures.broken = problems.length;
    progress.report(figures);
  }
  progress.finish(figures);
  expect(problems).toEqual([]);
});
