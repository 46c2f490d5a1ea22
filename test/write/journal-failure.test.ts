import { ErrorCode } from '@arena-level/common/base/errors';
import { FaultStorage } from '@arena-level/common/storage/fault-storage';
import { MemoryStorage } from '@arena-level/common/storage/memory-storage';
import { describe, expect, test } from 'vitest';
import { eventually, settle, stateOf } from '../support/eventually.ts';
import { HeldSchedule } from '../support/held-schedule.ts';
import { type HeldStore, openHeld, reopen } from '../support/held-store.ts';
import { sendJournalWritesToPool } from '../support/pooled-journal.ts';
import { bytes, key, text } from '../support/text-bytes.ts';

const VALUE = bytes('v'.repeat(1000));

interface PooledStore extends HeldStore {
  readonly schedule: HeldSchedule;
  readonly faults: FaultStorage;
}

/** A store whose next journal writes go through the pool, and end when the test says so. */
async function openPooled(): Promise<PooledStore> {
  const schedule = new HeldSchedule();
  schedule.holds = false;
  let faults: FaultStorage | undefined;
  const held = await openHeld(
    {},
    {
      memory: { schedule: schedule.add },
      wrap: (memory) => {
        faults = new FaultStorage(memory);
        return faults;
      },
    },
  );
  await sendJournalWritesToPool(held);
  schedule.holds = true;
  return { ...held, schedule, faults: faults! };
}

describe('a journal that fails', () => {
  test('while a write to it is in the pool keeps that write with its memtable', async () => {
    const { store, memory, schedule, faults, executor } = await openPooled();
    const synced = store.put(key(1), VALUE, { sync: true });
    await settle();
    schedule.completeNext();
    await settle();
    const late = store.put(key(2), VALUE);
    await settle();
    faults.install({
      rules: [{ operation: 'sync', type: 'journal', nth: 1, times: 1, effect: 'error', errno: 'EIO' }],
    });
    // The directory, and behind it the sync that fails; the write of the second put is still in the pool.
    schedule.completeNext();
    await settle();
    schedule.release();
    executor.release();
    await Promise.all([synced, late]);
    expect(store.stats().memtables.frozen).toBe(0);

    const afterDeath = await reopen(new MemoryStorage({ files: memory.snapshot() }));
    expect(text(afterDeath.getSync(key(1)))).toBe(text(VALUE));
    expect(text(afterDeath.getSync(key(2)))).toBe(text(VALUE));
    await afterDeath.close();
    await store.close();
  });

  test('while the one before it is being healed is healed, too', async () => {
    const { store, schedule, faults, executor } = await openPooled();
    const full = [1, 2, 3, 4].map((i) => store.put(key(i), VALUE));
    const unknown = store.put(key(5), VALUE);
    unknown.catch(() => {});
    await settle();
    faults.install({
      rules: [
        { operation: 'sync', type: 'journal', nth: 1, times: 1, effect: 'error', errno: 'EIO' },
        // The first is the opening record of the next journal.
        { operation: 'write', type: 'journal', nth: 2, times: 1, effect: 'torn-write', errno: 'EIO' },
      ],
    });
    schedule.completeNext();
    await Promise.all(full);
    expect(store.stats().memtables.frozen).toBe(1);
    // The directory, behind it the sync of the old journal, which fails; only then the write to the new one.
    schedule.completeNext();
    await settle();
    expect(store.stats().writes.journalSyncs).toBe(1);
    schedule.release();
    await expect(unknown).rejects.toMatchObject({ code: ErrorCode.WriteOutcomeUnknown });
    executor.release();
    await settle(50);
    await store.put(key(6), VALUE);
    await store.put(key(7), VALUE, { sync: true });
    expect([1, 4, 6, 7].map((i) => text(store.getSync(key(i))))).toEqual(Array(4).fill(text(VALUE)));
    await store.close();
  });

  test('or a flush that does, when it stops the store, leaves no write in the pool unanswered', async () => {
    const { store, schedule, executor, clock } = await openPooled();
    const failed = store.flush();
    failed.catch(() => {});
    await settle();
    while (schedule.waiting > 0) {
      schedule.completeNext();
      await settle();
    }
    const pooled = store.put(key(1), VALUE);
    await settle();
    executor.held[0]!.fail('EIO');
    await settle();
    clock.advance(1000);
    await eventually(() => executor.held.length === 1);
    executor.held[0]!.fail('EIO');
    await expect(failed).rejects.toMatchObject({ code: ErrorCode.IoError });
    await expect(store.put(key(2), VALUE)).rejects.toMatchObject({ code: ErrorCode.WritesStopped });
    const closed = store.close();
    // Everything else goes on; the write stays in the pool for a while.
    for (let i = 0; i < 20; i++) {
      while (schedule.waiting > 1) schedule.completeNext(1);
      await settle(1);
    }
    expect(await stateOf(pooled)).toBe('pending');
    schedule.release();
    await pooled;
    await closed;
  });

  test('to answer until closing has lost its patience leaves a write whose outcome is unknown', async () => {
    const { store, memory, schedule, clock } = await openPooled();
    const pooled = store.put(key(1), VALUE);
    await settle();
    const closed = store.close();
    closed.catch(() => {});
    expect(await stateOf(pooled)).toBe('pending');
    clock.advance(30_000);
    await expect(pooled).rejects.toMatchObject({ code: ErrorCode.WriteOutcomeUnknown });
    // The disk answers at last: nothing may come of it any more.
    schedule.release();
    await expect(closed).rejects.toMatchObject({ code: ErrorCode.WriteOutcomeUnknown });
    await settle();
    const again = await reopen(memory);
    expect(again.hasSync(bytes('slow'))).toBe(true);
    await again.close();
  });
});
