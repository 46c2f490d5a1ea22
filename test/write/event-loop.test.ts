import { MIB } from '@arena-level/common/base/limits';
import { expect, test } from 'vitest';
import { openHeld } from '../support/held-store.ts';
import { bytes, key } from '../support/text-bytes.ts';

const CALLS = 2000;

/** Runs `work` and counts the turns of the event loop meanwhile. */
async function turnsDuring(work: () => Promise<void>): Promise<number> {
  let turns = 0;
  let ended = false;
  const count = (): void => {
    if (ended) return;
    turns++;
    setImmediate(count);
  };
  setImmediate(count);
  await work();
  ended = true;
  return turns;
}

// Each look at the clock takes a tenth of a millisecond here, so the counts do not depend on the machine. A loop that
// starves the event loop counts no turn at all.
test('a loop that awaits its puts lets the event loop turn', async () => {
  const { store, clock } = await openHeld({ writeBufferSize: MIB });
  clock.msPerLook = 0.1;
  const turns = await turnsDuring(async () => {
    for (let i = 0; i < CALLS; i++) await store.put(key(i), bytes('value'));
  });
  clock.msPerLook = 0;
  expect(turns).toBeGreaterThan(CALLS / 10);
  expect(turns).toBeLessThan(CALLS);
  await store.close();
});

test('a loop that awaits its gets lets the event loop turn', async () => {
  const { store, clock } = await openHeld({ writeBufferSize: MIB });
  for (let i = 0; i < 100; i++) store.putSync(key(i), bytes('value'));
  clock.msPerLook = 0.1;
  const turns = await turnsDuring(async () => {
    for (let i = 0; i < CALLS; i++) await store.get(key(i % 100));
  });
  clock.msPerLook = 0;
  expect(turns).toBeGreaterThan(CALLS / 10);
  expect(turns).toBeLessThan(CALLS);
  await store.close();
});

test('a backlog of writes is written in many turns, not in one', async () => {
  const held = await openHeld({ maxFrozenMemtables: 1, writeBufferSize: 64 * 1024 });
  const { store, clock, executor } = held;
  const value = bytes('v'.repeat(1000));
  const put = (i: number) => store.put(key(i), value);
  // Groups of one write each: every put has a turn of its own until the next memtable is full, too.
  let i = 0;
  while (store.stats().memtables.frozen === 0) await put(i++);
  const waiting: Promise<void>[] = [];
  while (store.stats().writes.pendingBytes < 40_000) {
    waiting.push(put(i++));
    await new Promise(setImmediate);
  }
  clock.msPerLook = 0.1;
  const turns = await turnsDuring(async () => {
    executor.release();
    await Promise.all(waiting);
  });
  clock.msPerLook = 0;
  expect(turns).toBeGreaterThan(5);
  for (let at = 0; at < i; at++) expect(store.hasSync(key(at))).toBe(true);
  await store.close();
});

test('while nothing takes long, an awaited put costs no turn', async () => {
  const { store } = await openHeld({ writeBufferSize: MIB });
  const turns = await turnsDuring(async () => {
    for (let i = 0; i < 100; i++) await store.put(key(i), bytes('value'));
  });
  expect(turns).toBe(0);
  await store.close();
});
