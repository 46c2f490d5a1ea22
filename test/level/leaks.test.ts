import { readdirSync } from 'node:fs';
import { ArenaLevel } from 'arena-level';
import { arenaBudget } from 'arena-level/engine';
import { expect, test } from 'vitest';
import { LONG_TEST_MS } from '../support/long-test.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

function held(): object {
  return {
    descriptors: readdirSync('/proc/self/fd').length,
    threads: readdirSync('/proc/self/task').length,
    arenaBytes: arenaBudget().usedBytes,
    timers: process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length,
  };
}

async function liveOnce(location: string, i: number): Promise<void> {
  const db = new ArenaLevel(location, { writeBufferSize: 64 << 10 });
  const sub = db.sublevel('sub');
  await sub.put(`k${i}`, 'v'.repeat(1000));
  await db.iterator().next();
  db.snapshot();
  db.batch().put('a', '1');
  if (i % 5 === 0) await db.flush();
  await db.close();
}

test.runIf(process.platform === 'linux')(
  'opening and closing again and again leaves nothing behind: no descriptors, threads, arenas, timers',
  async () => {
    const location = temporaryDirectory();
    // The pool of workers, shared by all that come after, and its threads.
    for (let i = 0; i < 10; i++) await liveOnce(location, i);
    const before = held();
    for (let i = 10; i < 110; i++) await liveOnce(location, i);
    expect(held()).toEqual(before);
  },
  LONG_TEST_MS,
);

test.runIf(process.platform === 'linux')('an open that is refused leaves nothing behind', async () => {
  const location = temporaryDirectory();
  const holder = new ArenaLevel(location, { flush: 'inline' });
  await holder.open();
  const refused = async (): Promise<void> => {
    await expect(new ArenaLevel(location).open()).rejects.toMatchObject({ cause: { code: 'LEVEL_LOCKED' } });
  };
  await refused();
  const before = held();
  for (let i = 0; i < 50; i++) await refused();
  expect(held()).toEqual(before);
  await holder.close();
});
