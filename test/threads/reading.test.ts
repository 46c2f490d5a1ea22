import { MemDbKind } from '@arena-level/common/memdb/memdb';
import { open, type Store } from 'arena-level/engine';
import { describe, expect, onTestFinished, test } from 'vitest';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { bytes } from '../support/text-bytes.ts';
import { ReaderThread } from './reader-thread.ts';

async function openStore(memtable: MemDbKind = MemDbKind.Hash, more = {}): Promise<Store> {
  const store = await open(temporaryDirectory(), { writeBufferSize: 4096, memtable, ...more });
  onTestFinished(() => store.close());
  return store;
}

const put = (store: Store, key: string, value: string): void => store.putSync(bytes(key), bytes(value));

describe.each(Object.values(MemDbKind))('a thread attached to a store with %s MemDBs', (memtable) => {
  test('reads what is in the active MemDB, in frozen ones, and in tables of every level', async () => {
    const store = await openStore(memtable);
    const thread = await ReaderThread.start(store);
    put(store, 'in a deep table', '1');
    put(store, 'deleted', 'x');
    await store.compactRange();
    put(store, 'in level 0', '2');
    store.delSync(bytes('deleted'));
    await store.flush();
    put(store, 'frozen', '3');
    await store.rotateMemtable();
    put(store, 'active', '4');
    const expected = ['active=4', 'frozen=3', 'in a deep table=1', 'in level 0=2'];
    expect(await thread.call('entries', {})).toEqual(expected);
    expect(await thread.call('entriesSync', { reverse: true })).toEqual([...expected].reverse());
    expect(await thread.call('entries', { gte: 'b', lt: 'in l' })).toEqual(expected.slice(1, 3));
    const keys = ['active', 'deleted', 'frozen', 'in a deep table', 'in level 0', 'missing'];
    const values = ['4', undefined, '3', '1', '2', undefined];
    expect(await thread.call('getMany', keys)).toEqual(values);
    expect(await thread.call('hasMany', keys)).toEqual(values.map((value) => value !== undefined));
    for (const [i, key] of keys.entries()) {
      expect(await thread.call('getSync', key)).toBe(values[i]);
      expect(await thread.call('get', key)).toBe(values[i]);
      expect(await thread.call('hasSync', key)).toBe(values[i] !== undefined);
      expect(await thread.call('has', key)).toBe(values[i] !== undefined);
    }
  });
});
