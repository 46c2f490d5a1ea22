import { ErrorCode, open, type Store } from 'arena-level/engine';
import { ClassicLevel } from 'classic-level';
import { describe, expect, test } from 'vitest';
import { settle } from '../support/eventually.ts';
import { openHeld } from '../support/held-store.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { bytes, key } from '../support/text-bytes.ts';

const VALUE = bytes('v'.repeat(100));
const ENTRIES = 400;
const OPTIONS = { writeBufferSize: 1024 * 1024, blockSize: 512, compression: 'none' } as const;

/** Keys 0 to 399 in one table. */
async function filled(): Promise<{ readonly store: Store; readonly tableBytes: number }> {
  const { store, executor } = await openHeld(OPTIONS);
  executor.release();
  for (let i = 0; i < ENTRIES; i++) store.putSync(key(i), VALUE);
  await store.flush();
  return { store, tableBytes: store.stats().levels[0]!.bytes };
}

describe('approximateSize', () => {
  test('counts whole tables as they are, and parts of them to about a block', async () => {
    const { store, tableBytes } = await filled();
    expect(await store.approximateSize(bytes('a'), bytes('z'))).toBe(tableBytes);
    expect(await store.approximateSize(bytes('a'), bytes('b'))).toBe(0);
    expect(await store.approximateSize(bytes('y'), bytes('z'))).toBe(0);
    const quarter = await store.approximateSize(key(100), key(200));
    expect(quarter).toBeGreaterThan(90 * 110);
    expect(quarter).toBeLessThan(110 * 120);
    const parts = [0, 100, 200, 300].map((from) => store.approximateSize(key(from), key(from + 100)));
    const sum = (await Promise.all(parts)).reduce((total, part) => total + part, 0);
    // Behind the last key lie the index and the like.
    expect(sum).toBe(tableBytes);
    await store.close();
  });

  test('is 0 for a range that is empty or upside down', async () => {
    const { store } = await filled();
    expect(await store.approximateSize(key(5), key(5))).toBe(0);
    expect(await store.approximateSize(key(300), key(100))).toBe(0);
    await store.close();
  });

  test('counts all levels, and no memtables', async () => {
    const { store, tableBytes } = await filled();
    for (let i = 0; i < ENTRIES; i++) store.putSync(key(i), VALUE);
    expect(await store.approximateSize(bytes('a'), bytes('z'))).toBe(tableBytes);
    await store.compactRange();
    await settle();
    for (let i = 0; i < ENTRIES; i++) store.putSync(key(i), VALUE);
    await store.flush();
    const { levels } = store.stats();
    expect(levels.filter(({ tables }) => tables > 0)).toHaveLength(2);
    const all = levels.reduce((sum, level) => sum + level.bytes, 0);
    expect(await store.approximateSize(bytes('a'), bytes('z'))).toBe(all);
    await store.close();
  });

  test('takes the keys as they are when it is called', async () => {
    const { store, tableBytes } = await filled();
    const [start, end] = [bytes('a'), bytes('z')];
    const asked = store.approximateSize(start, end);
    start.fill(0xff);
    end.fill(0);
    expect(await asked).toBe(tableBytes);
    await store.close();
  });

  test('rejects what is no key, and after close', async () => {
    const { store } = await filled();
    await expect(store.approximateSize('a' as never, key(1))).rejects.toMatchObject({
      code: ErrorCode.InvalidKey,
    });
    await expect(store.approximateSize(key(1), undefined as never)).rejects.toMatchObject({
      code: ErrorCode.InvalidKey,
    });
    await store.close();
    await expect(store.approximateSize(key(1), key(2))).rejects.toMatchObject({
      code: ErrorCode.DatabaseNotOpen,
    });
  });

  test('is what LevelDB says of the same files', async () => {
    const directory = temporaryDirectory();
    const store = await open(directory, { ...OPTIONS, flush: 'inline' });
    for (let round = 0; round < 3; round++) {
      for (let i = round; i < ENTRIES; i += 2) store.putSync(key(i), VALUE);
      await store.flush();
    }
    const ranges = Array.from({ length: 40 }, (_, i) => [key(i * 7), key(i * 9 + 40)] as const);
    const ours = await Promise.all(ranges.map(([start, end]) => store.approximateSize(start, end)));
    await store.close();
    const db = new ClassicLevel<Uint8Array, Uint8Array>(directory, { keyEncoding: 'view' });
    await db.open();
    const theirs = await Promise.all(ranges.map(([start, end]) => db.approximateSize(start, end)));
    await db.close();
    expect(ours).toEqual(theirs);
  });
});
