import { Prng } from '@arena-level/common/base/prng';
import { LOSS_MODELS } from '@arena-level/common/storage/crash-replay';
import { MemoryStorage } from '@arena-level/common/storage/memory-storage';
import { describe, expect, test } from 'vitest';
import { seedFromEnvironment } from '../support/seed.ts';
import { FaultyStore } from './faulty-store.ts';

const SEED = seedFromEnvironment(20_251_122);
/** Bytes left on the disk: from the middle of the next journal record to behind several flushes. */
const LEFT_BYTES = Array.from({ length: 50 }, (_, i) => 50 + i * 331);

async function fillAndFree(leftBytes: number, prng: Prng): Promise<FaultyStore> {
  const store = new FaultyStore();
  await store.open();
  for (let i = 0; i < 5; i++) await store.write([], i === 3);
  const usedBytes = [...store.memory.snapshot().values()].reduce((sum, { length }) => sum + length, 0);
  store.memory.capacityBytes = usedBytes + leftBytes;
  for (let i = 0; i < 60; i++) await store.write([{ key: 'newest', value: `${i}` }], i % 4 === 0);
  store.checkLive();

  store.memory.capacityBytes = Number.POSITIVE_INFINITY;
  // A full disk is a cause that passes: nobody has to ask.
  await store.passTime();
  for (let i = 0; i < 20; i++) {
    if (!(await store.write([], true))) store.problems.push(`sync write ${i} after the disk was freed fails`);
  }
  store.checkLive();
  const crashed = MemoryStorage.replay(store.memory.trace, store.moment, LOSS_MODELS.dropped, prng);
  await store.checkCopy('the machine crashed', crashed, 'machine', store.moment);
  await store.close();
  if (!(await store.open())) store.problems.push('the reopen fails');
  store.checkLive();
  await store.close();
  return store;
}

describe('a disk that is full and is freed', () => {
  test(`loses nothing that was acknowledged, before or after, whatever did not fit (seed ${SEED})`, async () => {
    const prng = new Prng(SEED);
    let refused = 0;
    for (const leftBytes of LEFT_BYTES) {
      const store = await fillAndFree(leftBytes, prng);
      expect(store.problems, `${leftBytes} bytes left`).toEqual([]);
      refused += store.errors.length > 0 ? 1 : 0;
    }
    // With the most room everything fits.
    expect(refused).toBeGreaterThan(LEFT_BYTES.length / 2);
  });
});
