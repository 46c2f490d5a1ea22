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

test('while nothing takes long, an awaited put costs no turn', async () => {
  const { store } = await openHeld({ writeBufferSize: MIB });
  const turns = await turnsDuring(async () => {
    for (let i = 0; i < 100; i++) await store.put(key(i), bytes('value'));
  });
  expect(turns).toBe(0);
  await store.close();
});
