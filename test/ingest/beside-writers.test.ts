/** Ingests beside writers, flushes, compactions and clears that know nothing of them. */
import { Prng } from '@arena-level/common/base/prng';
import { expect, test } from 'vitest';
import { nextTurn } from '../support/eventually.ts';
import { reopen } from '../support/held-store.ts';
import { seedFromEnvironment } from '../support/seed.ts';
import { bytes } from '../support/text-bytes.ts';
import {
  contentsOf,
  expected,
  type IngestStore,
  lines,
  openForIngest,
  SMALL,
  source,
  TINY,
} from './ingest-store.ts';

const OPTIONS = { ...TINY, autoCompaction: true, level0CompactionTrigger: 2 };
const ROUNDS = 12;

/** Keys on both sides of all ranges and between them, so that tables lie across every range. */
function randomKey(prng: Prng): string {
  return `${'acegikmoqsuwy'[prng.below(13)]!}${prng.below(60)}`;
}

async function writeBeside(
  { store }: IngestStore,
  model: Map<string, string>,
  prng: Prng,
  isDone: () => boolean,
): Promise<void> {
  for (let at = 0; !isDone(); at++) {
    const name = randomKey(prng);
    const value = `${at}`.padEnd(prng.below(200), '.');
    if (prng.oneIn(8)) {
      store.delSync(bytes(name));
      model.delete(name);
    } else if (prng.oneIn(3)) {
      store.putSync(bytes(name), bytes(value));
      model.set(name, value);
    } else {
      await store.put(bytes(name), bytes(value));
      model.set(name, value);
    }
    if (prng.oneIn(60)) await store.flush();
    if (prng.oneIn(150)) await store.compactRange();
    if (prng.oneIn(4)) await nextTurn();
  }
}

test('everything is there afterwards, and the levels are sound', async () => {
  const seed = seedFromEnvironment(20_261_127);
  const prng = new Prng(seed);
  const opened = await openForIngest(OPTIONS, () => nextTurn());
  const { store, memory } = opened;
  const model = new Map<string, string>();
  const paths = new Set<string>();
  let isDone = false;
  const writing = writeBeside(opened, model, prng, () => isDone);
  for (let round = 0; round < ROUNDS; round++) {
    // Between two letters of the writer; from time to time into a range that is there already.
    const letter = 'bdfhjlnprtvx'[prng.oneIn(4) ? 0 : round]!;
    const given = lines(150, 100, letter);
    const report = await store.ingest(source(given), SMALL);
    paths.add(report.path);
    for (const [name, value] of expected(given)) model.set(name, value);
  }
  isDone = true;
  await writing;
  const wanted = new Map([...model].sort(([left], [right]) => (left < right ? -1 : 1)));
  expect(contentsOf(store), `seed ${seed}`).toEqual(wanted);
  expect(paths, `seed ${seed}`).toEqual(new Set(['tables', 'batches']));
  await store.settled();
  await store.compactRange();
  expect(contentsOf(store), `seed ${seed}`).toEqual(wanted);
  expect((await store.verify()).differing).toEqual([]);
  await store.close();
  const again = await reopen(memory, OPTIONS);
  expect(contentsOf(again), `seed ${seed}`).toEqual(wanted);
  await again.close();
});
