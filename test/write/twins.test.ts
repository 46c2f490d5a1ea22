import { Prng } from '@arena-level/common/base/prng';
import { MemDbKind } from '@arena-level/common/memdb/memdb';
import { LOSS_MODELS } from '@arena-level/common/storage/crash-replay';
import { MemoryStorage } from '@arena-level/common/storage/memory-storage';
import { arenaBudget, open } from 'arena-level/engine';
import { describe, expect, test } from 'vitest';
import { settle } from '../support/eventually.ts';
import { HeldSchedule } from '../support/held-schedule.ts';
import { openHeld, reopen } from '../support/held-store.ts';
import { LONG_TEST_MS } from '../support/long-test.ts';
import { sendJournalWritesToPool } from '../support/pooled-journal.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { bytes, key, text } from '../support/text-bytes.ts';

const VALUE = bytes('v'.repeat(1000));

// A million of them takes most of a minute on a busy machine, and is in test/torture.
describe.each([
  { flush: 'inline', memtable: MemDbKind.Hash, many: 10_000, arenaKib: 16 },
  { flush: 'inline', memtable: MemDbKind.Skiplist, many: 10_000, arenaKib: 16 },
  { flush: 'worker', memtable: MemDbKind.Hash, many: 200_000, arenaKib: 64 },
  { flush: 'worker', memtable: MemDbKind.Skiplist, many: 10_000, arenaKib: 16 },
] as const)(
  '$many blocking writes in one turn ($flush, $memtable)',
  ({ flush, memtable, many, arenaKib }) => {
    test(
      'ends, in bounded memory, and all of it is there, now and after a reopen',
      async () => {
        const location = temporaryDirectory();
        const budgetBefore = arenaBudget().usedBytes;
        // Dozens of rotations: no event loop turns in between, so no worker's answer comes in.
        const store = await open(location, { writeBufferSize: arenaKib * 1024, flush, memtable });
        const arenaBytes = arenaBudget().usedBytes - budgetBefore;
        let mostBytes = 0;
        for (let i = 0; i < many; i++) {
          store.putSync(key(i), bytes(`value ${i}`));
          if (i % 64 === 0) mostBytes = Math.max(mostBytes, arenaBudget().usedBytes - budgetBefore);
        }
        // Active, two frozen, one that a worker still reads, two idle or in preparation.
        expect(mostBytes).toBeLessThanOrEqual(6 * arenaBytes);
        expect(store.stats().rotations.count).toBeGreaterThan(10);
        expect(store.stats().lastSequence).toBe(many);
        for (let i = 0; i < many; i += 7) expect(text(store.getSync(key(i)))).toBe(`value ${i}`);
        await store.close();
        expect(arenaBudget().usedBytes).toBe(budgetBefore);

        const again = await open(location, { flush: 'inline' });
        let at = 0;
        for (const [k, v] of again.iterator()) {
          if (text(k) !== text(key(at)) || text(v) !== `value ${at}`) break;
          at++;
        }
        expect(at).toBe(many);
        await again.close();
      },
      LONG_TEST_MS,
    );
  },
);

describe('a blocking write that meets', () => {
  test('a journal write in the pool writes that first, and counts its late answer no more', async () => {
    const schedule = new HeldSchedule();
    schedule.holds = false;
    const held = await openHeld({}, { memory: { schedule: schedule.add } });
    const { store, memory } = held;
    await sendJournalWritesToPool(held);
    schedule.holds = true;
    const pooled = store.put(key(1), bytes('pooled'));
    await settle();
    expect(schedule.waiting).toBe(1);
    store.putSync(key(1), bytes('twin'));
    expect(text(store.getSync(key(1)))).toBe('twin');
    expect(store.stats().lastSequence).toBe(3);
    await pooled;
    schedule.release();
    await settle();
    expect(text(store.getSync(key(1)))).toBe('twin');
    store.putSync(key(2), bytes('behind'));
    await store.close();
    const again = await reopen(memory);
    expect([1, 2].map((i) => text(again.getSync(key(i))))).toEqual(['twin', 'behind']);
    expect(again.recovery.damage).toEqual([]);
    await again.close();
  });

  test('a journal write in the pool of many slices takes over the rest of them', async () => {
    const schedule = new HeldSchedule();
    schedule.holds = false;
    const held = await openHeld(
      { writeBufferSize: 16 * 1024 * 1024 },
      { memory: { schedule: schedule.add } },
    );
    const { store, memory } = held;
    await sendJournalWritesToPool(held);
    const large = bytes('L'.repeat(5 * 1024 * 1024));
    for (let step = 0; step < 5; step++) {
      schedule.holds = true;
      const pooled = store.put(key(step), large);
      await settle();
      for (let completed = 0; completed < step; completed++) {
        schedule.completeNext();
        await settle();
      }
      store.putSync(key(100 + step), bytes('twin'));
      await pooled;
      schedule.release();
      await settle();
    }
    await store.close();
    const again = await reopen(memory, { writeBufferSize: 16 * 1024 * 1024 });
    for (let step = 0; step < 5; step++) {
      expect(text(again.getSync(key(step))) === text(large)).toBe(true);
      expect(text(again.getSync(key(100 + step)))).toBe('twin');
    }
    await again.close();
  });

  test('a pass that brings journals to the disk ends it first, when it wants to be durable itself', async () => {
    for (let step = 0; step < 4; step++) {
      const schedule = new HeldSchedule();
      schedule.holds = false;
      const { store, memory, executor } = await openHeld(
        { maxFrozenMemtables: 4 },
        { memory: { schedule: schedule.add } },
      );
      schedule.holds = true;
      for (let i = 0; i < 8; i++) await store.put(key(i), VALUE);
      const synced = store.put(key(20), VALUE, { sync: true });
      await settle();
      for (let completed = 0; completed < step; completed++) {
        schedule.completeNext();
        await settle();
      }
      store.putSync(key(21), VALUE, { sync: true });
      // Nothing of what is under way has to complete for it: the machine may crash now.
      const crashed = await reopen(memory.crashClone(LOSS_MODELS.dropped, new Prng(step)));
      for (const i of [0, 7, 20, 21]) expect(text(crashed.getSync(key(i)))).toBe(text(VALUE));
      await crashed.close();
      schedule.release();
      await synced;
      executor.release();
      await store.close();
    }
  });

  test('a commit in any of its steps takes it over, in its order', async () => {
    const undisturbed = await commitTakenOverAfter(Number.POSITIVE_INFINITY);
    expect(undisturbed.completed).toBeGreaterThan(4);
    for (let step = 0; step <= undisturbed.completed; step++) {
      const { operations } = await commitTakenOverAfter(step);
      const at = (pattern: RegExp): number => operations.findIndex((line) => pattern.test(line));
      const order = [
        at(/^rename \d+\.dbtmp \d+\.ldb/),
        at(/^sync-directory/),
        at(/^write MANIFEST/),
        at(/^sync MANIFEST/),
        at(/^remove 000002\.log/),
        at(/^rename \d+\.dbtmp arena\.roots/),
      ];
      expect(order, `taken over after ${step} steps:\n${operations.join('\n')}`).not.toContain(-1);
      expect(order).toEqual([...order].sort((a, b) => a - b));
    }
  });

  test('a build in a worker does not wait for it', async () => {
    const location = temporaryDirectory();
    const store = await open(location, { writeBufferSize: 64 * 1024, maxFrozenMemtables: 1 });
    for (let i = 0; i < 1000; i++) {
      store.putSync(key(i), VALUE);
      expect(store.getSync(key(i))!.length).toBe(VALUE.length);
    }
    expect(store.stats().rotations.count).toBeGreaterThan(10);
    await store.flush();
    for (let i = 0; i < 1000; i++) expect(store.hasSync(key(i))).toBe(true);
    await store.close();
  });
});

/** Lets `steps` steps of a commit complete, then has a blocking write take over what is left of it. */
async function commitTakenOverAfter(
  steps: number,
): Promise<{ readonly completed: number; readonly operations: string[] }> {
  const schedule = new HeldSchedule();
  schedule.holds = false;
  const given = new MemoryStorage({ schedule: schedule.add });
  const filesOpen = countOpenFiles(given, schedule);
  const { store, memory, executor } = await openHeld({ maxFrozenMemtables: 1 }, { memory: given });
  for (let i = 0; i < 5; i++) store.putSync(key(i), VALUE);
  await settle();
  schedule.holds = true;
  executor.held[0]!.finish();
  const start = memory.trace.entries.length;
  await settle();
  let completed = 0;
  for (; completed < steps && schedule.waiting > 0; completed++) {
    schedule.completeNext();
    await settle(2);
  }
  for (let i = 5; i < 12; i++) {
    store.putSync(key(i), VALUE);
    expect(text(store.getSync(key(i)))).toBe(text(VALUE));
  }
  for (let i = 0; i < 12; i++) expect(store.hasSync(key(i))).toBe(true);
  // What was taken over completes late, in other files' time.
  schedule.release();
  await settle();
  const operations = memory.trace.entries.slice(start).map((entry) =>
    Object.values(entry)
      .filter((part) => typeof part === 'string')
      .join(' '),
  );
  executor.release();
  await store.flush();
  await store.close();
  expect(filesOpen(), `files open, taken over after ${steps} steps`).toBe(0);
  const again = await reopen(memory);
  for (let i = 0; i < 12; i++) expect(text(again.getSync(key(i)))).toBe(text(VALUE));
  expect(again.recovery.damage).toEqual([]);
  expect((await again.verify()).differing).toEqual([]);
  await again.close();
  return { completed, operations };
}

/** Says how many files of a storage are open for reading, from now on. */
function countOpenFiles(memory: MemoryStorage, schedule: HeldSchedule): () => number {
  let open = 0;
  const openReadNow = memory.openReadNow.bind(memory);
  // A thread of the pool opens the file at once; that it has is heard of later.
  memory.openRead = (desc) => {
    const file = memory.openReadNow(desc);
    return new Promise((resolve) => schedule.add(() => resolve(file)));
  };
  memory.openReadNow = (desc) => {
    const file = openReadNow(desc);
    const closeNow = file.closeNow.bind(file);
    let isOpen = true;
    open++;
    file.closeNow = () => {
      if (isOpen) open--;
      isOpen = false;
      closeNow();
    };
    return file;
  };
  return () => open;
}
