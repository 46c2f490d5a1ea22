import { Prng } from '@arena-level/common/base/prng';
import { test } from 'vitest';
import { KilledIngest } from '../crash/killed-ingest.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { Progress, SEED, scaled } from './torture.ts';

const KILLS = scaled(200);

test(`killed processes lose nothing that they acknowledged (seed ${SEED})`, async () => {
  const prng = new Prng(SEED);
  const progress = new Progress('kills');
  const figures = { kills: 0, stores: 0, checks: 0, operations: 0 };
  while (figures.kills < KILLS) {
    // Half of the stores live through one kill, the others through a few to many.
    const kills = prng.oneIn(2) ? 1 : 2 + prng.below(12);
    const ingest = new KilledIngest(temporaryDirectory(), SEED + figures.stores, prng);
    for (let kill = 0; kill < kills; kill++) {
      await ingest.killOne();
      figures.kills++;
      if (kill < kills - 1 && prng.oneIn(2)) continue;
      figures.checks++;
      await ingest.check();
      progress.report(figures);
    }
    figures.stores++;
    figures.operations += ingest.acknowledged;
  }
  progress.finish(figures);
});
