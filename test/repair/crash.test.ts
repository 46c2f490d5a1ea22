import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Prng } from '@arena-level/common/base/prng';
import { MemoryStorage } from '@arena-level/common/storage/memory-storage';
import { repair } from 'arena-level/engine';
import { describe, expect, test } from 'vitest';
import { crashStates } from '../crash/crash-states.ts';
import { contentsText } from '../crash/store-contents.ts';
import { fileLike, recordOffsets, SAMPLE_OPTIONS, sampleStore } from '../damage/sample-store.ts';
import { tableRegions } from '../damage/table-regions.ts';
import { restoreGolden } from '../interop/golden-stores.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { seedFromEnvironment } from '../support/seed.ts';
import { changed, contentsOf, type Files, flipped, repairInMemory } from './repaired.ts';

const SEED = seedFromEnvironment(20_251_126);
const { files } = await sampleStore('none');
const manifest = fileLike(files, /^MANIFEST/)[0]!;
const [older, newer] = fileLike(files, /\.ldb$/) as [string, string];
const journal = fileLike(files, /\.log$/).at(-1)!;
const bytesOf = (name: string): Uint8Array => files.get(name)!;
const regions = tableRegions(bytesOf(older));
const damagedTable = { [older]: flipped(bytesOf(older), regions.data.offset + 20) };
const stale = { '000001.log': bytesOf(journal), '000900.ldb': bytesOf(older) };

/** The same with three tables, all whole. */
const three: Files = (await repairInMemory(files)).storage.snapshot();
const [first, , third] = fileLike(three, /^\d+\.ldb$/) as [string, string, string];

const SITUATIONS: readonly (readonly [string, Files])[] = [
  ['a sound store', files],
  ['leftovers', changed(files, stale)],
  ['a missing CURRENT', changed(files, { CURRENT: undefined })],
  ['a missing CURRENT and leftovers', changed(files, { ...stale, CURRENT: undefined })],
  ['a missing manifest', changed(files, { [manifest]: undefined })],
  ['a damaged manifest', changed(files, { [manifest]: flipped(bytesOf(manifest), 9) })],
  ['neither CURRENT nor manifest', changed(files, { CURRENT: undefined, [manifest]: undefined })],
  ['a damaged table', changed(files, damagedTable)],
  ['a damaged table and no CURRENT', changed(files, { ...damagedTable, CURRENT: undefined })],
  [
    'a damaged table and no manifest',
    changed(files, { ...damagedTable, CURRENT: undefined, [manifest]: undefined }),
  ],
  ['a missing table', changed(files, { [older]: undefined })],
  ['tables that changed places', changed(files, { [older]: bytesOf(newer), [newer]: bytesOf(older) })],
  // Put in order, those that tell against the manifest are renamed.
  ['a table that was replaced by a newer one', changed(three, { [first]: three.get(third) })],
  [
    'a manifest that is cut where a record ends',
    changed(files, { [manifest]: bytesOf(manifest).subarray(0, recordOffsets(bytesOf(manifest))[1]) }),
  ],
  ['a damaged journal', changed(files, { [journal]: flipped(bytesOf(journal), 60) })],
];

async function filesOfGolden(name: string): Promise<Files> {
  const { directory } = await restoreGolden(name);
  return new Map(readdirSync(directory).map((file) => [file, readFileSync(join(directory, file))]));
}

/** Crashes a repair at each of its moments, and repairs what is left. */
async function crashEverywhere(before: Files): Promise<void> {
  const storage = new MemoryStorage({ files: before });
  await repair('memory', SAMPLE_OPTIONS, { storage, clock: new ManualClock() });
  const { initial, entries } = storage.trace;
  const repaired = entries.length;
  const expected = contentsText(await contentsOf(storage));
  const trace = { initial, entries: entries.slice(0, repaired) };
  let checked = 0;
  for (const state of crashStates(trace, { draws: 3, oneIn: 1, mark: () => 0 }, new Prng(SEED))) {
    const label = `after ${state.position} of ${repaired}, ${state.loss}`;
    const again = await repairInMemory(state.files);
    if (contentsText(again.contents) !== expected) throw new Error(`other contents, crashed ${label}`);
    checked++;
    // What is in force opens by itself, too.
    if (state.position < repaired) continue;
    const opened = await contentsOf(new MemoryStorage({ files: state.files }));
    if (contentsText(opened) !== expected)
      throw new Error(`other contents without a second repair, ${label}`);
  }
  expect(checked).toBeGreaterThan(10);
}

describe('a repair that a crash interrupts', () => {
  test.each(SITUATIONS)(
    `of %s leads, when repeated, to the same contents (seed ${SEED})`,
    (_, before) => crashEverywhere(before),
    60_000,
  );

  // Its tables are in level 1, beside leftovers of the compaction that made them: they hold what was deleted since.
  test.each([
    ['as it is', (golden: Files) => golden],
    ['without CURRENT', (golden: Files) => changed(golden, { CURRENT: undefined })],
    [
      'with a damaged table, without CURRENT',
      (golden: Files) =>
        changed(golden, { CURRENT: undefined, '000024.ldb': flipped(golden.get('000024.ldb')!, 100) }),
    ],
  ])(
    `of a compacted store %s leads, when repeated, to the same contents (seed ${SEED})`,
    async (_, change) => crashEverywhere(change(await filesOfGolden('goleveldb-compacted'))),
    60_000,
  );
});
