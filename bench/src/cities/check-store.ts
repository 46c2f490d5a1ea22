import { Prng } from '@arena-level/common/base/prng';
import { open } from 'arena-level/engine';
import { type City, cityKey, cityValue } from './city-records.ts';
import type { RunResult } from './run.ts';

export interface StoreCheck {
  readonly openMs: number;
  readonly sampled: number;
  /** Human words for whatever is not as it was; empty when all is well. */
  readonly differences: readonly string[];
}

const SHOWN = 5;

/**
 * Opens a store again and compares it with what was put into it: `samples` records drawn by `seed`, byte for byte,
 * a key that was never there, the MasterRoot and the sequence number.
 */
export async function checkStore(
  location: string,
  run: RunResult,
  cities: readonly City[],
  samples: number,
  seed: number,
): Promise<StoreCheck> {
  const start = performance.now();
  const store = await open(location, { createIfMissing: false, flush: 'inline' });
  const openMs = performance.now() - start;
  const differences: string[] = [];
  const expect = (what: string, found: unknown, wanted: unknown): void => {
    if (found !== wanted && differences.length < SHOWN)
      differences.push(`${what} is ${found}, not ${wanted}`);
  };
  try {
    const root = await store.masterRoot();
    expect('the MasterRoot', Buffer.from(root.root).toString('hex'), run.masterRoot);
    expect('the last sequence number', root.sequence, run.sequence);
    expect('the number of tables', root.tables, run.tables);
    expect('an absent key', await store.get(Buffer.from('00/no such city')), undefined);
    const prng = new Prng(seed);
    for (let sample = 0; sample < samples; sample++) {
      const record = prng.below(run.records);
      const key = cityKey(cities, record);
      const value = await store.get(Buffer.from(key));
      const same = value !== undefined && Buffer.from(cityValue(cities, record)).equals(value);
      expect(`the record '${key}'`, same ? 'whole' : value === undefined ? 'missing' : 'changed', 'whole');
    }
  } finally {
    await store.close();
  }
  return { openMs, sampled: samples, differences };
}
