import { ErrorCode } from '@arena-level/common/base/errors';
import { MIB } from '@arena-level/common/base/limits';
import { type BatchOperation, MAX_KEY_BYTES, MAX_VALUE_BYTES, type Store } from 'arena-level/engine';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type HeldStore, openHeld, reopen } from '../support/held-store.ts';
import { bytes, text } from '../support/text-bytes.ts';

let held: HeldStore;
let store: Store;
beforeEach(async () => {
  held = await openHeld({ writeBufferSize: 4 * MIB });
  store = held.store;
});
afterEach(async () => {
  await store.close();
});

const NO_BYTES: readonly (readonly [string, unknown])[] = [
  ['undefined', undefined],
  ['null', null],
  ['a string', 'key'],
  ['a number', 7],
  ['a big integer', 7n],
  ['a boolean', true],
  ['an object', { length: 3 }],
  ['an array', [1, 2, 3]],
  ['an ArrayBuffer', new ArrayBuffer(3)],
  ['a DataView', new DataView(new ArrayBuffer(3))],
  ['an array of 16-bit numbers', new Uint16Array(3)],
  ['a function', () => {}],
  ['a symbol', Symbol('key')],
];
const V = bytes('v');

/** How a call fails, whether it throws or rejects; its promise must not do both. */
async function failureOf(
  call: () => unknown,
): Promise<{ readonly code: string; readonly message: string; readonly name: string }> {
  try {
    await call();
  } catch (error) {
    return error as { code: string; message: string; name: string };
  }
  throw new Error('the call is accepted');
}

describe.each(NO_BYTES)('a key that is %s', (_what, wrong) => {
  const k = wrong as Uint8Array;
  test('is refused by every method', async () => {
    const sequence = store.stats().lastSequence;
    const calls: readonly (() => unknown)[] = [
      () => store.put(k, V),
      () => store.putSync(k, V),
      () => store.del(k),
      () => store.delSync(k),
      () => store.get(k),
      () => store.getSync(k),
      () => store.has(k),
      () => store.hasSync(k),
      () => store.getMany([V, k]),
      () => store.hasMany([V, k]),
    ];
    for (const call of calls) {
      const { code, name, message } = await failureOf(call);
      expect({ code, name }).toEqual({ code: ErrorCode.InvalidKey, name: 'EngineError' });
      expect(message).toMatch(/^a key must be a Uint8Array, not /);
    }
    expect(store.stats().lastSequence).toBe(sequence);
  });
});

describe.each(NO_BYTES)('a value that is %s', (_what, wrong) => {
  test('is refused by every method', async () => {
    for (const call of [
      () => store.put(V, wrong as Uint8Array),
      () => store.putSync(V, wrong as Uint8Array),
    ]) {
      const { code, message } = await failureOf(call);
      expect(code).toBe(ErrorCode.InvalidValue);
      expect(message).toMatch(/^a value must be a Uint8Array, not /);
    }
  });
});

test('asynchronous methods reject, they never throw', async () => {
  const promises: Promise<unknown>[] = [];
  const wrong = undefined as unknown as Uint8Array;
  expect(() => {
    promises.push(store.put(wrong, wrong), store.del(wrong), store.get(wrong), store.has(wrong));
    promises.push(store.batch(wrong as never), store.getMany(wrong as never));
    promises.push(store.put(V, V, 5 as never), store.rotateMemtable(null as never));
  }).not.toThrow();
  expect((await Promise.allSettled(promises)).map(({ status }) => status)).toEqual(Array(8).fill('rejected'));
});

describe('lengths', () => {
  test('of nothing are legal: an empty key and an empty value are stored and found', async () => {
    const empty = new Uint8Array(0);
    await store.put(empty, empty);
    expect(text(await store.get(empty))).toBe('');
    store.putSync(empty, bytes('not empty'));
    await store.put(bytes('k'), empty);
    expect([...store.iterator()].map(([k, v]) => [text(k), text(v)])).toEqual([
      ['', 'not empty'],
      ['k', ''],
    ]);
    await store.close();
    const again = await reopen(held.memory);
    expect(text(again.getSync(empty))).toBe('not empty');
    again.delSync(empty);
    expect(again.hasSync(empty)).toBe(false);
    await again.close();
  });

  test('of a key end at the limit', async () => {
    const longest = new Uint8Array(MAX_KEY_BYTES).fill(7);
    await store.put(longest, V);
    expect(text(store.getSync(longest))).toBe('v');
    const tooLong = new Uint8Array(MAX_KEY_BYTES + 1);
    for (const call of [
      () => store.put(tooLong, V),
      () => store.delSync(tooLong),
      () => store.get(tooLong),
      () => store.batch([{ type: 'del', key: tooLong }]),
    ]) {
      const { code, message } = await failureOf(call);
      expect(code).toBe(ErrorCode.TooLarge);
      expect(message).toContain(`${MAX_KEY_BYTES + 1}`);
      expect(message).toContain(`${MAX_KEY_BYTES}`);
    }
  });

  test('of a value end at the limit, before anything is written', async () => {
    const journalBytes = store.stats().writes.journalBytes;
    // Shared memory of which nothing is ever touched takes no room.
    const tooLong = new Uint8Array(new SharedArrayBuffer(MAX_VALUE_BYTES + 1));
    const { code, message } = await failureOf(() => store.put(V, tooLong));
    expect(code).toBe(ErrorCode.TooLarge);
    expect(message).toContain(`${MAX_VALUE_BYTES}`);
    const values = [1, 2, 3].map(
      (i) => ({ type: 'put', key: bytes(`${i}`), value: tooLong.subarray(1) }) as const,
    );
    expect(await failureOf(() => store.batch(values))).toMatchObject({
      code: ErrorCode.TooLarge,
      message: expect.stringContaining('a batch of'),
    });
    expect(store.stats().writes).toMatchObject({ journalBytes, pendingBytes: 0 });
  });
});

describe('a batch', () => {
  const put: BatchOperation = { type: 'put', key: bytes('good'), value: V };

  test.each<{ id: string; operation: unknown; code: string; words: string }>([
    { id: 'undefined', operation: undefined, code: ErrorCode.InvalidArgument, words: 'must be an object' },
    { id: 'null', operation: null, code: ErrorCode.InvalidArgument, words: 'must be an object' },
    { id: 'a string', operation: 'put', code: ErrorCode.InvalidArgument, words: 'must be an object' },
    { id: 'without a type', operation: { key: V, value: V }, code: ErrorCode.InvalidArgument, words: 'type' },
    {
      id: 'of an unknown type',
      operation: { type: 'get', key: V },
      code: ErrorCode.InvalidArgument,
      words: "'get'",
    },
    { id: 'without a key', operation: { type: 'put', value: V }, code: ErrorCode.InvalidKey, words: 'key' },
    {
      id: 'with a text as key',
      operation: { type: 'del', key: 'k' },
      code: ErrorCode.InvalidKey,
      words: "'k'",
    },
    {
      id: 'without a value',
      operation: { type: 'put', key: V },
      code: ErrorCode.InvalidValue,
      words: 'value',
    },
    {
      id: 'with null as value',
      operation: { type: 'put', key: V, value: null },
      code: ErrorCode.InvalidValue,
      words: 'null',
    },
  ])('with an operation that is $id is refused as a whole, by the index of that', async (wrong) => {
    const groups = store.stats().writes.groups;
    for (const index of [0, 1, 3]) {
      const operations = Array<unknown>(4).fill(put);
      operations[index] = wrong.operation;
      const batch = operations as BatchOperation[];
      for (const call of [() => store.batch(batch), () => store.batchSync(batch)]) {
        const { code, message, name } = await failureOf(call);
        expect({ code, name }).toEqual({ code: wrong.code, name: 'EngineError' });
        expect(message).toContain(`operation ${index} of the batch`);
        expect(message).toContain(wrong.words);
      }
    }
    expect(store.hasSync(bytes('good'))).toBe(false);
    expect(store.stats().writes).toMatchObject({ groups, pendingBytes: 0 });
  });

  test.each([
    ['undefined', undefined],
    ['null', null],
    ['an object', { length: 1, 0: put }],
    ['a string', 'put'],
    ['a set', new Set([put])],
  ])('that is %s is refused', async (_what, operations) => {
    expect(await failureOf(() => store.batch(operations as never))).toMatchObject({
      code: ErrorCode.InvalidArgument,
      message: expect.stringContaining('a batch must be an array'),
    });
  });

  test('with a hole is refused', async () => {
    const operations = [put, put, put];
    delete operations[1];
    expect(await failureOf(() => store.batch(operations))).toMatchObject({
      message: expect.stringContaining('operation 1 of the batch'),
    });
  });

  test('whose operations turn bad while they are read leaves nothing behind, nor of the writes beside it', async () => {
    let looks = 0;
    const operations: BatchOperation[] = [
      put,
      {
        type: 'put',
        key: bytes('treacherous'),
        get value() {
          if (++looks > 1) throw new Error('changed its mind');
          return V;
        },
      },
    ];
    const beside = store.put(bytes('beside'), V);
    await expect(store.batch(operations)).rejects.toThrow('changed its mind');
    const behind = store.put(bytes('behind'), V);
    await Promise.all([beside, behind]);
    expect(['good', 'treacherous', 'beside', 'behind'].map((k) => store.hasSync(bytes(k)))).toEqual([
      false,
      false,
      true,
      true,
    ]);
    expect(store.stats().writes).toMatchObject({ entries: 2, groups: 1, pendingBytes: 0 });
  });
});

describe('a batch that is not the same when it is looked at again', () => {
  test.each<{ id: string; second: () => Partial<Record<'type' | 'key' | 'value', unknown>> }>([
    { id: 'longer value', second: () => ({ type: 'put', key: V, value: new Uint8Array(100) }) },
    { id: 'no value', second: () => ({ type: 'put', key: V, value: undefined }) },
    { id: 'another type', second: () => ({ type: 'del', key: V }) },
  ])('is refused whole: $id', async ({ second }) => {
    const firstLook = { type: 'put', key: V, value: V };
    let looks = 0;
    const operation = new Proxy(firstLook, {
      // Three fields are read by each look.
      get: (_, name: 'type' | 'key' | 'value') => (looks++ < 3 ? firstLook : second())[name],
    });
    const batch = [{ type: 'put', key: V, value: V }, operation] as never;
    expect(await failureOf(() => store.batch(batch))).toMatchObject({ code: 'ARENA_INVALID_ARGUMENT' });
    expect(store.stats().lastSequence).toBe(0);
    await store.put(V, V);
    expect(store.stats().lastSequence).toBe(1);
  });
});

describe('a batch with a getter that calls the store', () => {
  /** Calls `act` when the batch is taken in, behind the check of its operations. */
  function batchThat(act: () => void): BatchOperation[] {
    let reads = 0;
    const calling: BatchOperation = {
      type: 'put',
      key: bytes('b'),
      get value() {
        if (++reads === 2) act();
        return bytes('2');
      },
    };
    return [{ type: 'put', key: bytes('a'), value: V }, calling, { type: 'put', key: bytes('c'), value: V }];
  }
  const keysOf = (from: Store): string[] => [...from.iterator({ values: false })].map(([k]) => text(k!));

  test.each(['batch', 'batchSync'] as const)(
    'is refused where that writes: nothing of %s is there',
    async (method) => {
      const failure = await failureOf(() => store[method](batchThat(() => store.putSync(bytes('n'), V))));
      expect(failure).toMatchObject({ code: ErrorCode.InvalidArgument });
      expect(failure.message).toMatch(/getters must not write/);
      expect(keysOf(store)).toEqual([]);
    },
  );

  test('is taken in as a whole where the failure of that is not told', async () => {
    const nested: Promise<unknown>[] = [];
    await store.batch(batchThat(() => void nested.push(failureOf(() => store.put(bytes('n'), V)))));
    expect(await nested[0]).toMatchObject({ code: ErrorCode.InvalidArgument });
    expect(keysOf(store)).toEqual(['a', 'b', 'c']);
  });

  test('that closes it is answered, and all of it is there or nothing', async () => {
    let closing: Promise<void> | undefined;
    const written = store.batch(
      batchThat(() => {
        closing = store.close();
      }),
    );
    const isThere = await written.then(
      () => true,
      () => false,
    );
    await closing;
    const again = await reopen(held.memory);
    expect(keysOf(again)).toEqual(isThere ? ['a', 'b', 'c'] : []);
    await again.close();
  });
});
