import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ArenaLevel, ErrorCode } from 'arena-level';
import { ClassicLevel } from 'classic-level';
import { describe, expect, test } from 'vitest';
import { outcomeOf } from '../support/outcome.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { openLevel } from './databases.ts';

async function fill(db: ArenaLevel, count = 2000): Promise<void> {
  for (let i = 0; i < count; i++) db.putSync(`k${String(i).padStart(5, '0')}`, 'v'.repeat(100));
  await db.flush();
}

describe('approximateSize', () => {
  test('tells of a range in the key encoding of the database or of the call', async () => {
    const db = await openLevel({ compression: false });
    await fill(db);
    const all = await db.approximateSize('k', 'l');
    expect(all).toBeGreaterThan(200_000);
    const half = await db.approximateSize('k', 'k01000');
    expect(half / all).toBeCloseTo(0.5, 1);
    expect(await db.approximateSize(Buffer.from('k'), Buffer.from('l'), { keyEncoding: 'buffer' })).toBe(all);
    expect(await db.approximateSize('l', 'm')).toBe(0);
    expect(await db.approximateSize('k', 'k01000', { keyEncoding: 'utf8' })).toBe(half);
  });
});

test('a sublevel hands the options of the database on', async () => {
  const db = await openLevel();
  const sub = db.sublevel('a').sublevel('b');
  const syncs = (): number => db.stats().writes.journalSyncs;
  const before = syncs();
  await sub.put('k', 'v');
  expect(syncs()).toBe(before);
  await sub.put('k', 'v', { sync: true });
  expect(syncs()).toBe(before + 1);
  await sub.batch().put('l', 'v').write({ sync: true });
  expect(syncs()).toBe(before + 2);
  await sub.batch([{ type: 'put', key: 'm', value: 'v' }]);
  // Ends at the first entry that is as large.
  expect(await sub.iterator({ highWaterMarkBytes: 0 }).nextv(3)).toEqual([['k', 'v']]);
});

describe('compactRange', () => {
  test('brings a range down and frees what is deleted', async () => {
    const db = await openLevel({ compression: true });
    await fill(db);
    await db.clear({ lt: 'k01990' });
    const done: number[] = [];
    await db.compactRange('a', 'z', { onProgress: ({ bytesDone }) => done.push(bytesDone) });
    expect(db.getProperty('leveldb.num-files-at-level0')).toBe('0');
    expect(await db.approximateSize('a', 'z')).toBeLessThan(5000);
    expect(await db.keys().all()).toHaveLength(10);
    await db.compactRange(null, null);
    const signal = AbortSignal.abort();
    await expect(db.compactRange('a', 'z', { signal })).rejects.toMatchObject({ code: 'LEVEL_ABORTED' });
  });
});

describe('compression', () => {
  test.each([
    { compression: true, isSmaller: true },
    { compression: false, isSmaller: false },
  ])('$compression as in classic-level', async ({ compression, isSmaller }) => {
    const db = await openLevel({ compression });
    await fill(db);
    expect((await db.approximateSize('a', 'z')) < 100_000).toBe(isSmaller);
  });
});

describe('getProperty', () => {
  test('gives what LevelDB has, and nothing for other names', async () => {
    const db = await openLevel();
    await fill(db, 10);
    expect(db.getProperty('leveldb.num-files-at-level0')).toBe('1');
    expect(db.getProperty('leveldb.stats')).toMatch(/Level\s+Files/);
    expect(db.getProperty('leveldb.sstables')).toContain('k00000');
    expect(Number(db.getProperty('leveldb.approximate-memory-usage'))).toBeGreaterThan(0);
    expect(db.getProperty('leveldb.foo')).toBe('');
    expect(() => db.getProperty(7 as never)).toThrow(
      new TypeError("The first argument 'property' must be a string"),
    );
  });
});

describe('destroy', () => {
  test('removes the files of a database and its directory, and leaves those of others', async () => {
    const location = join(temporaryDirectory(), 'db');
    for (const isAlone of [true, false]) {
      const db = await openLevel({}, location);
      await fill(db, 10);
      await db.close();
      if (!isAlone) writeFileSync(join(location, 'mine.txt'), '');
      expect(await ArenaLevel.destroy(location)).toMatchObject({ directoryRemoved: isAlone });
      expect(existsSync(location) ? readdirSync(location) : []).toEqual(isAlone ? [] : ['mine.txt']);
    }
    expect(await ArenaLevel.destroy(join(location, 'none'))).toMatchObject({ removed: [] });
  });
});

describe('repair', () => {
  test('opens again what has lost its manifest', async () => {
    const db = await openLevel();
    await fill(db, 10);
    await db.close();
    await expect(ArenaLevel.repair(join(db.location, 'none'))).rejects.toMatchObject({
      code: ErrorCode.StoreMissing,
    });
    for (const name of readdirSync(db.location).filter((name) => name.startsWith('MANIFEST'))) {
      writeFileSync(join(db.location, name), 'nothing');
    }
    await expect(db.open()).rejects.toMatchObject({ cause: { code: 'LEVEL_CORRUPTION' } });
    await ArenaLevel.repair(db.location);
    await db.open();
    expect(await db.keys().all()).toHaveLength(10);
  });
});

test.each(['destroy', 'repair'] as const)('%s refuses what is no location', async (name) => {
  for (const location of [undefined, null, '', 7]) {
    for (const Level of [ArenaLevel, ClassicLevel]) {
      await expect(Level[name](location as never)).rejects.toThrow(
        new TypeError("The first argument 'location' must be a non-empty string"),
      );
    }
  }
});

describe('beyond classic-level', () => {
  test('roots, verification, checkpoints, statistics', async () => {
    const db = await openLevel();
    await fill(db, 100);
    const root = await db.masterRoot();
    expect(root).toMatchObject({ tables: 1, sequence: 100 });
    expect(await db.verify()).toMatchObject({ tables: 1, entries: 100, differing: [], root: root.root });
    const directory = join(temporaryDirectory(), 'copy');
    expect(await db.checkpoint(directory)).toMatchObject({ tables: 1, root: root.root });
    const copy = await openLevel({}, directory);
    expect(await copy.keys().all()).toHaveLength(100);
    await db.settled();
    await db.resume();
    expect(db.stats()).toMatchObject({ pressure: 0, writes: { entries: 100 } });
    expect(db.recovery).toMatchObject({ created: true });
  });

  test('events of the engine are events of the database, through closing and opening', async () => {
    const db = new ArenaLevel(join(temporaryDirectory(), 'db'), { flush: 'inline' });
    const heard: string[] = [];
    const listener = ({ journal }: { readonly journal: number }): void =>
      void heard.push(`frozen ${journal > 0}`);
    db.on('memtable-frozen', listener);
    db.once('table-built', ({ entries }) => heard.push(`built ${entries}`));
    await db.put('a', '1');
    await db.flush();
    await db.close();
    await db.open();
    db.on('version-installed', ({ tables }) => heard.push(`installed ${tables}`));
    await db.put('b', '2');
    await db.flush();
    db.off('memtable-frozen', listener);
    await db.put('c', '3');
    await db.flush();
    await db.close();
    expect(heard).toEqual(['frozen true', 'built 1', 'frozen true', 'installed 2', 'installed 3']);
    expect(db.supports.events['stall-begin']).toBe(true);
    expect(db.supports.additionalMethods['flush']).toBe(true);
  });

  test('`closed` is emitted once, by the database', async () => {
    const db = await openLevel();
    let count = 0;
    db.on('closed', () => count++);
    await db.close();
    expect(count).toBe(1);
  });
});

describe('a method of a database that is closed', () => {
  test.each<{ id: string; call: (db: ArenaLevel) => unknown }>([
    { id: 'approximateSize', call: (db) => db.approximateSize('a', 'b') },
    { id: 'compactRange', call: (db) => db.compactRange('a', 'b') },
    { id: 'getProperty', call: (db) => db.getProperty('leveldb.stats') },
    { id: 'flush', call: (db) => db.flush() },
    { id: 'masterRoot', call: (db) => db.masterRoot() },
    { id: 'verify', call: (db) => db.verify() },
    { id: 'checkpoint', call: (db) => db.checkpoint('elsewhere') },
    { id: 'settled', call: (db) => db.settled() },
    { id: 'resume', call: (db) => db.resume() },
    { id: 'stats', call: (db) => db.stats() },
    { id: 'recovery', call: (db) => db.recovery },
    { id: 'put', call: (db) => db.put('a', '1') },
    { id: 'iterator', call: (db) => db.iterator() },
    { id: 'snapshot', call: (db) => db.snapshot() },
  ])('is refused: $id', async ({ call }) => {
    const db = await openLevel();
    await db.close();
    expect(await outcomeOf(() => call(db))).toMatchObject({ code: 'LEVEL_DATABASE_NOT_OPEN' });
  });
});

describe('wrong types meet the code, or the class of error, that classic-level has', () => {
  type AnyLevel = Record<string, (...args: unknown[]) => unknown>;
  test.each<{ id: string; call: (db: AnyLevel) => unknown }>([
    { id: 'get(null)', call: (db) => db['get']!(null) },
    { id: 'getSync(undefined)', call: (db) => db['getSync']!(undefined) },
    { id: 'getMany("a")', call: (db) => db['getMany']!('a') },
    { id: 'getMany([null])', call: (db) => db['getMany']!([null]) },
    { id: 'has(null)', call: (db) => db['has']!(null) },
    { id: 'hasMany("a")', call: (db) => db['hasMany']!('a') },
    { id: 'put(null)', call: (db) => db['put']!(null, '1') },
    { id: 'put(a, null)', call: (db) => db['put']!('a', null) },
    { id: 'del(undefined)', call: (db) => db['del']!(undefined) },
    { id: 'batch(7)', call: (db) => db['batch']!(7) },
    { id: 'batch([{}])', call: (db) => db['batch']!([{}]) },
    { id: 'batch of no type', call: (db) => db['batch']!([{ key: 'a' }]) },
    { id: 'an unknown encoding', call: (db) => db['get']!('a', { keyEncoding: 'foo' }) },
    { id: 'an encoding that is none', call: (db) => db['get']!('a', { keyEncoding: 7 }) },
    { id: 'nextv("7")', call: (db) => (db['iterator']!() as { nextv(n: unknown): unknown }).nextv('7') },
    { id: 'approximateSize(a)', call: (db) => db['approximateSize']!('a') },
    { id: 'compactRange(a)', call: (db) => db['compactRange']!('a') },
    { id: 'getProperty()', call: (db) => db['getProperty']!() },
    { id: 'sublevel("é")', call: (db) => db['sublevel']!('é') },
    { id: 'attachResource(7)', call: (db) => db['attachResource']!(7) },
    { id: 'defer(7)', call: (db) => db['defer']!(7) },
  ])('$id', async ({ call }) => {
    const db = await openLevel();
    const classic = new ClassicLevel(join(temporaryDirectory(), 'classic'));
    await classic.open();
    const expected = await outcomeOf(() => call(classic as unknown as AnyLevel));
    await classic.close();
    expect(expected).toHaveProperty('name');
    expect(await outcomeOf(() => call(db as unknown as AnyLevel))).toEqual(expected);
  });

  test.each<{ id: string; call: (db: AnyLevel) => unknown }>([
    { id: 'a sync that is no flag', call: (db) => db['put']!('a', '1', { sync: 1 }) },
    { id: 'a fillCache that is no flag', call: (db) => db['get']!('a', { fillCache: 'no' }) },
    { id: 'a signal that is none', call: (db) => db['compactRange']!('a', 'b', { signal: 7 }) },
    { id: 'a checkpoint nowhere', call: (db) => db['checkpoint']!(7) },
    { id: 'a checkpoint option that is none', call: (db) => db['checkpoint']!('there', { foo: 1 }) },
  ])('what classic-level overlooks is refused: $id', async ({ call }) => {
    const db = await openLevel();
    expect(await outcomeOf(() => call(db as unknown as AnyLevel))).toMatchObject({
      code: ErrorCode.InvalidArgument,
    });
  });
});
