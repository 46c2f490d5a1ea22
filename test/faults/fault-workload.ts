import { LONG_KEY } from '../crash/scenarios.ts';
import type { FaultyStore } from './faulty-store.ts';
import type { Change } from './write-ledger.ts';

/**
 * A fixed life of a store: single writes, synced and not, blocking and not, bursts, batches that shadow and delete,
 * rotations, flushes, reads, two reopens. It goes on whatever fails, as a caller would who ignores errors, and ends
 * early only when an open fails.
 */
export async function liveThroughFaults(store: FaultyStore): Promise<void> {
  if (!(await store.open())) return;
  await writeAll(store, 22);
  store.checkLive();
  await store.flush();
  await writeAll(store, 18);
  await store.close();
  if (!(await store.open())) return;
  store.checkLive();
  await writeAll(store, 30);
  await store.resume();
  await writeAll(store, 12);
  store.checkLive();
  await store.close();
  if (!(await store.open())) return;
  await writeAll(store, 5);
}

/** A life in which tables are merged and moved, and the manifest is rolled over; see `TINY_LEVELS`. */
export async function compactThroughFaults(store: FaultyStore): Promise<void> {
  if (!(await store.open())) return;
  for (let part = 0; part < 4; part++) {
    await writeAll(store, 16);
    await store.write([{ key: LONG_KEY, value: `${part}` }]);
    await store.flush();
    store.checkLive();
  }
  await store.compact();
  await writeAll(store, 20);
  await store.resume();
  await store.close();
  if (!(await store.open())) return;
  store.checkLive();
  await writeAll(store, 10);
}

async function writeAll(store: FaultyStore, writes: number): Promise<void> {
  const end = store.ledger.length + writes;
  while (store.ledger.length < end) {
    const n = store.ledger.length;
    if (n % 11 === 4) {
      // Issued together: one group, or several that wait in the queue.
      await Promise.all([store.write(changesOf(n)), store.write([], true), store.write(changesOf(n + 1))]);
    } else if (n % 7 === 3) {
      store.writeSync(changesOf(n), n % 2 === 0);
    } else {
      await store.write(changesOf(n), n % 5 === 0);
    }
  }
}

/** What write `n` does beside its marker: keys that come again, some of them deleted. */
function changesOf(n: number): Change[] {
  return [
    { key: 'newest', value: `${n}` },
    { key: `shared-${n % 5}`, value: `${n}`.padEnd(100, '.') },
    { key: `shared-${(n + 2) % 5}`, value: n % 3 === 0 ? undefined : `again ${n}` },
  ];
}
