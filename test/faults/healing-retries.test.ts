import { FaultStorage } from '@arena-level/common/storage/fault-storage';
import { arenaBudget, ErrorCode, setArenaBudget } from 'arena-level/engine';
import { afterEach, describe, expect, test } from 'vitest';
import { eventually, settle } from '../support/eventually.ts';
import { type HeldStore, openHeld } from '../support/held-store.ts';
import { bytes, key } from '../support/text-bytes.ts';

const VALUE = bytes('v'.repeat(100));
const { limitBytes } = arenaBudget();
afterEach(() => setArenaBudget(limitBytes));

/** A store whose next write to a journal fails. */
async function openFailing(): Promise<HeldStore> {
  let faults: FaultStorage | undefined;
  const held = await openHeld(
    {},
    {
      wrap: (memory) => {
        faults = new FaultStorage(memory);
        return faults;
      },
    },
  );
  await held.store.put(key(1), VALUE);
  faults!.install({
    rules: [{ operation: 'write', type: 'journal', nth: 1, times: 1, effect: 'error', errno: 'EIO' }],
  });
  return held;
}

async function failAWrite({ store }: HeldStore): Promise<void> {
  await expect(store.put(key(2), VALUE)).rejects.toMatchObject({ code: ErrorCode.WriteOutcomeUnknown });
  await settle();
}

describe('healing that meets a cause that passes goes on by itself', () => {
  test('when a worker dies in its flush', async () => {
    const held = await openFailing();
    const { store, executor, clock, names } = held;
    await failAWrite(held);
    executor.held[0]!.crash();
    await settle();
    await expect(store.put(key(3), VALUE)).rejects.toMatchObject({ code: ErrorCode.WritesStopped });
    clock.advance(1000);
    executor.release();
    await eventually(() => names().includes('healed'));
    await store.put(key(3), VALUE);
    expect(store.hasSync(key(1))).toBe(true);
    await store.close();
  });

  test('when there is no memory for the next arena', async () => {
    const held = await openFailing();
    const { store, executor, clock, names } = held;
    executor.release();
    setArenaBudget(Math.max(2 ** 20, arenaBudget().usedBytes));
    // Whatever fits into the least budget there can be.
    const others: HeldStore[] = [];
    for (;;) {
      try {
        others.push(await openHeld({ writeBufferSize: 128 * 1024 }));
      } catch (error) {
        expect(error).toMatchObject({ code: ErrorCode.MemoryBudget });
        break;
      }
    }
    await failAWrite(held);
    if (!names().includes('writes-stopped')) expect(names()).toContain('healed');
    setArenaBudget(limitBytes);
    clock.advance(1000);
    await eventually(() => names().includes('healed'));
    await store.put(key(3), VALUE);
    await store.close();
    for (const other of others) await other.store.close();
  });
});
