import { open } from 'arena-level/engine';
import { expect } from 'vitest';
import { SAMPLE_OPTIONS } from '../damage/sample-store.ts';
import { withLevelDb } from '../interop/both-engines.ts';
import { Opener } from '../lock/opener.ts';

/** Checks while a store is open in this thread, then in another thread, another process, and, where its lock is seen, in LevelDB. */
export async function whileOthersHold(directory: string, check: () => Promise<void>): Promise<void> {
  // Without the LOG, which is written a little later than what it tells of.
  const store = await open(directory, { ...SAMPLE_OPTIONS, infoLog: false });
  await check();
  await store.close();
  for (const kind of ['worker', 'process'] as const) {
    const other = await Opener.start(kind, true);
    expect(await other.ask('lock', directory)).toMatchObject({ outcome: 'done' });
    await check();
    await other.kill();
  }
  if (process.platform === 'linux') await withLevelDb(directory, check);
}
