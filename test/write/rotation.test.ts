import { ErrorCode } from '@arena-level/common/base/errors';
import { FaultStorage } from '@arena-level/common/storage/fault-storage';
import { arenaBudget } from 'arena-level/engine';
import { describe, expect, test } from 'vitest';
import { eventually, settle, stateOf } from '../support/eventually.ts';
import { HeldSchedule } from '../support/held-schedule.ts';
import { openHeld, reopen } from '../support/held-store.ts';
import { bytes, key, text } from '../support/text-bytes.ts';

const ARENA = 4096;
/** A value whose put, under a key of `key`, takes `recordBytes` bytes; more than 130. */
const valueFor = (recordBytes: number): Uint8Array<ArrayBuffer> => bytes('v'.repeat(recordBytes - 11));

describe('a rotation', () => {
  test.each([
    // A record has two bytes at least: what leaves less rotates right behind itself.
    { id: 'two bytes less than there is room for', recordBytes: 198, rotations: 0, frozenEntries: 0 },
    { id: 'one byte less', recordBytes: 199, rotations: 1, frozenEntries: 2 },
    { id: 'as much', recordBytes: 200, rotations: 1, frozenEntries: 2 },
    { id: 'one byte more', recordBytes: 201, rotations: 1, frozenEntries: 1 },
  ])('comes when a write does not fit, or leaves no room: $id', async (wanted) => {
    const { store, executor } = await openHeld({ writeBufferSize: ARENA });
    await store.put(key(1), valueFor(ARENA - 200));
    expect(store.stats().memtables).toMatchObject({ frozen: 0, bytes: ARENA - 200 });
    await store.put(key(2), valueFor(wanted.recordBytes));
    expect(store.stats().rotations.count).toBe(wanted.rotations);
    expect(executor.held[0]?.job.entries ?? 0).toBe(wanted.frozenEntries);
    expect([1, 2].map((i) => store.hasSync(key(i)))).toEqual([true, true]);
    executor.release();
    await store.close();
  });

  test('comes for want of index space, too', async () => {
    const { store, executor } = await openHeld({ writeBufferSize: ARENA });
    for (let i = 0; store.stats().rotations.count === 0; i++) {
      expect(i).toBeLessThan(ARENA);
      await store.put(bytes(`${i}`), bytes(''));
    }
    const { entries } = executor.held[0]!.job;
    expect(store.stats().memtables.bytes).toBeLessThan(ARENA / 2);
    for (let i = 0; i < entries; i++) expect(store.hasSync(bytes(`${i}`))).toBe(true);
    executor.release();
    await store.close();
  });

  test('tells its steps in order: journal, freeze, install, flush', async () => {
    const { store, names, executor, trace } = await openHeld();
    await store.put(key(1), bytes('v'));
    const start = trace.length;
    await store.rotateMemtable();
    expect(names().slice(start)).toEqual([
      'journal-created',
      'memtable-frozen',
      'memtable-installed',
      'flush-started',
    ]);
    executor.release();
    await store.close();
  });

  test('asked for resolves when the next memtable is in place, or, with waitForFlush, when the old one is a table', async () => {
    const { store, executor } = await openHeld();
    await store.put(key(1), bytes('v'));
    await store.rotateMemtable();
    expect(store.stats()).toMatchObject({ memtables: { frozen: 1 }, rotations: { count: 1 } });
    await store.put(key(2), bytes('v'));
    const flushed = store.rotateMemtable({ waitForFlush: true });
    expect(await stateOf(flushed)).toBe('pending');
    executor.release();
    await flushed;
    expect(store.stats().memtables).toMatchObject({ frozen: 0, entries: 0 });
    expect(store.stats().levels[0]!.tables).toBe(2);
    await store.close();
  });

  test('makes room for as much as it was asked for', async () => {
    const { store, executor, trace } = await openHeld({ writeBufferSize: ARENA });
    await store.rotateMemtable({ minBytes: 3 * ARENA });
    expect(store.stats().rotations.count).toBe(0);
    await store.put(key(1), valueFor(2 * ARENA));
    expect(store.stats().rotations.count).toBe(0);
    await store.rotateMemtable({ minBytes: 2 * ARENA });
    const installed = trace.findLast(({ name }) => name === 'memtable-installed');
    expect(installed!.details).toMatchObject({ capacityBytes: 2 * ARENA });
    await store.put(key(2), valueFor(2 * ARENA));
    executor.release();
    await store.close();
  });

  test('of an empty store, and its flush, change nothing', async () => {
    const { store, memory, names } = await openHeld();
    const operations = memory.trace.entries.length;
    const events = names().length;
    await store.flush();
    await store.rotateMemtable({ waitForFlush: true });
    expect(memory.trace.entries.length).toBe(operations);
    expect(names().length).toBe(events);
    await store.close();
  });
});

describe('a journal that cannot be created', () => {
  test('leaves everything as it was, and its number is not used again', async () => {
    const budgetBefore = arenaBudget().usedBytes;
    let faults: FaultStorage | undefined;
    const { store, memory, executor } = await openHeld(
      { writeBufferSize: ARENA },
      {
        wrap: (inner) => {
          faults = new FaultStorage(inner);
          return faults;
        },
      },
    );
    await store.put(key(1), valueFor(ARENA - 200));
    const before = store.stats();
    const files = memory.fileNames();
    faults!.install({
      rules: [{ operation: 'create', type: 'journal', nth: 1, times: 2, effect: 'error', errno: 'EMFILE' }],
    });
    const refused = store.put(key(2), valueFor(300));
    await expect(refused).rejects.toMatchObject({ code: ErrorCode.IoError });
    await expect(store.flush()).rejects.toMatchObject({ code: ErrorCode.IoError });
    expect(memory.fileNames()).toEqual(files);
    const { arenas, ...others } = store.stats();
    const { arenas: arenasBefore, ...othersBefore } = before;
    expect(others).toEqual(othersBefore);
    expect(arenas.inUse).toBe(arenasBefore.inUse);
    expect(store.hasSync(key(2))).toBe(false);

    await store.put(key(3), valueFor(300));
    const journals = memory.fileNames().filter((name) => name.endsWith('.log'));
    expect(journals).toEqual(['000002.log', '000005.log']);
    executor.release();
    await store.close();
    expect(arenaBudget().usedBytes).toBe(budgetBefore);
    const again = await reopen(memory);
    expect([1, 2, 3].map((i) => again.hasSync(key(i)))).toEqual([true, false, true]);
    await again.close();
  });

  test('behind a write that left no room is no failure of that write', async () => {
    let faults: FaultStorage | undefined;
    const { store, executor } = await openHeld(
      { writeBufferSize: ARENA },
      {
        wrap: (inner) => {
          faults = new FaultStorage(inner);
          return faults;
        },
      },
    );
    faults!.install({
      rules: [{ operation: 'create', type: 'journal', nth: 1, times: 1, effect: 'error', errno: 'EMFILE' }],
    });
    await store.put(key(1), valueFor(ARENA));
    expect(faults!.firedCount).toBe(1);
    expect(store.stats().rotations.count).toBe(0);
    await store.put(key(2), valueFor(200));
    expect(store.stats().rotations.count).toBe(1);
    executor.release();
    await store.close();
  });
});

describe('the request of a flush', () => {
  test('is not lost when its memtable is frozen in any step of the commit before it', async () => {
    for (let step = 0; ; step++) {
      const schedule = new HeldSchedule();
      schedule.holds = false;
      const { store, memory, executor } = await openHeld({}, { memory: { schedule: schedule.add } });
      await store.put(key(1), bytes('first'));
      await store.rotateMemtable();
      await settle();
      schedule.holds = true;
      executor.held[0]!.finish();
      await settle();
      for (let completed = 0; completed < step && schedule.waiting > 0; completed++) {
        schedule.completeNext();
        await settle(2);
      }
      const isOver = schedule.waiting === 0;
      store.putSync(key(2), bytes('second'));
      const flushed = store.flush();
      await settle();
      schedule.release();
      await eventually(() => executor.held.length === 1, `the second build, behind step ${step}`);
      executor.held[0]!.finish();
      await flushed;
      expect(store.stats().levels[0]!.tables).toBe(2);
      await store.close();
      const again = await reopen(memory);
      expect([1, 2].map((i) => text(again.getSync(key(i))))).toEqual(['first', 'second']);
      await again.close();
      if (isOver) {
        expect(step).toBeGreaterThan(4);
        return;
      }
    }
  });
});
