/** The blocking twins do what the asynchronous forms do: the same steps on two databases, one by each, compared. */
import type { EventEmitter } from 'node:events';
import type { ArenaLevel, ArenaSublevel } from 'arena-level';
import { describe, expect, test } from 'vitest';
import { outcomeOf } from '../support/outcome.ts';
import { openLevel } from './databases.ts';

type Call = (...args: readonly unknown[]) => unknown;
type Method = 'put' | 'del' | 'batch' | 'has';
/** A database or a sublevel, for calls of whatever kind. */
type Host = object;

/** The calls of one form. */
type Form = Readonly<Record<Method, (db: Host, ...args: readonly unknown[]) => unknown>>;

function form(suffix: '' | 'Sync'): Form {
  const call =
    (method: Method) =>
    (db: Host, ...args: readonly unknown[]): unknown =>
      (db as Record<string, Call>)[method + suffix]!(...args);
  return { put: call('put'), del: call('del'), batch: call('batch'), has: call('has') };
}

const ASYNCHRONOUS = form('');
const BLOCKING = form('Sync');

interface World {
  readonly db: ArenaLevel;
  readonly one: ArenaSublevel<ArenaLevel>;
  readonly nested: ArenaSublevel<ArenaSublevel<ArenaLevel>>;
  readonly two: ArenaSublevel<ArenaLevel>;
  readonly form: Form;
  readonly log: unknown[];
}

/** What an event or a hook was given, without what only identifies a database. */
function plain(op: object): object {
  return Object.fromEntries(
    Object.entries(op).map(([name, value]) => {
      if (name === 'sublevel') return [name, value == null ? value : 'a sublevel'];
      return [name, typeof value === 'object' && value?.commonName ? `encoding ${value.name}` : value];
    }),
  );
}

function listen(world: World): void {
  for (const name of ['db', 'one', 'nested', 'two'] as const) {
    const listener = (ops: object[]): void => {
      // abstract-level leaves gaps for what is written to a sublevel elsewhere; a twin does not.
      world.log.push([name, 'write', ops.filter((op) => op !== undefined).map(plain)]);
    };
    (world[name] as EventEmitter).on('write', listener);
  }
}

function hook(
  world: World,
  name: 'db' | 'one' | 'nested',
  more: (op: { key: unknown }) => object | undefined,
): void {
  (world[name] as ArenaLevel).hooks.prewrite.add((op, batch) => {
    world.log.push([name, 'prewrite', plain(op)]);
    const added = more(op);
    if (added !== undefined) batch.add(added as never);
  });
}

const STEPS: readonly { readonly id: string; readonly run: (world: World) => Promise<void> }[] = [
  {
    id: 'plain writes',
    run: async ({ db, form, log }) => {
      await form.put(db, 'a', '1');
      await form.put(db, 'b', '2', { sync: true });
      await form.del(db, 'a');
      await form.batch(db, [
        { type: 'put', key: 'c', value: '3' },
        { type: 'del', key: 'b' },
      ]);
      log.push(await form.has(db, 'a'), await form.has(db, 'c'));
    },
  },
  {
    id: 'writes of other encodings',
    run: async ({ db, form, log }) => {
      const encodings = { keyEncoding: 'json', valueEncoding: 'json' };
      await form.put(db, { id: 1 }, [1, 2], encodings);
      await form.put(db, Buffer.from([1, 255]), new Uint8Array([7]), {
        keyEncoding: 'buffer',
        valueEncoding: 'view',
      });
      await form.put(db, 24, true);
      await form.batch(db, [{ type: 'put', key: 'ff', value: '00', keyEncoding: 'hex' }], {
        valueEncoding: 'hex',
      });
      log.push(
        await form.has(db, { id: 1 }, { keyEncoding: 'json' }),
        await form.has(db, 'ff', { keyEncoding: 'hex' }),
      );
    },
  },
  {
    id: 'events, with properties of the user',
    run: async (world) => {
      const { db, form } = world;
      listen(world);
      await form.put(db, 'a', '1', { userland: 7 });
      await form.del(db, 'a', { userland: 8 });
      await form.batch(
        db,
        [
          { type: 'put', key: 'b', value: '2', mine: 1 },
          { type: 'del', key: 'c' },
        ],
        { userland: 9 },
      );
      await form.batch(db, []);
    },
  },
  {
    id: 'writes to sublevels, nested ones and ones of others',
    run: async (world) => {
      const { db, one, nested, two, form, log } = world;
      listen(world);
      await form.put(one, 'a', '1');
      await form.put(nested, 'b', '2', { keyEncoding: 'buffer' });
      await form.del(two, 'c');
      await form.batch(nested, [{ type: 'put', key: 'd', value: '4' }]);
      await form.batch(db, [
        { type: 'put', key: 'e', value: '5', sublevel: one },
        { type: 'put', key: 'f', value: '6', sublevel: nested },
        { type: 'del', key: 'g', sublevel: db },
      ]);
      await form.batch(one, [
        { type: 'put', key: 'h', value: '8', sublevel: two },
        { type: 'put', key: 'i', value: '9', sublevel: nested },
      ]);
      log.push(await form.has(one, 'a'), await form.has(nested, 'b'), await form.has(two, 'b'));
    },
  },
  {
    id: 'hooks that change and add operations',
    run: async (world) => {
      const { db, one, nested, two, form } = world;
      listen(world);
      hook(world, 'db', (op) =>
        String(op.key).includes('index')
          ? undefined
          : { type: 'put', key: 'index', value: 'x', sublevel: two },
      );
      hook(world, 'one', (op) => {
        op.key = `${op.key}!`;
        return { type: 'del', key: 'index' };
      });
      await form.put(db, 'a', '1');
      await form.del(db, 'b');
      await form.put(one, 'c', '3');
      await form.put(nested, 'd', '4');
      await form.batch(db, [
        { type: 'put', key: 'e', value: { f: 1 }, valueEncoding: 'json', sublevel: one },
      ]);
    },
  },
  {
    id: 'a hook that throws: nothing is written',
    run: async ({ db, form, log }) => {
      db.hooks.prewrite.add(() => {
        throw new Error('no');
      });
      for (const call of [() => form.put(db, 'a', '1'), () => form.batch(db, [{ type: 'del', key: 'b' }])]) {
        log.push(await outcomeOf(call).then((outcome) => (outcome as { code: string }).code));
      }
    },
  },
];

async function play(form: Form, run: (world: World) => Promise<void>): Promise<object> {
  const db = await openLevel();
  const one = db.sublevel('one');
  const nested = one.sublevel('nested');
  const two = db.sublevel('two');
  await Promise.all([one.open(), nested.open(), two.open()]);
  const world: World = { db, one, nested, two, form, log: [] };
  await run(world);
  return {
    log: world.log,
    entries: await db.iterator({ keyEncoding: 'buffer', valueEncoding: 'buffer' }).all(),
  };
}

test.each(STEPS)('twins do the same: $id', async ({ run }) => {
  const expected = await play(ASYNCHRONOUS, run);
  expect(await play(BLOCKING, run)).toEqual(expected);
});

test.each<{ id: string; call: (form: Form, db: Host) => unknown }>([
  { id: 'no key', call: (form, db) => form.put(db, null, '1') },
  { id: 'no value', call: (form, db) => form.put(db, 'a', undefined) },
  { id: 'no key to delete', call: (form, db) => form.del(db, undefined) },
  { id: 'no key to look for', call: (form, db) => form.has(db, null) },
  {
    id: 'an encoding that does not exist',
    call: (form, db) => form.put(db, 'a', '1', { keyEncoding: 'foo' }),
  },
  { id: 'operations that are no array', call: (form, db) => form.batch(db, 'all') },
  { id: 'an operation without a key', call: (form, db) => form.batch(db, [{ type: 'del' }]) },
  { id: 'an operation of no type', call: (form, db) => form.batch(db, [{ type: 'foo', key: 'a' }]) },
  { id: 'a sync that is no flag', call: (form, db) => form.put(db, 'a', '1', { sync: 'yes' }) },
  {
    id: 'a key encoding that gives no bytes',
    call: (form, db) =>
      form.put(db, 'a', '1', {
        keyEncoding: { name: 'x', format: 'view', encode: () => 7, decode: () => 7 },
      }),
  },
])('twins refuse the same with the same code: $id', async ({ call }) => {
  const db = await openLevel();
  for (const host of [db, db.sublevel('sub')]) {
    await host.open();
    const expected = await outcomeOf(() => call(ASYNCHRONOUS, host));
    expect(expected).toHaveProperty('name');
    expect(await outcomeOf(() => call(BLOCKING, host))).toEqual(expected);
  }
  expect(await db.keys().all()).toEqual([]);
});

describe('twins', () => {
  test('are refused while the database is not open', async () => {
    const db = await openLevel();
    const sub = db.sublevel('sub');
    await sub.open();
    await db.close();
    for (const host of [db, sub]) {
      for (const call of [
        () => host.putSync('a', '1'),
        () => host.delSync('a'),
        () => (host as typeof db).batchSync([]),
        () => host.hasSync('a'),
        () => host.getSync('a'),
      ]) {
        expect(call).toThrow(expect.objectContaining({ code: 'LEVEL_DATABASE_NOT_OPEN' }));
      }
    }
  });

  test('are seen by what comes after them, and behind what was issued before', async () => {
    const db = await openLevel();
    const before = db.put('a', 'before');
    db.putSync('a', 'after');
    expect(db.getSync('a')).toBe('after');
    await before;
    expect(await db.get('a')).toBe('after');
  });

  test('read as of a snapshot', async () => {
    const db = await openLevel();
    db.putSync('a', '1');
    const snapshot = db.snapshot();
    db.delSync('a');
    expect([db.hasSync('a'), db.hasSync('a', { snapshot })]).toEqual([false, true]);
    await snapshot.close();
    expect(() => db.hasSync('a', { snapshot })).toThrow(
      expect.objectContaining({ code: 'LEVEL_SNAPSHOT_NOT_OPEN' }),
    );
  });

  test('throw what a listener throws, after the write', async () => {
    const db = await openLevel();
    db.on('write', () => {
      throw new Error('listener');
    });
    expect(() => db.putSync('a', '1')).toThrow('listener');
    await expect(db.put('b', '2')).rejects.toThrow('listener');
    expect(await db.keys().all()).toEqual(['a', 'b']);
  });
});
