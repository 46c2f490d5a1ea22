import { FaultStorage } from '@arena-level/common/storage/fault-storage';
import { describe, expect, test } from 'vitest';
import { nextTurn, settle } from '../support/eventually.ts';
import { openHeld } from '../support/held-store.ts';
import { bytes, key, text } from '../support/text-bytes.ts';

const VALUE = bytes('v'.repeat(1000));

describe('events', () => {
  test('of a rotation, its flush and its commit come in the order of the steps', async () => {
    const { store, executor, trace } = await openHeld();
    executor.release();
    const heard: string[] = [];
    const names = [
      'journal-created',
      'memtable-frozen',
      'memtable-installed',
      'flush-started',
      'table-built',
      'table-renamed',
      'directory-synced',
      'edit-appended',
      'manifest-synced',
      'version-installed',
      'memtable-dropped',
      'journal-removed',
      'master-root-renewed',
      'flush-finished',
    ] as const;
    for (const name of names) store.on(name, () => heard.push(name));
    const start = trace.length;
    await store.put(key(1), VALUE);
    await store.flush();
    await settle();
    expect(heard).toEqual(names);
    expect(trace.slice(start).map(({ name }) => name)).toEqual(names);
    await store.close();
  });

  test('carry what belongs together: journal, table, entries, root', async () => {
    const { store, executor, trace } = await openHeld();
    executor.release();
    await store.put(key(1), VALUE);
    await store.put(key(1), VALUE);
    await store.flush();
    const details = Object.fromEntries(trace.map((event) => [event.name, event.details]));
    expect(details['memtable-frozen']).toMatchObject({ journal: 2, lastSequence: 2, entries: 2 });
    expect(details['table-built']).toMatchObject({ journal: 2, entries: 1, dropped: 1 });
    expect(details['version-installed']).toMatchObject({ tables: 1, lastSequence: 2 });
    expect(details['memtable-dropped']).toEqual({ journal: 2 });
    const { root, sequence, tables } = await store.masterRoot();
    expect(details['master-root-renewed']).toEqual({
      root: text(root) && Buffer.from(root).toString('hex'),
      sequence,
      tables,
    });
    await store.close();
  });

  test('come after the step they tell of, never inside the call that caused it', async () => {
    const { store } = await openHeld();
    let heard = 0;
    store.on('memtable-frozen', () => heard++);
    for (let i = 0; i < 5; i++) store.putSync(key(i), VALUE);
    expect(store.stats().rotations.count).toBe(1);
    expect(heard).toBe(0);
    await nextTurn();
    expect(heard).toBe(1);
    await store.close();
  });

  test('may be answered with blocking calls of the store', async () => {
    const { store, executor } = await openHeld();
    executor.release();
    let calls = 0;
    const write = (): void => {
      if (++calls > 20) return;
      store.putSync(bytes(`from listener ${calls}`), VALUE);
      expect(store.hasSync(bytes(`from listener ${calls}`))).toBe(true);
    };
    store.on('journal-created', write);
    store.on('memtable-frozen', write);
    store.on('table-renamed', write);
    store.on('memtable-dropped', write);
    for (let i = 0; i < 30; i++) await store.put(key(i), VALUE);
    await store.flush();
    await settle();
    expect(calls).toBeGreaterThan(20);
    for (let i = 1; i <= 20; i++) expect(store.hasSync(bytes(`from listener ${i}`))).toBe(true);
    for (let i = 0; i < 30; i++) expect(store.hasSync(key(i))).toBe(true);
    await store.close();
  });

  test('may be answered with close', async () => {
    const { store, executor } = await openHeld();
    executor.release();
    let closed: Promise<void> | undefined;
    store.on('memtable-dropped', () => {
      closed = store.close();
    });
    await store.put(key(1), VALUE);
    await store.flush().catch(() => {});
    await settle();
    await closed;
    expect(closed).toBeDefined();
  });

  test('are not heard any more after off, not even those that were under way', async () => {
    const { store } = await openHeld();
    const heard: string[] = [];
    const first = (): void => void heard.push('first');
    const second = (): void => void heard.push('second');
    store.on('memtable-frozen', first).on('memtable-frozen', second).on('memtable-frozen', first);
    store.off('memtable-frozen', () => {});
    await store.put(key(1), VALUE);
    await store.rotateMemtable();
    await settle(1);
    expect(heard).toEqual(['first', 'second']);
    store.putSync(key(2), VALUE);
    const rotated = store.rotateMemtable();
    store.off('memtable-frozen', first);
    await rotated;
    await settle(1);
    expect(heard).toEqual(['first', 'second', 'second']);
    await store.close();
  });

  test('whose listener throws are an uncaught exception; other listeners hear them, and the store goes on', async () => {
    const { store } = await openHeld();
    const uncaught: unknown[] = [];
    const others = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException');
    process.on('uncaughtException', (error) => uncaught.push(error));
    try {
      let heard = 0;
      store.on('memtable-frozen', () => {
        throw new Error('a listener threw');
      });
      store.on('memtable-frozen', () => heard++);
      await store.put(key(1), VALUE);
      await store.rotateMemtable();
      await settle();
      expect(heard).toBe(1);
      expect(uncaught).toMatchObject([{ message: 'a listener threw' }]);
      await store.put(key(2), VALUE);
      expect(store.hasSync(key(2))).toBe(true);
    } finally {
      process.removeAllListeners('uncaughtException');
      for (const listener of others) process.on('uncaughtException', listener);
    }
    await store.close();
  });

  test('tell of the beginning and the end of healing', async () => {
    let faults: FaultStorage | undefined;
    const { store, executor, clock, names } = await openHeld(
      {},
      {
        wrap: (inner) => {
          faults = new FaultStorage(inner);
          return faults;
        },
      },
    );
    const heard: unknown[] = [];
    store.on('healing-started', ({ error }) => heard.push(error.message));
    store.on('healed', (details) => heard.push(details));
    faults!.install({
      rules: [{ operation: 'write', type: 'journal', nth: 1, times: 1, effect: 'error', errno: 'EIO' }],
    });
    await store.put(key(1), VALUE).catch(() => {});
    await settle();
    clock.advance(30);
    executor.release();
    await settle();
    expect(heard).toEqual([expect.stringContaining('EIO'), { durationMs: 30 }]);
    expect(names().at(-1)).toBe('healed');
    await store.close();
  });

  test('end with closed', async () => {
    const { store, memory, names } = await openHeld();
    const heard: unknown[] = [];
    store.on('closed', (details) => heard.push(details));
    await store.close();
    await settle(1);
    expect(heard).toEqual([{ location: memory.location }]);
    expect(names().at(-1)).toBe('closed');
  });
});
