/** Tests that the crash tests can fail: every sync that a store might forget is found missing. */
import { Prng } from '@arena-level/common/base/prng';
import { beforeAll, describe, expect, test } from 'vitest';
import { seedFromEnvironment } from '../support/seed.ts';
import { checkCrashes } from './crash-run.ts';
import { type Recording, SCENARIOS } from './scenarios.ts';
import { type SyncKind, silence, syncKinds } from './silenced-trace.ts';

const SEED = seedFromEnvironment(20_251_122);

const NEEDED: readonly SyncKind[] = [
  'journal',
  'table',
  'manifest',
  'CURRENT',
  'name of a journal',
  'name of a table',
  'name of a manifest',
  'name CURRENT',
];

/** File operations. */
const SOON = 8;

describe(`a store that forgets syncs (seed ${SEED})`, () => {
  let recording: Recording;
  beforeAll(async () => {
    recording = await SCENARIOS[0]!.record('hash', SEED);
  });

  /** Crashes soon after a forgotten sync, until a broken promise is found. */
  const crashesWithout = async (kind: SyncKind, oneIn: number) => {
    const kinds = syncKinds(recording.trace);
    expect(kinds).toContain(kind);
    const trace = silence(recording.trace, (index) => kinds[index] === kind);
    const isWanted = (position: number) => kinds.slice(Math.max(0, position - SOON), position).includes(kind);
    const run = { draws: 6, oneIn, isWanted, thoroughOneIn: 10, crashAgainOneIn: 1000, maxProblems: 1 };
    return checkCrashes({ ...recording, trace }, run, new Prng(SEED));
  };

  test.each(NEEDED)('breaks a promise without those of: %s', async (kind) => {
    const { problems } = await crashesWithout(kind, 1);
    expect(problems).toHaveLength(1);
  });

  test('breaks none without those of the roots file, which nothing depends on', async () => {
    const { problems } = await crashesWithout('roots', 8);
    expect(problems).toEqual([]);
  });
});
