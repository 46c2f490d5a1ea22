import type { Store } from 'arena-level/engine';
import { describe, expect, test } from 'vitest';
import { settle, stateOf } from '../support/eventually.ts';
import { HeldSchedule } from '../support/held-schedule.ts';
import { openHeld } from '../support/held-store.ts';
import { bytes, key, text } from '../support/text-bytes.ts';

const ENTRIES = 30;
const value = (i: number): string => `value ${i}`.padEnd(100, '.');

/** A store whose entries are in a table that is open already, no block of it in the cache. */
async function openCold(): Promise<{ readonly store: Store; readonly schedule: HeldSchedule }> {
  const schedule = new HeldSchedule();
  schedule.holds = false;
  const { store, executor } = await openHeld(
    { reads: 'pool', cacheSize: 0, blockSize: 512, writeBufferSize: 16 * 1024 },
    { memory: { schedule: schedule.add } },
  );
  executor.release();
  for (let i = 0; i < ENTRIES; i++) await store.put(key(i), bytes(value(i)));
  await store.flush();
  await store.get(key(0));
  schedule.holds = true;
  return { store, schedule };
}

/** A read is held up by the disk; the event loop is not, and neither is what needs no disk. */
async function expectOthersGoOn(store: Store, schedule: HeldSchedule, read: Promise<unknown>): Promise<void> {
  const turns = 100;
  await settle(turns);
  expect(schedule.waiting).toBe(1);
  await store.put(bytes('other'), bytes('written'));
  expect(text(await store.get(bytes('other')))).toBe('written');
  expect(await stateOf(read)).toBe('pending');
}

describe('a read of a block that the disk is slow to give', () => {
  test('by get waits without the event loop, and then has it', async () => {
    const { store, schedule } = await openCold();
    const read = store.get(key(7));
    await expectOthersGoOn(store, schedule, read);
    schedule.release();
    expect(text(await read)).toBe(value(7));
    await store.close();
  });

  test('is one read for all who wait for it', async () => {
    const { store, schedule } = await openCold();
    const reads = [store.get(key(7)), store.get(key(7)), store.has(key(7))];
    await settle();
    expect(schedule.waiting).toBe(1);
    schedule.release();
    const [first, second, third] = await Promise.all(reads);
    expect([text(first as Uint8Array), text(second as Uint8Array), third]).toEqual([
      value(7),
      value(7),
      true,
    ]);
    await store.close();
  });

  test('by getMany waits without the event loop, and then has all', async () => {
    const { store, schedule } = await openCold();
    const wanted = [29, 3, 15];
    const read = store.getMany(wanted.map(key));
    await settle();
    expect(schedule.waiting).toBeGreaterThan(0);
    expect(await stateOf(read)).toBe('pending');
    schedule.release();
    expect((await read).map(text)).toEqual(wanted.map(value));
    await store.close();
  });

  test('by an iterator waits without the event loop, at every read', async () => {
    const { store, schedule } = await openCold();
    const found: string[] = [];
    let reads = 0;
    const scan = (async () => {
      for await (const [, found_] of store.iterator()) found.push(text(found_!));
    })();
    while ((await stateOf(scan)) === 'pending') {
      const before = found.length;
      await settle(100);
      expect(found.length).toBe(before);
      schedule.completeNext();
      reads++;
    }
    await scan;
    expect(found).toEqual(Array.from({ length: ENTRIES }, (_, i) => value(i)));
    // The first block alone, and those behind it.
    expect(reads).toBe(2);
    schedule.release();
    await store.close();
  });
});
