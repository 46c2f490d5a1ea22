import { Prng } from '@arena-level/common/base/prng';
import { expect, test } from 'vitest';
import { KilledThreadedIngest } from '../crash/killed-threaded-ingest.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { Progress, SEED, scaled } from './torture.ts';

const KILLS = scaled(100);

test.each(['batches', 'tables'] as const)(
  `killed ingests in threads leave what they may: %s (seed ${SEED})`,
  async (path) => {
    const prng = new Prng(SEED);
    const progress = new Progress(`kills, ${path}`);
    const figures = { kills: 0, stores: 0, leftovers: 0, stored: 0, absent: 0 };
    while (figures.kills < KILLS) {
      const ingest = new KilledThreadedIngest(temporaryDirectory(), path, SEED + figures.stores++, prng);
      for (let kills = 1 + prng.below(8); kills > 0; kills--) {
        await ingest.killOne();
        figures.kills++;
        progress.report(figures);
      }
      figures.leftovers += ingest.leftovers;
      figures.stored += ingest.stored;
      figures.absent += ingest.absent;
    }
    progress.finish(figures);
    // Kills that met no ingest at work would prove nothing.
    if (path === 'tables' && KILLS >= 20) expect(figures.leftovers).toBeGreaterThan(0);
  },
);
