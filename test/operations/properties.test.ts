import { ErrorCode, open } from 'arena-level/engine';
import { ClassicLevel } from 'classic-level';
import { describe, expect, test } from 'vitest';
import { openHeld } from '../support/held-store.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { bytes, key } from '../support/text-bytes.ts';

const VALUE = bytes('v'.repeat(100));
const NAMES = ['stats', 'sstables', ...Array.from({ length: 7 }, (_, level) => `num-files-at-level${level}`)];

describe('getProperty', () => {
  test.each(['', 'leveldb', 'leveldb.', 'stats', 'leveldb.Stats', 'leveldb.num-files-at-level'])(
    'knows nothing of %j',
    async (name) => {
      const { store } = await openHeld();
      expect(store.getProperty(name)).toBeUndefined();
      await store.close();
    },
  );

  test('counts the files of a level that exists', async () => {
    const { store, executor } = await openHeld();
    executor.release();
    for (let round = 0; round < 2; round++) {
      store.putSync(key(1), VALUE);
      await store.flush();
    }
    const count = (level: string) => store.getProperty(`leveldb.num-files-at-level${level}`);
    expect(['0', '1', '6', '7', '-1', '1x', '00'].map(count)).toEqual([
      '2',
      '0',
      '0',
      undefined,
      undefined,
      undefined,
      '2',
    ]);
    await store.close();
  });

  test('tells of memory that cache and arenas take', async () => {
    const { store } = await openHeld();
    const { arenas, blockCache } = store.stats();
    expect(store.getProperty('leveldb.approximate-memory-usage')).toBe(
      String(arenas.bytes + blockCache.bytes),
    );
    await store.close();
  });

  test('escapes keys as LevelDB does', async () => {
    const { store, executor, memory } = await openHeld();
    executor.release();
    store.putSync(bytes(" '\x00\x7f"), VALUE);
    store.delSync(bytes('~\xff'));
    await store.flush();
    const [name] = memory.fileNames().filter((file) => file.endsWith('.ldb'));
    const { bytes: size } = store.stats().levels[0]!;
    expect(store.getProperty('leveldb.sstables')?.split('\n').slice(0, 3)).toEqual([
      '--- level 0 ---',
      ` ${Number.parseInt(name!, 10)}:${size}[' '\\x00\\x7f' @ 1 : 1 .. '~\\xff' @ 2 : 0]`,
      '--- level 1 ---',
    ]);
    await store.close();
  });

  test('counts flushes as work on level 0, and compactions where they wrote', async () => {
    const directory = temporaryDirectory();
    const store = await open(directory, { flush: 'inline' });
    const value = bytes('v'.repeat(64 * 1024));
    for (let i = 0; i < 60; i++) store.putSync(key(i), value);
    await store.compactRange();
    const lines = store.getProperty('leveldb.stats')!.split('\n').slice(3);
    expect(lines).toHaveLength(3);
    expect(lines[0]).toMatch(/^ {2}0 {8}0 {8}0 {9}\d {8}0 {9}4$/);
    expect(lines[1]).toMatch(/^ {2}1 {8}1 {8}4 {9}\d {8}4 {9}4$/);
    await store.close();
  });

  test('is asked by name, of an open store', async () => {
    const { store } = await openHeld();
    expect(() => store.getProperty(7 as never)).toThrow(
      expect.objectContaining({ code: ErrorCode.InvalidArgument }),
    );
    await store.close();
    expect(() => store.getProperty('leveldb.stats')).toThrow(
      expect.objectContaining({ code: ErrorCode.DatabaseNotOpen }),
    );
  });

  test('answers as LevelDB on the same files', async () => {
    const directory = temporaryDirectory();
    const options = { flush: 'inline' } as const;
    const store = await open(directory, options);
    for (let i = 0; i < 3; i++) {
      store.putSync(key(i), VALUE);
      store.putSync(bytes(`\x01${i}\xff`), VALUE);
      await store.flush();
      if (i === 0) await store.compactRange();
    }
    await store.close();
    const db = new ClassicLevel<Uint8Array, Uint8Array>(directory, { keyEncoding: 'view' });
    await db.open();
    const theirs = NAMES.map((name) => db.getProperty(`leveldb.${name}`));
    await db.close();
    const again = await open(directory, options);
    const ours = NAMES.map((name) => again.getProperty(`leveldb.${name}`));
    await again.close();
    expect(inNumericOrder(ours)).toEqual(inNumericOrder(theirs));
  });
});

/** LevelDB lists the tables of level 0 as they come to it, we the newest first. */
function inNumericOrder(properties: readonly (string | undefined)[]): readonly (string | undefined)[] {
  return properties.map((property) =>
    property?.replace(
      /(?: \d+:.*\n){2,}/g,
      (run) => `${run.split('\n').filter(Boolean).sort().join('\n')}\n`,
    ),
  );
}
