import { Prng } from '@arena-level/common/base/prng';
import { MemDbKind } from '@arena-level/common/memdb/memdb';
import { expect, test } from 'vitest';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { checkedRun } from '../threads/checked-run.ts';
import { Progress, SEED, scaled } from './torture.ts';

const RUNS = scaled(100);
const RUN_MS = 10_000;
/** Threads that are terminated in the middle of their reads, over all runs. */
const TERMINATIONS = scaled(200);

test(`threads that read while the owner and others write see one history, whoever of the readers dies (seed ${SEED})`, async () => {
  const prng = new Prng(SEED);
  const progress = new Progress('threads');
  const figures = {
    runs: 0,
    reads: 0,
    writes: 0,
    threadWrites: 0,
    rotations: 0,
    compactions: 0,
    terminated: 0,
  };
  for (; figures.runs < RUNS; figures.runs++) {
    const seed = SEED + figures.runs;
    const began = performance.now();
    const isHot = prng.oneIn(4);
    const report = await checkedRun(temporaryDirectory(), {
      seed,
      readers: 1 + prng.below(4),
      writers: isHot ? 0 : 1 + prng.below(4),
      isHot,
      terminations: Math.ceil((TERMINATIONS - figures.terminated) / (RUNS - figures.runs)),
      store: { memtable: Object.values(MemDbKind)[prng.below(2)]! },
      goesOn: () => performance.now() - began < RUN_MS,
    });
    expect(report.problems, `SEED=${seed}`).toEqual([]);
    figures.reads += report.reads;
    figures.writes += report.writes;
    figures.threadWrites += report.threadWrites;
    figures.rotations += report.rotations;
    figures.compactions += report.compactions;
    figures.terminated += report.terminated;
    progress.report(figures);
  }
  expect(figures.terminated).toBeGreaterThanOrEqual(TERMINATIONS);
  progress.finish(figures);
});
