/** A database in a thread that is attached: abstract-level's suite runs on it, too (`level/abstract-suite.test.ts`). */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { ArenaLevel, ErrorCode, type ThreadHandle } from 'arena-level';
import { open, type Store } from 'arena-level/engine';
import { expect, onTestFinished, test } from 'vitest';
import { bundleForNode } from '../support/bundle.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import type { Scenario } from './attached-level.program.ts';
import { nextEvent } from './sharing-store.ts';

const NOT_OPEN = { code: ErrorCode.DatabaseNotOpen };

async function start(handle: ThreadHandle, scenario: Scenario): Promise<Worker> {
  const program = await bundleForNode(new URL('attached-level.program.ts', import.meta.url));
  const worker = new Worker(program, { workerData: { handle, scenario }, transferList: [handle.port] });
  onTestFinished(() => void worker.terminate());
  return worker;
}

async function play(db: { share(): ThreadHandle }, scenario: Scenario): Promise<unknown> {
  const [{ result }] = await once(await start(db.share(), scenario), 'message');
  return result;
}

async function openDatabase<V = string>(valueEncoding = 'utf8'): Promise<ArenaLevel<string, V>> {
  const db = new ArenaLevel<string, V>(temporaryDirectory(), { flush: 'inline', valueEncoding });
  onTestFinished(() => db.close());
  await db.open();
  return db;
}

/** k00 to k99, in so many tables of level 0. */
async function openFilled(tables: number): Promise<ArenaLevel> {
  const db = await openDatabase();
  for (let part = 0; part < tables; part++) {
    for (let i = part; i < 100; i += tables) await db.put(`k${String(i).padStart(2, '0')}`, 'v'.repeat(100));
    await db.flush();
  }
  return db;
}

test('it reads in the encodings that it is given', async () => {
  const db = await openDatabase<object>('json');
  for (const name of ['a', 'b', 'c']) await db.put(name, { name });
  expect(await play(db, 'reads')).toEqual({
    deferred: { name: 'a' },
    getSync: { name: 'a' },
    missing: undefined,
    getMany: [{ name: 'c' }, undefined],
    has: [true, false],
    hasMany: [true, false],
    entries: [['c', { name: 'c' }]],
    keys: ['c'],
    values: ['{"name":"a"}', '{"name":"c"}'],
    view: new Uint8Array(Buffer.from('{"name":"a"}')),
    snapshot: { name: 'b' },
    location: db.location,
    status: 'closed',
  });
  expect(db.getSync('b')).toBeUndefined();
});

test('it writes by every method, through hooks, sublevels and streams', async () => {
  const db = await openDatabase<object>('json');
  const left = nextEvent(db as unknown as Store, 'thread-left');
  const result = await play(db, 'writes');
  // The ones of a sublevel are told of where they are delegated to, too.
  expect(result).toEqual({
    heard: [1, 1, 3, 2, 1, 1, 1],
    streamed: [
      ['four', 4],
      ['one', 1],
      ['three', 3],
      ['two', 2],
    ],
  });
  expect(await db.iterator().all()).toEqual([
    ['!sub!four', 4],
    ['!sub!one', 1],
    ['!sub!three', 3],
    ['!sub!two', 2],
    ['by the hook', { name: 'H' }],
    ['chained', { name: 'C' }],
    ['hooked', { name: 'B' }],
    ['putSync', { name: 'S' }],
  ]);
  expect(await left).toMatchObject({ wasClosed: true });
  expect(db.status).toBe('open');
});

test('it clears ranges, those that a snapshot sees, and everything', async () => {
  const db = await openFilled(1);
  expect(await play(db, 'clears')).toEqual({
    seen: ['k05x', 'k07'],
    rest: ['k08', 'k09', 'k99'],
    none: [],
  });
  expect(await db.keys().all()).toEqual([]);
  // The last one had nothing in its way.
  expect(db.stats().clears).toMatchObject({ count: 2, tables: 1 });
});

test('it flushes, compacts, verifies and makes checkpoints by the owner', async () => {
  const db = await openFilled(3);
  const result = (await play(db, 'administers')) as Record<string, number>;
  expect(result).toMatchObject({
    heard: true,
    differing: [],
    tables: 2,
    level0: 1,
    refused: { code: ErrorCode.InvalidArgument },
  });
  expect(result['before']).toBeGreaterThan(0);
  expect(result['after']).toBeGreaterThan(0);
});

test('it refuses what belongs to the owner, and what it cannot be made of', async () => {
  const db = await openDatabase();
  await db.put('a', '1');
  const notSupported = { code: ErrorCode.NotSupported };
  expect(await play(db, 'refusals')).toEqual({
    options: {
      noHandle: expect.objectContaining({ code: ErrorCode.InvalidArgument }),
      noObject: expect.objectContaining({ code: ErrorCode.InvalidOption }),
      ofStore: expect.objectContaining(notSupported),
      creating: expect.objectContaining(notSupported),
      ofWrongType: expect.objectContaining({ code: ErrorCode.InvalidArgument }),
    },
    early: expect.objectContaining(NOT_OPEN),
    opened: expect.objectContaining({ ...NOT_OPEN, cause: ErrorCode.NotSupported }),
    calls: Object.fromEntries(
      ['getProperty', 'ingest', 'stats', 'settled', 'resume', 'share'].map((name) => [
        name,
        expect.objectContaining(notSupported),
      ]),
    ),
    declared: [],
    events: expect.objectContaining(notSupported),
    listeners: 0,
    still: '1',
    again: expect.objectContaining({ ...NOT_OPEN, cause: ErrorCode.HandleUsed }),
  });
});

test('it closes when its owner does', async () => {
  const db = await openDatabase();
  const worker = await start(db.share(), 'outlives');
  expect(await once(worker, 'message')).toEqual(['attached']);
  await db.close();
  const [{ result }] = await once(worker, 'message');
  expect(result).toMatchObject({
    status: 'closed',
    get: NOT_OPEN,
    next: { code: 'LEVEL_ITERATOR_NOT_OPEN' },
    close: { value: undefined },
  });
});

test('it closes the database of the owner by its control plane, and itself with it', async () => {
  const db = await openDatabase();
  expect(await play(db, 'closesTheOwner')).toBe('closed');
  expect(db.status).toBe('closed');
});

test('an attached store says when it is closed, by whomever', async () => {
  const store = await open(temporaryDirectory(), { flush: 'inline' });
  onTestFinished(() => store.close());
  expect(await play(store, 'storeClosed')).toEqual(['attached', 'closed']);
  const worker = await start(store.share(), 'storeOutlives');
  expect(await once(worker, 'message')).toEqual(['attached']);
  await store.close();
  const [{ result }] = await once(worker, 'message');
  expect(result).toMatchObject(NOT_OPEN);
});
