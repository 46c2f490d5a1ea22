import { FaultStorage } from '@arena-level/common/storage/fault-storage';
import type { MemoryStorage } from '@arena-level/common/storage/memory-storage';
import { describe, expect, test } from 'vitest';
import { settle, stateOf } from '../support/eventually.ts';
import { HeldSchedule } from '../support/held-schedule.ts';
import { openHeld } from '../support/held-store.ts';
import { sendJournalWritesToPool } from '../support/pooled-journal.ts';
import { bytes, key, text } from '../support/text-bytes.ts';

const VALUE = bytes('v'.repeat(1000));

/** What happened to a storage from some moment on, one operation per line. */
function operationsFrom(memory: MemoryStorage, start: number): string[] {
  return memory.trace.entries
    .slice(start)
    .map((entry) => ('file' in entry ? `${entry.operation} ${entry.file}` : entry.operation));
}

describe('a write', () => {
  test('is in the journal before it is seen, and seen before it is acknowledged', async () => {
    const schedule = new HeldSchedule();
    schedule.holds = false;
    const held = await openHeld({}, { memory: { schedule: schedule.add } });
    const { store, memory } = held;
    await sendJournalWritesToPool(held);
    schedule.holds = true;
    const start = memory.trace.entries.length;

    const written = store.put(key(1), VALUE);
    expect(store.getSync(key(1))).toBeUndefined();
    await settle();
    expect(schedule.waiting).toBe(1);
    expect(operationsFrom(memory, start)).toEqual([]);
    expect(store.hasSync(key(1))).toBe(false);
    expect([...store.iterator({ gte: key(1), lt: key(9) })]).toEqual([]);
    expect(await stateOf(written)).toBe('pending');

    schedule.release();
    await written;
    expect(operationsFrom(memory, start)).toEqual(['write 000002.log']);
    expect(text(store.getSync(key(1)))).toBe(text(VALUE));
    await store.close();
  });

  test('whose group fails was never there for a reader', async () => {
    let faults: FaultStorage | undefined;
    const { store, executor } = await openHeld(
      {},
      {
        wrap: (memory) => {
          faults = new FaultStorage(memory);
          return faults;
        },
      },
    );
    await store.put(key(1), bytes('old'));
    faults!.install({
      rules: [{ operation: 'write', type: 'journal', nth: 1, times: 1, effect: 'error', errno: 'EIO' }],
    });
    const failed = Promise.allSettled([store.put(key(1), bytes('new')), store.put(key(2), bytes('new'))]);
    expect((await failed).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(text(store.getSync(key(1)))).toBe('old');
    expect(store.hasSync(key(2))).toBe(false);
    executor.release();
    await store.close();
  });
});

describe('sync: true', () => {
  test('is acknowledged when the name of the journal and its bytes are durable, and not before', async () => {
    const schedule = new HeldSchedule();
    schedule.holds = false;
    const { store, memory } = await openHeld({}, { memory: { schedule: schedule.add } });
    schedule.holds = true;
    const start = memory.trace.entries.length;
    const synced = store.put(key(1), VALUE, { sync: true });
    expect(await stateOf(synced)).toBe('pending');
    schedule.completeNext();
    expect(await stateOf(synced)).toBe('pending');
    expect(operationsFrom(memory, start)).toEqual(['write 000002.log', 'sync-directory']);
    schedule.completeNext();
    expect(await stateOf(synced)).toBe('resolved');
    expect(operationsFrom(memory, start).at(-1)).toBe('sync 000002.log');
    schedule.release();
    await store.close();
  });

  test('waits for all older journals, oldest first', async () => {
    const schedule = new HeldSchedule();
    schedule.holds = false;
    const { store, memory, executor } = await openHeld(
      { maxFrozenMemtables: 4 },
      { memory: { schedule: schedule.add } },
    );
    schedule.holds = true;
    const start = memory.trace.entries.length;
    for (let i = 0; i < 12; i++) await store.put(key(i), VALUE);
    const synced = store.put(key(12), VALUE, { sync: true });
    let completed = 0;
    while ((await stateOf(synced)) === 'pending') {
      schedule.completeNext();
      completed++;
    }
    expect(completed).toBeGreaterThan(3);
    const syncs = operationsFrom(memory, start).filter((line) => line.startsWith('sync'));
    expect(syncs.filter((line) => line.endsWith('.log'))).toEqual(
      [...new Set(syncs.filter((line) => line.endsWith('.log')))].sort(),
    );
    expect(syncs.at(-1)).toMatch(/^sync \d+\.log$/);
    const journals = memory.fileNames().filter((name) => name.endsWith('.log'));
    expect(journals).toHaveLength(4);
    for (const journal of journals) expect(syncs).toContain(`sync ${journal}`);
    schedule.release();
    executor.release();
    await store.close();
  });

  test('of many waiters costs one fdatasync', async () => {
    const { store } = await openHeld();
    await Promise.all(Array.from({ length: 50 }, (_, i) => store.put(key(i), bytes('v'), { sync: true })));
    expect(store.stats().writes.journalSyncs).toBe(1);
    await store.close();
  });

  test('of waiters in two turns costs two: the second does not count on a sync begun before its write', async () => {
    const schedule = new HeldSchedule();
    schedule.holds = false;
    const { store } = await openHeld({}, { memory: { schedule: schedule.add } });
    await store.put(key(0), VALUE, { sync: true });
    schedule.holds = true;
    const first = store.put(key(1), bytes('1'), { sync: true });
    await settle();
    const later = [2, 3].map((i) => store.put(key(i), bytes('v'), { sync: true }));
    await settle();
    expect(schedule.waiting).toBe(1);
    schedule.completeNext();
    expect(await stateOf(first)).toBe('resolved');
    expect(await stateOf(later[0]!)).toBe('pending');
    schedule.completeNext();
    await Promise.all(later);
    expect(store.stats().writes.journalSyncs).toBe(3);
    schedule.release();
    await store.close();
  });

  test('of a blocking write is one fdatasync, and done when the call returns', async () => {
    const { store, memory } = await openHeld();
    store.putSync(key(1), VALUE, { sync: true });
    const start = memory.trace.entries.length;
    store.putSync(key(2), VALUE, { sync: true });
    expect(operationsFrom(memory, start)).toEqual(['write 000002.log', 'sync 000002.log']);
    await settle();
    expect(operationsFrom(memory, start)).toHaveLength(2);
    await store.close();
  });

  test('and not: writes of one group are acknowledged each in its own time', async () => {
    const schedule = new HeldSchedule();
    schedule.holds = false;
    const { store } = await openHeld({}, { memory: { schedule: schedule.add } });
    schedule.holds = true;
    const plain = store.put(key(1), VALUE);
    const synced = store.put(key(2), VALUE, { sync: true });
    expect(await stateOf(plain)).toBe('resolved');
    expect(await stateOf(synced)).toBe('pending');
    schedule.release();
    await synced;
    await store.close();
  });
});
