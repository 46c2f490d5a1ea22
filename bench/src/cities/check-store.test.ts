import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { open } from 'arena-level/engine';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { checkStore } from './check-store.ts';
import { type City, CityBatches } from './city-records.ts';
import type { RunResult } from './run.ts';

const CITIES: readonly City[] = Array.from({ length: 20 }, (_, at) => ({
  name: `City ${at}`,
  lat: '1',
  lng: '2',
  country: 'XX',
  admin1: '01',
  admin2: '',
}));
const RECORDS = 40;

let location: string;
beforeEach(() => {
  location = mkdtempSync(join(tmpdir(), 'arena-level-check-'));
});
afterEach(() => rmSync(location, { recursive: true, force: true }));

/** Stores what a run would, but for what `spoil` does behind its back. Returns what the check compares. */
async function stored(
  spoil?: (store: Awaited<ReturnType<typeof open>>) => Promise<void>,
): Promise<RunResult> {
  const store = await open(location, { flush: 'inline' });
  for (const batch of new CityBatches(CITIES, 7).first(RECORDS)) await store.batch(batch);
  await spoil?.(store);
  await store.flush();
  const { root, sequence, tables } = await store.masterRoot();
  await store.close();
  const compared = { records: RECORDS, masterRoot: Buffer.from(root).toString('hex'), sequence, tables };
  return compared as Partial<RunResult> as RunResult;
}

async function differences(run: RunResult): Promise<readonly string[]> {
  return (await checkStore(location, run, CITIES, 400, 1)).differences;
}

describe('checking a store', () => {
  test('finds a sound one the same', async () => {
    expect(await differences(await stored())).toEqual([]);
  });

  test('finds a record that is missing, and one that is changed', async () => {
    const run = await stored(async (store) => {
      await store.del(Buffer.from('00/XX/01/City 3/3'));
      await store.put(Buffer.from('01/XX/01/City 5/5'), Buffer.from('other'));
    });
    expect(new Set(await differences(run))).toEqual(
      new Set([
        "the record '00/XX/01/City 3/3' is missing, not whole",
        "the record '01/XX/01/City 5/5' is changed, not whole",
      ]),
    );
  });

  test('finds another MasterRoot, sequence number or number of tables', async () => {
    const run = await stored();
    expect(await differences({ ...run, masterRoot: '00' })).toEqual([
      `the MasterRoot is ${run.masterRoot}, not 00`,
    ]);
    expect(await differences({ ...run, sequence: 41 })).toEqual(['the last sequence number is 40, not 41']);
    expect(await differences({ ...run, tables: 2 })).toEqual(['the number of tables is 1, not 2']);
  });
});
