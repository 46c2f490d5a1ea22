import { ErrorCode } from '@arena-level/common/base/errors';
import { KIB } from '@arena-level/common/base/limits';
import { describe, expect, test } from 'vitest';
import { eventually, settle, stateOf } from '../support/eventually.ts';
import { HeldSchedule } from '../support/held-schedule.ts';
import { type HeldStore, openHeld, reopen } from '../support/held-store.ts';
import { sendJournalWritesToPool } from '../support/pooled-journal.ts';
import { bytes, key, text } from '../support/text-bytes.ts';

const VALUE = bytes('v'.repeat(1000));

/** A store in which writes wait: the one frozen slot is taken, and its flush is not answered. */
async function openStalled(): Promise<HeldStore> {
  const held = await openHeld({ maxFrozenMemtables: 1, maxPendingBytes: 64 * KIB });
  for (let i = 0; i < 8; i++) await held.store.put(key(i), VALUE);
  expect(held.store.stats().memtables.frozen).toBe(1);
  return held;
}

describe('maxPendingBytes', () => {
  test('refuses a write by a typed error, with nothing changed, and writes go on when there is room', async () => {
    const { store, executor, memory } = await openStalled();
    const waiting: Promise<void>[] = [];
    for (let i = 100; store.stats().writes.pendingBytes + 1011 <= 64 * KIB; i++) {
      waiting.push(store.put(key(i), VALUE));
      if (i % 3 === 0) await settle(1);
    }
    const before = store.stats();
    const refusals = [
      store.put(key(900), VALUE),
      store.batch([{ type: 'put', key: key(901), value: VALUE }]),
    ];
    for (const refused of refusals) {
      await expect(refused).rejects.toMatchObject({ code: ErrorCode.WriteBacklog, name: 'EngineError' });
    }
    expect(store.stats()).toEqual(before);
    // Something smaller still fits.
    waiting.push(store.del(key(0)));

    executor.release();
    await Promise.all(waiting);
    expect(store.stats().writes.pendingBytes).toBe(0);
    await store.put(key(902), VALUE);
    expect([900, 901].map((i) => store.hasSync(key(i)))).toEqual([false, false]);
    expect([0, 100, 902].map((i) => store.hasSync(key(i)))).toEqual([false, true, true]);
    await store.close();
    const again = await reopen(memory);
    expect([0, 900, 901].map((i) => again.hasSync(key(i)))).toEqual([false, false, false]);
    expect(again.hasSync(key(902))).toBe(true);
    await again.close();
  });

  test('lets a single write pass that is larger than all of it', async () => {
    const { store } = await openHeld({ maxPendingBytes: 64 * KIB });
    const value = bytes('v'.repeat(100 * KIB));
    const first = store.put(key(1), value);
    await expect(store.put(key(2), bytes('2'))).rejects.toMatchObject({ code: ErrorCode.WriteBacklog });
    await first;
    await store.put(key(2), bytes('2'));
    expect(store.getSync(key(1))!.length).toBe(value.length);
    await store.close();
  });
});

describe('writes that wait for a frozen slot', () => {
  test('are announced when the wait begins and when it ends, and counted', async () => {
    const { store, executor, clock } = await openStalled();
    const heard: unknown[] = [];
    store.on('stall-begin', (details) => heard.push(details));
    store.on('stall-end', (details) => heard.push(details));
    const waiting = [store.put(key(8), VALUE), store.put(key(9), VALUE)];
    await settle();
    expect(heard).toEqual([{ reason: 'frozen-memtables' }]);
    clock.advance(250);
    expect(await stateOf(waiting[0]!)).toBe('pending');
    executor.release();
    await Promise.all(waiting);
    await settle();
    expect(heard.slice(0, 2)).toEqual([
      { reason: 'frozen-memtables' },
      { reason: 'frozen-memtables', durationMs: 250 },
    ]);
    expect(store.stats().stalls['frozen-memtables']).toMatchObject({ totalMs: 250, maxMs: 250 });
    expect(store.stats().stalls['healing'].count).toBe(0);
    await store.close();
  });

  test('hear of a flush that keeps failing, and are taken again when it succeeds', async () => {
    const { store, executor, clock } = await openStalled();
    const waiting = store.put(key(8), VALUE);
    await settle();
    for (const retryMs of [1000, 2000]) {
      expect(await stateOf(waiting)).toBe('pending');
      executor.held[0]!.fail('ENOSPC');
      await settle();
      clock.advance(retryMs);
      await settle();
    }
    await expect(waiting).rejects.toMatchObject({ code: ErrorCode.IoError });
    expect(store.hasSync(key(8))).toBe(false);
    expect(store.hasSync(key(0))).toBe(true);
    executor.release();
    await settle();
    await store.put(key(8), VALUE);
    expect(text(store.getSync(key(8)))).toBe(text(VALUE));
    await store.close();
  });

  test('keep their order with rotations that were asked for', async () => {
    const { store, executor } = await openStalled();
    const before = store.put(key(8), VALUE);
    const rotated = store.rotateMemtable();
    const behind = store.put(key(9), VALUE);
    expect(await stateOf(Promise.race([before, rotated, behind]))).toBe('pending');
    executor.release();
    await Promise.all([before, rotated, behind]);
    await eventually(() => store.stats().memtables.frozen === 0);
    expect(store.stats().memtables.entries).toBe(1);
    expect(store.stats().flushes.entries).toBe(9);
    await store.close();
  });
});

test('writes that wait for a journal write in the pool are a stall of their own', async () => {
  const schedule = new HeldSchedule();
  schedule.holds = false;
  const held = await openHeld({}, { memory: { schedule: schedule.add } });
  const { store, clock } = held;
  await sendJournalWritesToPool(held);
  schedule.holds = true;
  const first = store.put(key(1), VALUE);
  await settle();
  const second = store.put(key(2), VALUE);
  await settle();
  clock.advance(40);
  schedule.release();
  await Promise.all([first, second]);
  expect(store.stats().stalls['slow-journal']).toEqual({ count: 1, totalMs: 40, maxMs: 40 });
  await store.close();
});
