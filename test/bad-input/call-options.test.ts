import { ErrorCode } from '@arena-level/common/base/errors';
import type { Store } from 'arena-level/engine';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openHeld } from '../support/held-store.ts';
import { bytes } from '../support/text-bytes.ts';

let store: Store;
beforeEach(async () => {
  ({ store } = await openHeld());
});
afterEach(async () => {
  await store.close();
});

const K = bytes('k');
const NO_OBJECTS: readonly (readonly [string, unknown])[] = [
  ['null', null],
  ['a boolean', true],
  ['a number', 1],
  ['a string', 'sync'],
  ['a function', () => {}],
  ['an array', []],
];

async function failureOf(call: () => unknown): Promise<unknown> {
  try {
    await call();
  } catch (error) {
    return error;
  }
  throw new Error('the call is accepted');
}

describe.each(NO_OBJECTS)('options that are %s', (_what, wrong) => {
  const options = wrong as never;
  test.each<{ id: string; call: (store: Store) => unknown }>([
    { id: 'put', call: (s) => s.put(K, K, options) },
    { id: 'putSync', call: (s) => s.putSync(K, K, options) },
    { id: 'del', call: (s) => s.del(K, options) },
    { id: 'delSync', call: (s) => s.delSync(K, options) },
    { id: 'batch', call: (s) => s.batch([], options) },
    { id: 'batchSync', call: (s) => s.batchSync([], options) },
    { id: 'get', call: (s) => s.get(K, options) },
    { id: 'getSync', call: (s) => s.getSync(K, options) },
    { id: 'getMany', call: (s) => s.getMany([K], options) },
    { id: 'hasMany', call: (s) => s.hasMany([K], options) },
    { id: 'has', call: (s) => s.has(K, options) },
    { id: 'hasSync', call: (s) => s.hasSync(K, options) },
    { id: 'iterator', call: (s) => s.iterator(options) },
    { id: 'rotateMemtable', call: (s) => s.rotateMemtable(options) },
  ])('are refused by $id', async ({ call }) => {
    expect(await failureOf(() => call(store))).toMatchObject({ code: ErrorCode.InvalidArgument });
    expect(store.stats().lastSequence).toBe(0);
  });
});

describe('a wrong option of a call', () => {
  test.each(['true', 1, null, {}])('sync: %o is refused', async (sync) => {
    const wrong = { sync } as never;
    expect(await failureOf(() => store.put(K, K, wrong))).toMatchObject({
      code: ErrorCode.InvalidArgument,
      message: expect.stringContaining("'sync'"),
    });
    expect(await failureOf(() => store.batchSync([{ type: 'del', key: K }], wrong))).toMatchObject({
      code: ErrorCode.InvalidArgument,
    });
  });

  test.each(['1', -1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, {}])(
    'minBytes: %o is refused',
    async (minBytes) => {
      expect(await failureOf(() => store.rotateMemtable({ minBytes } as never))).toMatchObject({
        code: ErrorCode.InvalidArgument,
        message: expect.stringContaining('minBytes'),
      });
    },
  );

  test('minBytes above what an arena can hold is refused, and nothing changes', async () => {
    await store.put(K, K);
    const before = store.stats();
    for (const minBytes of [2 ** 31, Number.MAX_SAFE_INTEGER]) {
      expect(await failureOf(() => store.rotateMemtable({ minBytes }))).toMatchObject({
        name: 'EngineError',
        code: expect.stringMatching(/ARENA_TOO_LARGE|ARENA_MEMORY_BUDGET/),
      });
    }
    expect(store.stats()).toEqual(before);
  });

  test('waitForFlush that is no boolean is refused', async () => {
    expect(await failureOf(() => store.rotateMemtable({ waitForFlush: 1 } as never))).toMatchObject({
      code: ErrorCode.InvalidArgument,
      message: expect.stringContaining('waitForFlush'),
    });
  });

  test.each<{ id: string; call: (store: Store) => unknown }>([
    { id: 'snyc', call: (s) => s.put(K, K, { snyc: true } as never) },
    { id: 'Sync', call: (s) => s.putSync(K, K, { Sync: true } as never) },
    { id: 'fillcache', call: (s) => s.get(K, { fillcache: true } as never) },
    { id: 'fillcash', call: (s) => s.hasSync(K, { fillcash: true } as never) },
    { id: 'limt', call: (s) => s.iterator({ limt: 4 } as never) },
    { id: 'toString', call: (s) => s.iterator({ toString: 4 } as never) },
    { id: 'mnBytes', call: (s) => s.rotateMemtable({ mnBytes: 4 } as never) },
  ])('that is unknown is refused: $id', async ({ id, call }) => {
    expect(await failureOf(() => call(store))).toMatchObject({
      code: ErrorCode.InvalidArgument,
      message: expect.stringContaining(`'${id}'`),
    });
    expect(store.stats().lastSequence).toBe(0);
  });

  test.each<{ id: string; call: (store: Store) => unknown }>([
    { id: 'fillCache', call: (s) => s.get(K, { fillCache: 'no' } as never) },
    { id: 'fillCache', call: (s) => s.iterator({ fillCache: 0 } as never) },
    { id: 'reverse', call: (s) => s.iterator({ reverse: 'no' } as never) },
    { id: 'keys', call: (s) => s.iterator({ keys: 0 } as never) },
    { id: 'values', call: (s) => s.iterator({ values: null } as never) },
    { id: 'limit', call: (s) => s.iterator({ limit: '4' } as never) },
  ])('that is no flag or number is refused: $id', async ({ id, call }) => {
    expect(await failureOf(() => call(store))).toMatchObject({
      code: ErrorCode.InvalidArgument,
      message: expect.stringContaining(`'${id}'`),
    });
  });

  test('that is undefined is one that is not there', async () => {
    await store.put(K, K, { sync: undefined } as never);
    expect(await store.has(K, { fillCache: undefined, snapshot: undefined } as never)).toBe(true);
  });

  test.each([
    ['null', null],
    ['a number', 5],
    ['an object', {}],
    ['forged', { sequence: 1, close: () => {} }],
  ])('snapshot that is %s is refused', async (_what, snapshot) => {
    for (const call of [
      () => store.get(K, { snapshot } as never),
      () => store.getSync(K, { snapshot } as never),
      () => store.hasSync(K, { snapshot } as never),
      () => store.getMany([K], { snapshot } as never),
      () => store.hasMany([K], { snapshot } as never),
      () => store.iterator({ snapshot } as never),
    ]) {
      expect(await failureOf(call)).toMatchObject({ code: ErrorCode.InvalidArgument });
    }
  });

  test('snapshot of another store is refused', async () => {
    const { store: other } = await openHeld();
    const snapshot = other.snapshot();
    expect(await failureOf(() => store.get(K, { snapshot }))).toMatchObject({
      code: ErrorCode.InvalidArgument,
      message: expect.stringContaining('this store'),
    });
    await other.close();
  });

  test('event and listener that make no sense are refused', () => {
    for (const [name, listener] of [
      ['flsh', () => {}],
      ['toString', () => {}],
      [undefined, () => {}],
      ['closed', 5],
      ['closed', undefined],
    ]) {
      expect(() => store.on(name as never, listener as never)).toThrow(
        expect.objectContaining({ code: ErrorCode.InvalidArgument }),
      );
    }
  });

  test.each([
    ['undefined', undefined],
    ['null', null],
    ['one key', K],
    ['an object', {}],
  ])('keys of getMany and hasMany that are %s are refused', async (_what, keys) => {
    for (const call of [() => store.getMany(keys as never), () => store.hasMany(keys as never)]) {
      expect(await failureOf(call)).toMatchObject({ code: ErrorCode.InvalidArgument });
    }
  });
});
