import { prepareArena } from '@arena-level/common/arena/prepare-arena';
import { ErrorCode } from '@arena-level/common/base/errors';
import { MIB } from '@arena-level/common/base/limits';
import { arenaBudget, setArenaBudget } from 'arena-level/engine';
import { afterEach, describe, expect, test } from 'vitest';
import { eventually, settle } from '../support/eventually.ts';
import { openHeld } from '../support/held-store.ts';
import { bytes, key, text } from '../support/text-bytes.ts';

const VALUE = bytes('v'.repeat(1000));
const { limitBytes } = arenaBudget();
afterEach(() => setArenaBudget(limitBytes));

describe('every arena is accounted for', () => {
  test('while and after iterators and snapshots hold what was flushed', async () => {
    const before = arenaBudget().usedBytes;
    const { store, executor } = await openHeld({ maxIdleArenas: 1 });
    executor.release();
    for (let i = 0; i < 4; i++) await store.put(key(i), VALUE);
    const iterators = Array.from({ length: 3 }, () => store.iterator());
    const snapshot = store.snapshot();
    await store.flush();
    await settle();
    // The iterators still read the flushed arena.
    const held = store.stats().arenas.inUse;
    expect(held).toBe(2);
    for (let i = 0; i < 4; i++) await store.put(key(i), bytes('new'));
    for (const iterator of iterators.slice(1)) iterator.close();
    expect(store.stats().arenas.inUse).toBe(2);
    expect(text(iterators[0]!.nextSync()![1])).toBe(text(VALUE));
    iterators[0]!.close();
    await settle();
    expect(store.stats().arenas).toMatchObject({ inUse: 1, idle: 1, preparing: 0 });
    snapshot.close();
    await store.close();
    await settle();
    expect(arenaBudget().usedBytes).toBe(before);
  });

  test('when a thread crashed in one, when the store is closed during a flush, with an iterator open', async () => {
    const before = arenaBudget().usedBytes;
    const { store, executor, clock } = await openHeld({ maxFrozenMemtables: 3 });
    for (let i = 0; i < 10; i++) await store.put(key(i), VALUE);
    executor.held[0]!.crash();
    await settle();
    clock.advance(1000);
    executor.held[0]!.finish();
    await settle();
    const iterator = store.iterator();
    iterator.nextSync();
    await store.close();
    await settle();
    expect(iterator.closed).toBe(true);
    expect(arenaBudget().usedBytes).toBe(before);
  });

  test('when preparing one fails, or ends after the store was closed', async () => {
    const before = arenaBudget().usedBytes;
    const { store, executor } = await openHeld({ maxIdleArenas: 2 });
    executor.release();
    const preparations: { readonly end: () => void; readonly fail: () => void }[] = [];
    executor.prepare = (arena) =>
      new Promise((resolve, reject) => {
        preparations.push({
          end: () => {
            prepareArena(arena);
            resolve();
          },
          fail: () => reject(new Error('the thread died')),
        });
      });
    for (let i = 0; i < 12; i++) await store.put(key(i), VALUE);
    await store.flush();
    expect(preparations.length).toBeGreaterThan(1);
    expect(store.stats().arenas.preparing).toBe(preparations.length);
    preparations[0]!.fail();
    await settle();
    expect(store.stats().arenas).toMatchObject({ idle: 0, preparing: preparations.length - 1 });
    const closed = store.close();
    await closed;
    for (const { end } of preparations.slice(1)) end();
    await settle();
    expect(arenaBudget().usedBytes).toBe(before);
  });
});

describe('a budget that is used up', () => {
  test('refuses the write that needs an arena, changes nothing, and the store works on when there is room', async () => {
    const { store, executor } = await openHeld({ writeBufferSize: MIB, maxIdleArenas: 0 });
    await store.put(key(1), VALUE);
    const before = store.stats();
    setArenaBudget(Math.max(MIB, arenaBudget().usedBytes + 4096));
    const large = bytes('L'.repeat(2 * MIB));
    await expect(store.put(key(2), large)).rejects.toMatchObject({ code: ErrorCode.MemoryBudget });
    expect(() => store.putSync(key(2), large)).toThrow(
      expect.objectContaining({ code: ErrorCode.MemoryBudget }),
    );
    await expect(store.flush()).rejects.toMatchObject({ code: ErrorCode.MemoryBudget });
    expect(store.stats()).toEqual(before);
    expect(store.hasSync(key(2))).toBe(false);
    // What fits the active arena needs no other.
    await store.put(key(3), VALUE);
    setArenaBudget(limitBytes);
    await store.put(key(2), large);
    executor.release();
    await store.flush();
    expect([1, 2, 3].map((i) => store.hasSync(key(i)))).toEqual([true, true, true]);
    await store.close();
  });

  test('refuses to open one more store, and leaves the ones that are open alone', async () => {
    const { store } = await openHeld({ writeBufferSize: MIB });
    setArenaBudget(Math.max(MIB, arenaBudget().usedBytes));
    const before = arenaBudget().usedBytes;
    await expect(openHeld({ writeBufferSize: MIB })).rejects.toMatchObject({ code: ErrorCode.MemoryBudget });
    expect(arenaBudget().usedBytes).toBe(before);
    await store.put(key(1), VALUE);
    await store.close();
  });

  test('does not keep a rotation from reusing an idle arena', async () => {
    const { store, executor } = await openHeld({ writeBufferSize: MIB, maxIdleArenas: 1 });
    executor.release();
    await store.put(key(1), VALUE);
    await store.flush();
    await eventually(() => store.stats().arenas.idle === 1);
    setArenaBudget(Math.max(MIB, arenaBudget().usedBytes));
    await store.put(key(2), VALUE);
    await store.flush();
    expect(store.stats().levels[0]!.tables).toBe(2);
    await store.close();
  });
});

test('small entries, which use up the index first, have their next arena made ready in time, too', async () => {
  const { store } = await openHeld({ writeBufferSize: 64 * 1024, maxIdleArenas: 1 });
  for (let i = 0; store.stats().arenas.idle === 0; i++) {
    await store.put(bytes(`${i}`), bytes(''));
    await settle(1);
    expect(store.stats().rotations.count).toBe(0);
  }
  await store.close();
});

test('pages are touched ahead of the writer: the rest of a new arena from an eighth on, and the next one', async () => {
  const { store, executor } = await openHeld({ writeBufferSize: 64 * 1024 });
  const touched: SharedArrayBuffer[] = [];
  executor.touch = async (arena) => void touched.push(arena);
  for (let i = 0; i < 8; i++) await store.put(key(i), VALUE);
  expect(touched).toHaveLength(0);
  await store.put(key(8), VALUE);
  await store.put(key(9), VALUE);
  expect(touched).toHaveLength(2);
  expect(store.stats().arenas).toMatchObject({ inUse: 1, idle: 1, preparing: 0 });
  await store.rotateMemtable();
  // The active one is the second, which was touched; behind a rotation that was asked for, none is made.
  expect(executor.held[0]!.job.arena).toBe(touched[0]);
  await store.put(key(10), bytes('v'.repeat(2000)));
  expect(touched).toHaveLength(2);
  executor.release();
  await store.close();
});
