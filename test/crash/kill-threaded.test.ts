import { Prng } from '@arena-level/common/base/prng';
import { describe, expect, test } from 'vitest';
import { LONG_TEST_MS } from '../support/long-test.ts';
import { seedFromEnvironment } from '../support/seed.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { KilledThreadedIngest } from './killed-threaded-ingest.ts';
import { BATCHES, contentsWith, endsBatch, recordAt } from './threaded-records.ts';

const SEED = seedFromEnvironment(20_261_127);

describe(`a process that is killed while it ingests in threads (seed ${SEED})`, () => {
  test('leaves whole batches, a prefix of the source', { timeout: LONG_TEST_MS }, async () => {
    const ingest = new KilledThreadedIngest(temporaryDirectory(), 'batches', SEED, new Prng(SEED));
    for (let kill = 0; kill < 3; kill++) await ingest.killOne();
  });

  test('leaves all that came as tables, or nothing, and no temporary file', {
    timeout: LONG_TEST_MS,
  }, async () => {
    const ingest = new KilledThreadedIngest(temporaryDirectory(), 'tables', SEED, new Prng(SEED + 1));
    for (let kill = 0; kill < 4; kill++) await ingest.killOne();
    expect(ingest.stored + ingest.absent).toBeGreaterThan(0);
  });
});

test('where batches end is what batches of such sizes come to', () => {
  const ends: number[] = [];
  for (let at = 0; at <= 2 * BATCHES.pieceRecords; at++) if (endsBatch(at)) ends.push(at);
  expect(ends).toEqual([0, 7, 14, 21, 28, 35, 42, 49, 50, 57, 64, 71, 78, 85, 92, 99, 100]);
  expect(contentsWith([recordAt(1, 5)]).get(recordAt(1, 5).key)).toContain('"at":5');
});
