import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ArenaLevel, type DatabaseOptions, ErrorCode } from 'arena-level';
import { ClassicLevel } from 'classic-level';
import { describe, expect, test } from 'vitest';
import { Opener } from '../lock/opener.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { openLevel } from './databases.ts';

const options = (given: object): DatabaseOptions<string, string> => given as DatabaseOptions<string, string>;

describe('a constructor', () => {
  test.each([undefined, null, '', 7, {}])('refuses %j as a location as classic-level does', (location) => {
    for (const Level of [ArenaLevel, ClassicLevel]) {
      expect(() => new Level(location as string)).toThrow(
        new TypeError("The first argument 'location' must be a non-empty string"),
      );
    }
  });

  test.each([
    { given: { writeBufferSize: '4' }, says: "option 'writeBufferSize' must be an integer" },
    { given: { writeBufferSize: 1 }, says: "option 'writeBufferSize' must be an integer from 4096" },
    { given: { compression: 'lz4' }, says: "option 'compression' must be" },
    { given: { multithreading: 1 }, says: "option 'multithreading' must be true or false" },
    { given: { maxOpenFiles: -1 }, says: "option 'maxOpenFiles'" },
  ])('refuses $given and leaves no trace', ({ given, says }) => {
    const location = join(temporaryDirectory(), 'db');
    expect(() => new ArenaLevel(location, options(given))).toThrow(
      expect.objectContaining({ code: ErrorCode.InvalidOption, message: expect.stringContaining(says) }),
    );
    expect(existsSync(location)).toBe(false);
  });

  test.each(['json', 5, true, () => undefined, ['json']])('refuses %j as options', (given) => {
    expect(() => new ArenaLevel('db', given as never)).toThrow(
      expect.objectContaining({
        code: ErrorCode.InvalidOption,
        message: expect.stringContaining("'options' must be an object, not "),
      }),
    );
  });

  test.each([undefined, null])('takes %j for no options, as classic-level does', async (given) => {
    for (const Level of [ArenaLevel, ClassicLevel]) {
      const db = new Level(join(temporaryDirectory(), 'db'), given as never);
      await db.put('a', '1');
      expect(await db.get('a')).toBe('1');
      await db.close();
    }
  });

  test('refuses multithreading, which this engine does not have', () => {
    expect(() => new ArenaLevel('db', { multithreading: true })).toThrow(
      expect.objectContaining({ code: ErrorCode.NotSupported }),
    );
  });

  test("takes all of classic-level's options, and options of whoever hooks into it", async () => {
    const db = await openLevel(
      options({
        compression: false,
        cacheSize: 1 << 20,
        writeBufferSize: 1 << 20,
        blockSize: 8192,
        maxOpenFiles: 100,
        blockRestartInterval: 8,
        maxFileSize: 1 << 20,
        multithreading: false,
        createIfMissing: true,
        errorIfExists: false,
        userland: 123,
      }),
    );
    await db.put('a', '1');
    expect(await db.get('a')).toBe('1');
  });

  test('gives its location back as it was given', () => {
    const db = new ArenaLevel('./some/../db', { createIfMissing: false });
    expect(db.location).toBe('./some/../db');
  });
});

describe('opening', () => {
  test('waits for nobody: what is called meanwhile is done when it is open', async () => {
    const db = new ArenaLevel(join(temporaryDirectory(), 'db'), { flush: 'inline' });
    const results = Promise.all([db.put('a', '1'), db.flush(), db.masterRoot(), db.keys().all()]);
    expect(db.status).toBe('opening');
    expect(() => db.stats()).toThrow(expect.objectContaining({ code: ErrorCode.DatabaseNotOpen }));
    await results;
    expect(await db.get('a')).toBe('1');
    await db.close();
  });

  test('makes a directory with its parents', async () => {
    const location = join(temporaryDirectory(), 'not', 'there', 'yet');
    await openLevel({}, location);
    expect(existsSync(join(location, 'CURRENT'))).toBe(true);
  });

  test('creates nothing where createIfMissing is false', async () => {
    const location = join(temporaryDirectory(), 'db');
    const db = new ArenaLevel(location, { createIfMissing: false });
    await expect(db.open()).rejects.toMatchObject({
      code: 'LEVEL_DATABASE_NOT_OPEN',
      cause: { code: ErrorCode.StoreMissing, message: expect.stringContaining('does not exist') },
    });
    expect(db.status).toBe('closed');
    expect(existsSync(location)).toBe(false);
    await db.open({ createIfMissing: true });
    await db.close();
  });

  test('refuses what exists where errorIfExists is true', async () => {
    const db = await openLevel();
    await db.close();
    await expect(db.open({ errorIfExists: true })).rejects.toMatchObject({
      code: 'LEVEL_DATABASE_NOT_OPEN',
      cause: { code: ErrorCode.StoreExists, message: expect.stringContaining('exists') },
    });
  });

  test('refuses a location that is a file', async () => {
    const location = join(temporaryDirectory(), 'file');
    writeFileSync(location, '');
    await expect(new ArenaLevel(location).open()).rejects.toMatchObject({
      code: 'LEVEL_DATABASE_NOT_OPEN',
      cause: { code: ErrorCode.InvalidArgument },
    });
  });

  test('takes options of open over those of the constructor', async () => {
    const db = await openLevel({ createIfMissing: true });
    await db.put('a', '1');
    await db.close();
    await db.open({ readOnly: true });
    expect(await db.get('a')).toBe('1');
    await expect(db.put('a', '2')).rejects.toMatchObject({ code: 'LEVEL_READONLY' });
    expect(() => db.putSync('a', '2')).toThrow(expect.objectContaining({ code: 'LEVEL_READONLY' }));
  });

  test('refuses wrong options of open, and can be opened afterwards', async () => {
    const db = await openLevel();
    await db.close();
    await expect(db.open(options({ cacheSize: 'big' }))).rejects.toMatchObject({
      code: 'LEVEL_DATABASE_NOT_OPEN',
      cause: { code: ErrorCode.InvalidOption },
    });
    await expect(db.open({ multithreading: true })).rejects.toMatchObject({
      cause: { code: ErrorCode.NotSupported },
    });
    await db.open();
    expect(db.status).toBe('open');
  });
});

describe('a location that is open already', () => {
  const locked = { code: 'LEVEL_DATABASE_NOT_OPEN', cause: { code: 'LEVEL_LOCKED' } };

  test('is locked for another database of this thread', async () => {
    const db = await openLevel();
    await expect(new ArenaLevel(db.location).open()).rejects.toMatchObject(locked);
    await expect(ArenaLevel.destroy(db.location)).rejects.toMatchObject({ code: 'LEVEL_LOCKED' });
    await expect(ArenaLevel.repair(db.location)).rejects.toMatchObject({ code: 'LEVEL_LOCKED' });
    await db.put('still', 'there');
    expect(await db.get('still')).toBe('there');
  });

  test.each(['process', 'worker'] as const)('by a %s is locked until that has closed it', async (kind) => {
    const location = temporaryDirectory();
    const opener = await Opener.start(kind, true);
    expect((await opener.ask('open', location)).outcome).toBe('done');
    const db = new ArenaLevel(location, { flush: 'inline' });
    await expect(db.open()).rejects.toMatchObject(locked);
    expect((await opener.ask('close')).outcome).toBe('done');
    await db.open();
    expect((await opener.ask('open', location)).outcome).toBe('LEVEL_LOCKED');
    await db.close();
    await opener.kill();
  });

  test('by a process that was killed is free', async () => {
    const location = temporaryDirectory();
    const opener = await Opener.start('process', true);
    await opener.ask('open', location);
    await opener.kill();
    await openLevel({}, location);
  });
});

describe('closing', () => {
  test('again, or together with opening again, comes to the last that was asked for', async () => {
    const db = await openLevel();
    await Promise.all([db.close(), db.close()]);
    await db.close();
    expect(db.status).toBe('closed');
    await Promise.all([db.open(), db.close(), db.open()]);
    expect(db.status).toBe('open');
  });

  test('ends writes and reads that were issued, and closes what is open', async () => {
    const db = await openLevel();
    await db.batch(Array.from({ length: 5000 }, (_, i) => ({ type: 'put', key: `k${i}`, value: 'v' })));
    const iterators = [db.iterator(), db.keys(), db.values()];
    await Promise.all(iterators.map((iterator) => iterator.next()));
    const snapshot = db.snapshot();
    const working = db.iterator();
    const all = working.all();
    const [put, get] = [db.put('late', '1'), db.get('k1')];
    await db.close();
    expect(await get).toBe('v');
    await put;
    expect(await all).toHaveLength(5000);
    for (const iterator of iterators) {
      await expect(iterator.next()).rejects.toMatchObject({ code: 'LEVEL_ITERATOR_NOT_OPEN' });
    }
    expect(() => snapshot.ref()).toThrow(expect.objectContaining({ code: 'LEVEL_SNAPSHOT_NOT_OPEN' }));
    await db.open();
    expect(await db.get('late')).toBe('1');
    expect(db.stats().iterators).toBe(0);
  });

  test('with `await using` ends with the block', async () => {
    const location = join(temporaryDirectory(), 'db');
    {
      await using db = new ArenaLevel(location, { flush: 'inline' });
      await db.put('a', '1');
    }
    await using again = new ArenaLevel(location, { flush: 'inline', createIfMissing: false });
    expect(await again.get('a')).toBe('1');
  });
});
