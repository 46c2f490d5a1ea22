/** How long a rotation holds the main thread, by the engine's own measure. */

import { setTimeout as sleep } from 'node:timers/promises';
import { open } from 'arena-level/engine';
import { type Case, check, type Group, type Sample } from '../measure.ts';
import { WorkFolder } from '../support/work-folder.ts';
import { makeEntries } from './entries.ts';
import { batchesOf, type PutOperation } from './peer.ts';

/** Of one sample: each is a sample of its own in the median, and the longest of all is in the range. */
const ROTATIONS = 4;
/** Entries that come again and again, in batches of 100. */
const ENTRIES = 100_000;
/** For the worker to clear and touch the arena that was given back. */
const PREPARATION_MS = 10_000;

type Store = Awaited<ReturnType<typeof open>>;
type Batches = readonly (readonly PutOperation[])[];

/** The next arena is one that a worker has cleared and touched, as a rule; or one that is made when it is needed. */
export const rotationGroup: Group = {
  name: 'Rotation of a full MemDB of 32 MiB: time that the main thread is held',
  operation: 'rotation',
  cases() {
    const batches = [...batchesOf(makeEntries('random', ENTRIES), 100)];
    return [
      rotationCase('next arena prepared', batches, true),
      rotationCase('next arena not prepared', batches, false),
    ];
  },
};

function rotationCase(name: string, batches: Batches, isPrepared: boolean): Case {
  return {
    name,
    async sample() {
      const folder = new WorkFolder();
      const store = await open(folder.newStore(), isPrepared ? {} : { maxIdleArenas: 0 });
      const samples: Sample[] = [];
      for (let rotation = 0; rotation < ROTATIONS; rotation++) {
        samples.push(await fillUntilRotated(store, batches));
        if (isPrepared) await untilPrepared(store);
        else check(store.stats().arenas.idle === 0, 'no arena is kept');
      }
      await store.close();
      folder.remove();
      return samples;
    },
  };
}

async function fillUntilRotated(store: Store, batches: Batches): Promise<Sample> {
  const { rotations: before } = store.stats();
  for (let at = 0; store.stats().rotations.count === before.count; at++) {
    await store.batch(batches[at % batches.length]!);
  }
  const { rotations: after } = store.stats();
  check(after.count === before.count + 1, 'one full MemDB was rotated');
  await store.flush();
  return { operations: 1, elapsedMs: after.totalMs - before.totalMs };
}

async function untilPrepared(store: Store): Promise<void> {
  for (const end = performance.now() + PREPARATION_MS; store.stats().arenas.idle === 0; await sleep(10))
    check(performance.now() < end, 'an arena is prepared');
}
