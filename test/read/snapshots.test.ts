import type { SnapshotHandle, Store } from 'arena-level/engine';
import { describe, expect, test } from 'vitest';
import { settle } from '../support/eventually.ts';
import { openHeld } from '../support/held-store.ts';
import { bytes, text } from '../support/text-bytes.ts';

const KEYS = ['deleted', 'kept', 'later', 'overwritten'];

/** All that a reader can learn, by every way of reading; they must agree. */
async function contents(store: Store, snapshot?: SnapshotHandle): Promise<Record<string, string>> {
  const options = snapshot === undefined ? {} : { snapshot };
  const keys = KEYS.map(bytes);
  const many = (await store.getMany(keys, options)).map(text);
  const single = await Promise.all(keys.map(async (key) => text(await store.get(key, options))));
  const now = keys.map((key) => text(store.getSync(key, options)));
  expect(single).toEqual(many);
  expect(now).toEqual(many);
  expect(await Promise.all(keys.map((key) => store.has(key, options)))).toEqual(
    many.map((value) => value !== undefined),
  );
  expect(await store.hasMany(keys, options)).toEqual(many.map((value) => value !== undefined));
  const found = Object.fromEntries(
    KEYS.map((key, at) => [key, many[at]] as const).filter(([, value]) => value !== undefined),
  ) as Record<string, string>;
  for (const reverse of [false, true]) {
    const entries: [string, string][] = [];
    for await (const [key, value] of store.iterator({ ...options, reverse })) {
      entries.push([text(key!), text(value!)]);
    }
    const expected = Object.entries(found);
    expect(entries).toEqual(reverse ? expected.reverse() : expected);
  }
  return found;
}

const BEFORE = { deleted: 'old', kept: 'old', overwritten: 'old' };
const AFTER = { kept: 'old', later: 'new', overwritten: 'new' };

async function writeBefore(store: Store): Promise<void> {
  for (const [key, value] of Object.entries(BEFORE)) await store.put(bytes(key), bytes(value));
}

async function writeAfter(store: Store): Promise<void> {
  await store.put(bytes('overwritten'), bytes('new'));
  await store.del(bytes('deleted'));
  await store.put(bytes('later'), bytes('new'));
}

describe('a snapshot shows its moment', () => {
  test('in a MemDB, when that is frozen, and when it is a table', async () => {
    const { store, executor } = await openHeld();
    await writeBefore(store);
    const snapshot = store.snapshot();
    await writeAfter(store);
    expect([await contents(store, snapshot), await contents(store)]).toEqual([BEFORE, AFTER]);

    await store.rotateMemtable();
    expect(store.stats().memtables.frozen).toBe(1);
    expect([await contents(store, snapshot), await contents(store)]).toEqual([BEFORE, AFTER]);

    executor.release();
    await store.flush();
    expect(store.stats().levels[0]!.tables).toBe(1);
    expect([await contents(store, snapshot), await contents(store)]).toEqual([BEFORE, AFTER]);
    snapshot.close();
    expect(await contents(store)).toEqual(AFTER);
    await store.close();
  });

  test('when what came before it is a table, and what came after is in memory, frozen, and a table', async () => {
    const { store, executor } = await openHeld();
    executor.holds = false;
    await writeBefore(store);
    await store.flush();
    executor.holds = true;
    const snapshot = store.snapshot();
    await writeAfter(store);
    expect([await contents(store, snapshot), await contents(store)]).toEqual([BEFORE, AFTER]);
    await store.rotateMemtable();
    expect([await contents(store, snapshot), await contents(store)]).toEqual([BEFORE, AFTER]);
    executor.release();
    await store.flush();
    expect(store.stats().levels[0]!.tables).toBe(2);
    expect([await contents(store, snapshot), await contents(store)]).toEqual([BEFORE, AFTER]);
    snapshot.close();
    await store.close();
  });
});

describe('what a flush leaves out', () => {
  /** What a flush dropped of five writes to one key; snapshots behind the second and the fourth, `closed` in between. */
  async function dropped(closed: readonly number[]): Promise<number> {
    const { store, executor } = await openHeld();
    const snapshots: SnapshotHandle[] = [];
    for (let write = 1; write <= 5; write++) {
      await store.put(bytes('key'), bytes(`${write}`));
      if (write % 2 === 0) snapshots.push(store.snapshot());
    }
    for (const at of closed) snapshots[at]!.close();
    const flushed = store.flush();
    await settle();
    let found = Number.NaN;
    executor.held[0]!.finish((outcome) => {
      found = outcome.dropped;
      return outcome;
    });
    await flushed;
    for (const [at, snapshot] of snapshots.entries()) {
      if (closed.includes(at)) continue;
      expect(text(await store.get(bytes('key'), { snapshot }))).toBe(`${2 * at + 2}`);
      snapshot.close();
    }
    expect(text(await store.get(bytes('key')))).toBe('5');
    await store.close();
    return found;
  }

  test('is what neither a snapshot nor the present sees, and nothing above the oldest snapshot', async () => {
    expect(await dropped([])).toBe(1);
    expect(await dropped([0])).toBe(3);
    expect(await dropped([1])).toBe(1);
    expect(await dropped([0, 1])).toBe(4);
  });
});
