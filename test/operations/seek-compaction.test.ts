import { afterEach, expect, test } from 'vitest';
import { settle } from '../support/eventually.ts';
import { type HeldStore, openHeld } from '../support/held-store.ts';
import { bytes, key } from '../support/text-bytes.ts';

const VALUE = bytes('v'.repeat(20));
const MANY = 250;

let held: HeldStore;
afterEach(() => held.store.close());

/** A large table in level 1, and over it one in level 0 with the same range of keys and few of them. */
async function overlapping(seekCompaction: boolean): Promise<void> {
  held = await openHeld({ seekCompaction, writeBufferSize: 64 * 1024 });
  const { store, executor } = held;
  executor.release();
  for (let i = 0; i < 100; i++) store.putSync(key(i), VALUE);
  await store.compactRange();
  for (const i of [0, 99]) store.putSync(key(i), VALUE);
  await store.flush();
  await settle();
  expect(store.stats().levels.map(({ tables }) => tables)).toEqual([1, 1, 0, 0, 0, 0, 0]);
}

const seeks = () =>
  held.trace.filter(({ name, details }) => name === 'compaction-started' && details.reason === 'seek');

test('a table that many reads look into in vain is compacted', async () => {
  await overlapping(true);
  for (let i = 0; i < 99; i++) expect(await held.store.get(key(50))).toBeDefined();
  await settle();
  expect(seeks()).toEqual([]);
  for (let i = 0; i < MANY; i++) await held.store.get(key(50));
  await settle();
  expect(seeks()).toMatchObject([{ details: { level: 0, outputLevel: 1, tables: 2 } }]);
  expect(held.store.stats().levels.map(({ tables }) => tables)).toEqual([0, 1, 0, 0, 0, 0, 0]);
});

test('so is it for keys that are nowhere, and for blocking reads', async () => {
  await overlapping(true);
  for (let i = 0; i < MANY; i++) expect(held.store.hasSync(bytes('k000050x'))).toBe(false);
  await settle();
  expect(seeks()).toHaveLength(1);
});

test('a table in which the key is costs nothing', async () => {
  await overlapping(true);
  for (let i = 0; i < MANY; i++) await held.store.get(key(99));
  await settle();
  expect(seeks()).toEqual([]);
});

test('without the option reads are not counted', async () => {
  await overlapping(false);
  for (let i = 0; i < MANY; i++) await held.store.get(key(50));
  await settle();
  expect(seeks()).toEqual([]);
});
