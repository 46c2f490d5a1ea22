/** The engine by its public interface, beside the peers that are installed. */

import { Prng } from '@arena-level/common/base/prng';
import { type Case, check, type Group, type Sample, timed, timedAsync } from '../measure.ts';
import { WorkFolder } from '../support/work-folder.ts';
import { type Entries, makeEntries, shuffle } from './entries.ts';
import { batchesOf, type Peer, type PeerStore, peers } from './peer.ts';

const WRITES = 300_000;
const SINGLE_WRITES = 30_000;
const READS = 50_000;
const IN_FLIGHT = 64;

export const engineGroups: readonly Group[] = [
  writeGroup('Batches of 1000, random keys, until acknowledged', WRITES, (store, entries) =>
    putBatches(store, entries, 1000),
  ),
  writeGroup('Batches of 1000, random keys, until in tables', WRITES, async (store, entries) => {
    await putBatches(store, entries, 1000);
    await store.flush?.();
  }),
  writeGroup('Batches of 100, random keys, until acknowledged', WRITES, (store, entries) =>
    putBatches(store, entries, 100),
  ),
  writeGroup('One awaited put after the other', SINGLE_WRITES, putOneByOne),
  writeGroup(`Single puts, ${IN_FLIGHT} in flight`, SINGLE_WRITES, putInFlight),
  readGroup('getSync, found in the MemDB', false, (store, entries) =>
    getAll(store, randomKeys(entries), true),
  ),
  readGroup('getSync, found in tables, blocks cached', true, (store, entries) =>
    getAll(store, randomKeys(entries), true),
  ),
  readGroup('getSync, absent', true, (store, entries) => getAll(store, absentKeys(entries), false)),
  readGroup('get, found in tables, blocks cached', true, (store, entries) =>
    getAllAwaited(store, randomKeys(entries)),
  ),
  readGroup('Scan from tables in batches of 1000', true, async (store, entries) => {
    let scanned = 0;
    const sample = await timedAsync(entries.count, async () => {
      scanned = await store.scan();
    });
    check(scanned === entries.count, 'every entry is passed');
    return sample;
  }),
];

function writeGroup(
  name: string,
  count: number,
  write: (store: PeerStore, entries: Entries) => Promise<void>,
): Group {
  return {
    name,
    operation: 'entry',
    async cases() {
      const entries = makeEntries('random', count);
      const folder = new WorkFolder();
      const all = await peers();
      return all.peers.map(
        (peer, at): Case => ({
          name: peer.name,
          async sample() {
            const location = folder.newStore();
            const store = await peer.open(location);
            const sample = await timedAsync(count, () => write(store, entries));
            const last = entries.keys[count - 1]!;
            check(entries.values[count - 1]!.equals((await store.get(last))!), 'the last entry is stored');
            await store.close();
            folder.removeStore(location);
            return sample;
          },
          dispose: () => (at === 0 ? folder.remove() : undefined),
        }),
      );
    },
  };
}

function readGroup(
  name: string,
  fromTables: boolean,
  read: (store: PeerStore, entries: Entries) => Sample | Promise<Sample>,
): Group {
  return {
    name,
    operation: name.startsWith('Scan') ? 'entry' : 'get',
    async cases() {
      const entries = makeEntries('random', READS);
      const folder = new WorkFolder();
      const all = await peers();
      return Promise.all(
        all.peers.map((peer, at) => readCase(peer, entries, folder, fromTables, at === 0, read)),
      );
    },
  };
}

async function readCase(
  peer: Peer,
  entries: Entries,
  folder: WorkFolder,
  fromTables: boolean,
  ownsFolder: boolean,
  read: (store: PeerStore, entries: Entries) => Sample | Promise<Sample>,
): Promise<Case> {
  const location = folder.newStore();
  let store = await peer.open(location);
  await putBatches(store, entries, 1000);
  if (fromTables) {
    // LevelDB has no call to flush, but turns its journal into tables when it is opened again.
    await store.flush?.();
    await store.close();
    store = await peer.open(location);
  }
  return {
    name: peer.name,
    sample: () => read(store, entries),
    async dispose() {
      await store.close();
      if (ownsFolder) folder.remove();
    },
  };
}

async function putBatches(store: PeerStore, entries: Entries, batchEntries: number): Promise<void> {
  for (const batch of batchesOf(entries, batchEntries)) await store.batch(batch);
}

async function putOneByOne(store: PeerStore, entries: Entries): Promise<void> {
  for (let at = 0; at < entries.count; at++) await store.put(entries.keys[at]!, entries.values[at]!);
}

async function putInFlight(store: PeerStore, entries: Entries): Promise<void> {
  let next = 0;
  const lane = async (): Promise<void> => {
    for (let at = next++; at < entries.count; at = next++)
      await store.put(entries.keys[at]!, entries.values[at]!);
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, lane));
}

function getAll(store: PeerStore, keys: readonly Buffer[], present: boolean): Sample {
  let found = 0;
  const sample = timed(keys.length, () => {
    for (const key of keys) if (store.getSync(key) !== undefined) found++;
  });
  check(found === (present ? keys.length : 0), 'all keys are found, or none');
  return sample;
}

async function getAllAwaited(store: PeerStore, keys: readonly Buffer[]): Promise<Sample> {
  let found = 0;
  const sample = await timedAsync(keys.length, async () => {
    for (const key of keys) if ((await store.get(key)) !== undefined) found++;
  });
  check(found === keys.length, 'all keys are found');
  return sample;
}

function randomKeys(entries: Entries): readonly Buffer[] {
  const order = Array.from({ length: entries.count }, (_, at) => at);
  shuffle(order, new Prng(3));
  return order.map((at) => entries.keys[at]!);
}

function absentKeys(entries: Entries): readonly Buffer[] {
  return randomKeys(entries).map((key) =>
    Buffer.concat([key.subarray(0, -1), Buffer.from([key.at(-1)! ^ 0x55])]),
  );
}
