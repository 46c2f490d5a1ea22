import { arenaSizesFor } from '@arena-level/common/arena/layout';
import { MIB } from '@arena-level/common/base/limits';
import { MemDbKind } from '@arena-level/common/memdb/memdb';
import { describe, expect, test } from 'vitest';
import { nextTurn } from '../support/eventually.ts';
import { openHeld, reopen } from '../support/held-store.ts';
import { journalRecords } from '../support/journal-records.ts';
import { bytes, key, text } from '../support/text-bytes.ts';

describe('writes of one turn', () => {
  test('are one journal record, in the order of their calls', async () => {
    const { store, memory } = await openHeld();
    await Promise.all([
      store.put(bytes('a'), bytes('1')),
      store.batch([
        { type: 'put', key: bytes('b'), value: bytes('2') },
        { type: 'del', key: bytes('a') },
      ]),
      store.del(bytes('c')),
      store.put(bytes('a'), bytes('3')),
    ]);
    expect(journalRecords(memory)).toEqual([
      { sequence: 1, writes: ['put a 1', 'put b 2', 'del a', 'del c', 'put a 3'] },
    ]);
    expect(text(store.getSync(bytes('a')))).toBe('3');
    await store.close();
  });

  test('and of the next turn are two records', async () => {
    const { store, memory } = await openHeld();
    const first = store.put(bytes('a'), bytes('1'));
    await nextTurn();
    const second = store.put(bytes('b'), bytes('2'));
    await Promise.all([first, second]);
    expect(journalRecords(memory).map(({ writes }) => writes)).toEqual([['put a 1'], ['put b 2']]);
    await store.close();
  });

  test('leave with one write of the journal, however many are in flight', async () => {
    const { store, memory } = await openHeld({ writeBufferSize: MIB });
    const before = store.stats().writes;
    const writes = memory.trace.entries.length;
    await Promise.all(Array.from({ length: 64 }, (_, i) => store.put(key(i), key(i))));
    const after = store.stats().writes;
    expect(after.groups - before.groups).toBe(1);
    expect(after.entries - before.entries).toBe(64);
    expect(memory.trace.entries.slice(writes).map(({ operation }) => operation)).toEqual(['write']);
    for (let i = 0; i < 64; i++) expect(text(store.getSync(key(i)))).toBe(text(key(i)));
    await store.close();
  });

  test('make a group of at most one MiB, unless one batch alone is larger', async () => {
    const { store, memory } = await openHeld({ writeBufferSize: 4 * MIB });
    const value = bytes('v'.repeat(400 * 1024));
    const large = bytes('w'.repeat(600 * 1024));
    await Promise.all([
      ...[1, 2, 3].map((i) => store.put(key(i), value)),
      store.batch([4, 5].map((i) => ({ type: 'put', key: key(i), value: large }))),
      store.put(key(6), bytes('6')),
    ]);
    expect(journalRecords(memory).map(({ writes }) => writes.map((write) => write.slice(0, 11)))).toEqual([
      ['put k000001', 'put k000002'],
      ['put k000003'],
      ['put k000004', 'put k000005'],
      ['put k000006'],
    ]);
    await store.close();
  });
});

describe('blocking and asynchronous writes', () => {
  test('have one order', async () => {
    const { store, memory } = await openHeld();
    const pending = [store.put(bytes('a'), bytes('1')), store.del(bytes('b'))];
    store.putSync(bytes('a'), bytes('2'));
    store.batchSync([{ type: 'put', key: bytes('b'), value: bytes('3') }]);
    pending.push(store.put(bytes('a'), bytes('4')));
    store.delSync(bytes('b'));
    expect(text(store.getSync(bytes('a')))).toBe('4');
    expect(store.getSync(bytes('b'))).toBeUndefined();
    await Promise.all(pending);
    expect(journalRecords(memory)).toEqual([
      { sequence: 1, writes: ['put a 1', 'del b'] },
      { sequence: 3, writes: ['put a 2'] },
      { sequence: 4, writes: ['put b 3'] },
      { sequence: 5, writes: ['put a 4'] },
      { sequence: 6, writes: ['del b'] },
    ]);
    await store.close();
  });

  test('copy what they are given: buffers may be overwritten right behind the call', async () => {
    const { store, memory } = await openHeld();
    const k = bytes('key');
    const v = bytes('value');
    const operations: { type: 'put'; key: Uint8Array; value: Uint8Array }[] = [
      { type: 'put', key: bytes('in batch'), value: bytes('batched') },
    ];
    const writes = [store.put(k, v), store.batch(operations)];
    k.fill(0);
    v.fill(0);
    operations[0]!.key.fill(0);
    operations[0]!.value.fill(0);
    operations.pop();
    await Promise.all(writes);
    const twin = bytes('twin');
    store.putSync(twin, twin);
    twin.fill(0);
    expect(journalRecords(memory).flatMap(({ writes }) => writes)).toEqual([
      'put key value',
      'put in batch batched',
      'put twin twin',
    ]);
    expect(text(store.getSync(bytes('key')))).toBe('value');
    expect(text(store.getSync(bytes('twin')))).toBe('twin');
    await store.close();
  });

  test('take keys and values in shared memory, and parts of larger buffers', async () => {
    const { store } = await openHeld();
    const shared = new Uint8Array(new SharedArrayBuffer(64));
    shared.set(bytes('..shared key..shared value'));
    const inKey = shared.subarray(2, 12);
    const inValue = shared.subarray(14, 26);
    await store.put(inKey, inValue);
    store.batchSync([{ type: 'put', key: shared.subarray(2, 8), value: shared.subarray(14, 20) }]);
    shared.fill(0);
    expect(text(store.getSync(bytes('shared key')))).toBe('shared value');
    expect(text(await store.get(bytes('shared')))).toBe('shared');
    const copy = await store.get(bytes('shared'));
    expect(copy!.buffer).toBeInstanceOf(ArrayBuffer);
    await store.close();
  });

  test('of nothing are nothing: an empty batch leaves no record', async () => {
    const { store, memory } = await openHeld();
    await store.batch([]);
    store.batchSync([]);
    await store.batch([], { sync: true });
    expect(journalRecords(memory)).toEqual([]);
    expect(store.stats().writes.groups).toBe(0);
    await store.close();
  });
});

describe.each(Object.values(MemDbKind))('a batch that nearly fits an arena (%s)', (memtable) => {
  const capacity = 64 * 1024;
  // One record: kind, key length, key, value length in three bytes, value.
  const overhead = 1 + 1 + 7 + 3;

  test.each([
    { id: 'one byte less', bytes: capacity - 1 },
    { id: 'exactly', bytes: capacity },
    { id: 'one byte more', bytes: capacity + 1 },
    { id: 'three arenas', bytes: 3 * capacity },
  ])('is whole and readable, now and after a reopen: $id', async ({ bytes: size }) => {
    const { store, memory, executor } = await openHeld({ writeBufferSize: capacity, memtable });
    const value = bytes('x'.repeat(size - overhead));
    await store.put(key(1), value);
    expect(store.stats().writes.bytes).toBe(size);
    await store.put(key(2), bytes('behind'));
    expect(text(store.getSync(key(1))) === text(value)).toBe(true);
    executor.release();
    await store.close();
    const again = await reopen(memory, { writeBufferSize: capacity, memtable });
    expect(text(again.getSync(key(1))) === text(value)).toBe(true);
    expect(text(again.getSync(key(2)))).toBe('behind');
    await again.close();
  });

  test('of more entries than the index of a standard arena holds is taken whole', async () => {
    const { store, executor } = await openHeld({ writeBufferSize: 4096, memtable });
    const { nodeWords } = arenaSizesFor(memtable, 4096, 0);
    const operations = Array.from(
      { length: nodeWords },
      (_, i) => ({ type: 'put', key: key(i), value: bytes('') }) as const,
    );
    await store.batch(operations);
    expect(store.stats().lastSequence).toBe(nodeWords);
    expect(store.hasSync(key(0)) && store.hasSync(key(nodeWords - 1))).toBe(true);
    executor.release();
    await store.close();
  });
});
