import { ErrorCode } from '@arena-level/common/base/errors';
import { FaultStorage } from '@arena-level/common/storage/fault-storage';
import { arenaBudget, open, type Store } from 'arena-level/engine';
import { describe, expect, test } from 'vitest';
import { openFilesIn } from '../support/descriptors.ts';
import { settle, stateOf } from '../support/eventually.ts';
import { HeldSchedule } from '../support/held-schedule.ts';
import { openHeld, reopen } from '../support/held-store.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { bytes, key, text } from '../support/text-bytes.ts';

const VALUE = bytes('v'.repeat(1000));

describe('close', () => {
  test('called again is the same promise', async () => {
    const { store, names } = await openHeld();
    const first = store.close();
    expect(store.close()).toBe(first);
    await first;
    expect(store.close()).toBe(first);
    await store[Symbol.asyncDispose]();
    expect(names().filter((name) => name === 'closed')).toHaveLength(1);
  });

  test('refuses a compaction of a range that still flushes', async () => {
    const store = await open(temporaryDirectory(), { flush: 'inline' });
    await store.put(key(1), VALUE);
    const compaction = store.compactRange().catch((error: unknown) => error);
    await store.close();
    expect(await compaction).toMatchObject({ code: ErrorCode.DatabaseNotOpen });
  });

  test('answers the writes that were issued, and they are durable', async () => {
    const schedule = new HeldSchedule();
    schedule.holds = false;
    const { store, memory } = await openHeld({}, { memory: { schedule: schedule.add } });
    const issued = [
      store.put(key(1), VALUE),
      store.put(key(2), VALUE, { sync: true }),
      store.batch([{ type: 'put', key: key(3), value: VALUE }]),
    ];
    const closed = store.close();
    await expect(store.put(key(4), VALUE)).rejects.toMatchObject({ code: ErrorCode.DatabaseNotOpen });
    await Promise.all(issued);
    await closed;
    expect(memory.trace.entries.at(-1)).toMatchObject({ operation: 'sync', file: '000002.log' });
    const again = await reopen(memory);
    expect([1, 2, 3, 4].map((i) => again.hasSync(key(i)))).toEqual([true, true, true, false]);
    await again.close();
  });

  test('during a flush gives it up; the journal has what was not committed', async () => {
    const { store, memory, executor } = await openHeld();
    await store.put(key(1), VALUE);
    const flushed = store.flush();
    flushed.catch(() => {});
    await settle();
    const [build] = executor.held;
    const closed = store.close();
    await closed;
    await expect(flushed).rejects.toMatchObject({ code: ErrorCode.DatabaseNotOpen });
    expect(build!.build()).toMatchObject({ kind: 'failed' });
    expect(memory.fileNames().filter((name) => /ldb|dbtmp/.test(name))).toEqual([]);
    const again = await reopen(memory);
    expect(text(again.getSync(key(1)))).toBe(text(VALUE));
    await again.close();
  });

  test('while writes wait for a slot writes them first', async () => {
    const { store, memory, executor } = await openHeld({ maxFrozenMemtables: 1 });
    for (let i = 0; i < 8; i++) await store.put(key(i), VALUE);
    const waiting = [store.put(key(8), VALUE), store.put(key(9), VALUE)];
    await settle();
    const closed = store.close();
    expect(await stateOf(closed)).toBe('pending');
    executor.release();
    await Promise.all(waiting);
    await closed;
    const again = await reopen(memory);
    for (let i = 0; i < 10; i++) expect(again.hasSync(key(i))).toBe(true);
    await again.close();
  });

  test('while the store is healing waits for the end of that, and writes what waited', async () => {
    let faults: FaultStorage | undefined;
    const { store, memory, executor } = await openHeld(
      {},
      {
        wrap: (inner) => {
          faults = new FaultStorage(inner);
          return faults;
        },
      },
    );
    await store.put(key(1), VALUE);
    faults!.install({
      rules: [{ operation: 'write', type: 'journal', nth: 1, times: 1, effect: 'torn-write', errno: 'EIO' }],
    });
    await expect(store.put(key(2), VALUE)).rejects.toMatchObject({ code: ErrorCode.WriteOutcomeUnknown });
    const waiting = store.put(key(3), VALUE);
    expect(await stateOf(waiting)).toBe('pending');
    const closed = store.close();
    expect(await stateOf(closed)).toBe('pending');
    executor.release();
    await waiting;
    await closed;
    const again = await reopen(memory);
    expect([1, 3].map((i) => again.hasSync(key(i)))).toEqual([true, true]);
    expect(again.recovery.tear).toBeUndefined();
    await again.close();
  });

  test('of a store that stopped taking writes ends, and keeps what was acknowledged', async () => {
    const { store, memory, executor, clock } = await openHeld();
    await store.put(key(1), VALUE);
    await store.rotateMemtable();
    executor.held[0]!.fail('EIO');
    await settle();
    clock.advance(1000);
    executor.held[0]!.fail('EIO');
    await settle();
    await expect(store.put(key(2), VALUE)).rejects.toMatchObject({ code: ErrorCode.WritesStopped });
    await store.close();
    const again = await reopen(memory);
    expect(again.hasSync(key(1))).toBe(true);
    await again.close();
  });

  test('ends iterators, and reads in progress are answered or refused, never wrong', async () => {
    const { store, executor } = await openHeld();
    executor.release();
    for (let i = 0; i < 20; i++) await store.put(key(i), VALUE);
    await store.flush();
    const iterator = store.iterator();
    expect(text(iterator.nextSync()![0])).toBe(text(key(0)));
    const gets = Array.from({ length: 20 }, (_, i) => store.get(key(i)));
    const closed = store.close();
    for (const outcome of await Promise.allSettled(gets)) {
      if (outcome.status === 'fulfilled') expect(text(outcome.value)).toBe(text(VALUE));
      else expect(outcome.reason).toMatchObject({ code: ErrorCode.DatabaseNotOpen });
    }
    await closed;
    expect(() => iterator.nextSync()).toThrow(expect.objectContaining({ code: ErrorCode.IteratorNotOpen }));
  });
});

describe('a closed store', () => {
  const notOpen = { code: ErrorCode.DatabaseNotOpen };
  const k = bytes('k');
  const batch = [{ type: 'put', key: k, value: k }] as const;

  test.each<{ id: string; call: (store: Store) => Promise<unknown> }>([
    { id: 'put', call: (store) => store.put(k, k) },
    { id: 'put with sync', call: (store) => store.put(k, k, { sync: true }) },
    { id: 'del', call: (store) => store.del(k) },
    { id: 'batch', call: (store) => store.batch(batch) },
    { id: 'an empty batch', call: (store) => store.batch([]) },
    { id: 'get', call: (store) => store.get(k) },
    { id: 'getMany', call: (store) => store.getMany([k]) },
    { id: 'hasMany', call: (store) => store.hasMany([k]) },
    { id: 'has', call: (store) => store.has(k) },
    { id: 'flush', call: (store) => store.flush() },
    { id: 'rotateMemtable', call: (store) => store.rotateMemtable() },
    { id: 'resume', call: (store) => store.resume() },
    { id: 'masterRoot', call: (store) => store.masterRoot() },
    { id: 'verify', call: (store) => store.verify() },
  ])('rejects $id', async ({ call }) => {
    const { store } = await openHeld();
    await store.close();
    let promise: Promise<unknown> | undefined;
    expect(() => {
      promise = call(store);
    }).not.toThrow();
    await expect(promise).rejects.toMatchObject(notOpen);
  });

  test.each<{ id: string; call: (store: Store) => unknown }>([
    { id: 'putSync', call: (store) => store.putSync(k, k) },
    { id: 'delSync', call: (store) => store.delSync(k) },
    { id: 'batchSync', call: (store) => store.batchSync(batch) },
    { id: 'an empty batchSync', call: (store) => store.batchSync([]) },
    { id: 'getSync', call: (store) => store.getSync(k) },
    { id: 'hasSync', call: (store) => store.hasSync(k) },
    { id: 'iterator', call: (store) => store.iterator() },
    { id: 'snapshot', call: (store) => store.snapshot() },
  ])('throws at $id', async ({ call }) => {
    const { store } = await openHeld();
    await store.close();
    expect(() => call(store)).toThrow(expect.objectContaining(notOpen));
  });

  test('still says where it was and what it did', async () => {
    const { store, memory } = await openHeld();
    await store.put(k, k);
    await store.close();
    expect(store.location).toBe(memory.location);
    expect(store.recovery.created).toBe(true);
    expect(store.stats().writes.entries).toBe(1);
    expect(() => store.on('closed', () => {}).off('closed', () => {})).not.toThrow();
  });

  test('leaves snapshots that can be closed, and iterators and snapshots that say they are closed', async () => {
    const { store } = await openHeld();
    await store.put(k, k);
    const snapshot = store.snapshot();
    const iterator = store.iterator();
    const iteratorClosed = store.iterator();
    iteratorClosed.close();
    expect(() => iteratorClosed.nextSync()).toThrow(
      expect.objectContaining({ code: ErrorCode.IteratorNotOpen }),
    );
    await store.close();
    snapshot.close();
    snapshot.close();
    expect(() => snapshot.sequence).toThrow(expect.objectContaining({ code: ErrorCode.SnapshotNotOpen }));
    await expect(iterator.next()).rejects.toMatchObject({ code: ErrorCode.IteratorNotOpen });
  });

  test('had snapshots that could not be read once they were closed', async () => {
    const { store } = await openHeld();
    await store.put(k, k);
    const snapshot = store.snapshot();
    snapshot.close();
    await expect(store.get(k, { snapshot })).rejects.toMatchObject({ code: ErrorCode.SnapshotNotOpen });
    expect(() => store.getSync(k, { snapshot })).toThrow(
      expect.objectContaining({ code: ErrorCode.SnapshotNotOpen }),
    );
    expect(() => store.iterator({ snapshot })).toThrow(
      expect.objectContaining({ code: ErrorCode.SnapshotNotOpen }),
    );
    await store.close();
  });
});

describe('nothing is left behind', () => {
  test.each(['worker', 'inline'] as const)(
    'by a store that was used and closed (flush: %s)',
    async (flush) => {
      const location = temporaryDirectory();
      const budget = arenaBudget().usedBytes;
      for (let round = 0; round < 3; round++) {
        const store = await open(location, { writeBufferSize: 64 * 1024, flush });
        for (let i = 0; i < 300; i++) await store.put(key(i), VALUE);
        for (let i = 0; i < 300; i++) store.putSync(key(i), VALUE, { sync: i % 50 === 0 });
        const iterator = store.iterator();
        await iterator.next();
        for (let i = 0; i < 300; i += 10) await store.get(key(i));
        expect(openFilesIn(location).length).toBeGreaterThan(0);
        const flushing = round === 1 ? undefined : store.flush();
        if (round === 2) await flushing;
        await Promise.all([store.close(), flushing?.catch(() => {})]);
        expect(openFilesIn(location)).toEqual([]);
        expect(arenaBudget().usedBytes).toBe(budget);
      }
    },
  );

  test.each([
    { operation: 'create', type: 'journal' },
    { operation: 'write', type: 'journal' },
    { operation: 'sync', type: 'manifest' },
    { operation: 'rename', type: 'current' },
    { operation: 'sync-directory' },
  ] as const)('by an open that fails: $operation $type', async (fault) => {
    const { NodeStorage } = await import('@arena-level/common/storage/node-storage');
    const location = temporaryDirectory();
    const budget = arenaBudget().usedBytes;
    for (const round of ['new', 'existing']) {
      const storage = new FaultStorage(new NodeStorage(location), {
        rules: [{ ...fault, nth: 1, times: 1, effect: 'error', errno: 'EIO' }],
      });
      await expect(open(location, { flush: 'inline' }, { storage }), round).rejects.toMatchObject({
        code: ErrorCode.IoError,
      });
      expect(openFilesIn(location), round).toEqual([]);
      expect(arenaBudget().usedBytes, round).toBe(budget);
      const store = await open(location, { flush: 'inline' });
      await store.put(key(1), VALUE);
      await store.close();
    }
    expect(openFilesIn(location)).toEqual([]);
  });
});
