import { setImmediate as nextTurn } from 'node:timers/promises';
import { ErrorCode } from '@arena-level/common/base/errors';
import { Prng } from '@arena-level/common/base/prng';
import { runNow } from '@arena-level/common/base/steps';
import { compareBytes } from '@arena-level/common/bytes/compare';
import { ValueKind } from '@arena-level/common/key/value-kind';
import { MemDbKind } from '@arena-level/common/memdb/memdb';
import { tableFile } from '@arena-level/common/storage/file-desc';
import { describe, expect, test } from 'vitest';
import type { Entry } from '../iterator/entry-batch.ts';
import { entries, type VersionedEntry, visibleEntries } from '../iterator/entry-run.test-support.ts';
import type { StoreIteratorOptions } from '../iterator/iterator-options.ts';
import type { StoreIterator } from '../iterator/store-iterator.ts';
import { openIterator } from './open-iterator.ts';
import { type PictureLayout, randomLayout, StorePicture } from './store-picture.test-support.ts';

const SEED = Number(process.env['SEED'] ?? 20_260_104);

const bytes = (text: string): Uint8Array => Buffer.from(text);
const text = (one: Uint8Array): string => Buffer.from(one).toString('latin1');
const shown = ([key, value]: Entry): string => `${text(key)}=${text(value)}`;

function iterate(
  picture: StorePicture,
  options: StoreIteratorOptions = {},
  sequence = 1_000_000,
): StoreIterator {
  return openIterator(picture.view, sequence, options, picture, () => {});
}

async function all(iterator: StoreIterator): Promise<string[]> {
  const seen: string[] = [];
  for await (const entry of iterator) seen.push(shown(entry));
  return seen;
}

const LAYERED: PictureLayout = {
  memtables: [entries('a#12=active b#11'), entries('c#10=frozen a#9=older')],
  levels: [
    [entries('d#8=zero-new b#7=gone'), entries('d#6 e#5=zero-old')],
    [entries('e#4=one'), entries('f#3=one')],
    [],
    [entries('f#2 g#1=three')],
  ],
};
const LAYERED_ENTRIES = ['a=active', 'c=frozen', 'd=zero-new', 'e=zero-old', 'f=one', 'g=three'];

/** A table whose blocks are many, and its level. */
function longLevel(count: number): VersionedEntry[] {
  return Array.from({ length: count }, (_, i) => ({
    key: bytes(`key-${String(i).padStart(6, '0')}`),
    sequence: i + 1,
    kind: ValueKind.Put,
    value: bytes(`value ${i}`),
  }));
}

describe('an iterator over memtables and tables', () => {
  test('shows every place an entry may stand in', async () => {
    const picture = new StorePicture(LAYERED);
    expect(await all(iterate(picture))).toEqual(LAYERED_ENTRIES);
    expect(await all(iterate(picture, { reverse: true }))).toEqual([...LAYERED_ENTRIES].reverse());
    expect([...iterate(picture)].map(shown)).toEqual(LAYERED_ENTRIES);
    expect(await all(iterate(picture, {}, 6))).toEqual(['e=zero-old', 'f=one', 'g=three']);
  });

  test('shows nothing of an empty store', async () => {
    for (const reverse of [false, true]) {
      expect(await all(iterate(new StorePicture({}), { reverse }))).toEqual([]);
    }
  });

  test('opens only tables that its range reaches', async () => {
    const picture = new StorePicture(LAYERED);
    expect(await all(iterate(picture, { gt: bytes('f') }))).toEqual(['g=three']);
    expect(picture.tables.openTables).toBe(1);
    expect(await all(iterate(picture, { gt: bytes('e'), lte: bytes('f') }))).toEqual(['f=one']);
    expect(picture.tables.openTables).toBe(2);
    expect(await all(iterate(picture, { lt: bytes('b') }))).toEqual(['a=active']);
    expect(picture.tables.openTables).toBe(2);
  });

  test('does not lose the tables behind one that ends at an exclusive bound', async () => {
    const picture = new StorePicture({
      levels: [[], [entries('a#1=x'), entries('b#2=y'), entries('c#3=z')]],
    });
    expect(await all(iterate(picture, { gt: bytes('a') }))).toEqual(['b=y', 'c=z']);
    expect(await all(iterate(picture, { gt: bytes('a'), reverse: true }))).toEqual(['c=z', 'b=y']);
    expect(await all(iterate(picture, { lt: bytes('c'), reverse: true }))).toEqual(['b=y', 'a=x']);
  });

  test('holds one table of a level at a time and lets go of all when it is closed', async () => {
    const run = longLevel(90);
    const tables = Array.from({ length: 9 }, (_, i) => run.slice(i * 10, i * 10 + 10));
    const picture = new StorePicture({ levels: [[], tables] }, { maxOpenFiles: 1 });
    const iterator = iterate(picture, { highWaterMarkBytes: 0 });
    for (let i = 0; i < 90; i++) {
      expect((await iterator.nextv(1)).map(shown)).toEqual([shown([run[i]!.key, run[i]!.value] as Entry)]);
      expect(picture.tables.openTables).toBeLessThanOrEqual(2);
    }
    picture.view.release();
    expect(picture.isVersionReleased).toBe(false);
    iterator.close();
    expect(picture.isVersionReleased).toBe(true);
    await picture.tables.close();
    expect(picture.tables.openTables).toBe(0);
  });

  test('keeps the block at which it begins, all or none when asked to, and uses those that are there', async () => {
    const picture = new StorePicture({ levels: [[], [longLevel(500)]] });
    await all(iterate(picture, { fillCache: false }));
    expect(picture.cache.blocks).toBe(0);
    await all(iterate(picture));
    expect(picture.cache.blocks).toBe(1);
    await all(iterate(picture, { fillCache: true }));
    const { blocks, misses } = picture.cache;
    expect(blocks).toBeGreaterThan(10);
    await all(iterate(picture));
    expect([picture.cache.blocks, picture.cache.misses]).toEqual([blocks, misses]);
  });

  test('sees its moment whatever is written, even before it has read anything', async () => {
    const picture = new StorePicture({ memtables: [entries('a#1=x b#2=y')] });
    const iterator = iterate(picture, {}, 1);
    expect(await all(iterator)).toEqual(['a=x']);
  });

  test('lets the event loop turn in a long scan', async () => {
    const picture = new StorePicture({ levels: [[], [longLevel(30_000)]] }, { reads: 'direct' });
    let turns = 0;
    let isDone = false;
    const counting = (async () => {
      for (; !isDone; turns++) await nextTurn();
    })();
    const entryCount = (await all(iterate(picture))).length;
    isDone = true;
    await counting;
    expect(entryCount).toBe(30_000);
    expect(turns).toBeGreaterThan(5);
  });
});

describe('closing an iterator that waits', () => {
  for (const what of ['table', 'block'] as const) {
    test(`for a ${what} releases view and tables at once, and what comes late is let go of`, async () => {
      const waiting: (() => void)[] = [];
      const picture = new StorePicture(LAYERED, { schedule: (complete) => void waiting.push(complete) });
      if (what === 'block') {
        for (const table of picture.levels.flat())
          picture.tables.release(runNow(picture.tables.acquire(table)));
      }
      const iterator = iterate(picture);
      picture.view.release();
      const pending = iterator.next();
      expect(waiting.length).toBeGreaterThan(0);
      iterator.close();
      expect([picture.isVersionReleased, picture.memtables.map(({ holds }) => holds)]).toEqual([
        true,
        [0, 0],
      ]);
      // The tables are obsolete now: their files may go.
      for (const table of picture.levels.flat()) picture.tables.evict(table.number);
      expect(picture.tables.openTables).toBe(0);
      const turn = setInterval(() => waiting.shift()?.(), 0);
      await expect(pending).rejects.toMatchObject({ code: ErrorCode.IteratorNotOpen });
      await picture.tables.close();
      clearInterval(turn);
      expect(picture.tables.openTables).toBe(0);
    });
  }
});

describe('an iterator in a damaged store', () => {
  test('meets a damaged block with file and offset, after the entries before it, and stays failed', async () => {
    for (const reads of ['pool', 'direct'] as const) {
      const picture = new StorePicture({ levels: [[], [longLevel(200)]] }, { reads });
      picture.storage.damage(tableFile(picture.levels[1]![0]!.number), (file) => {
        file[1500]! ^= 0x40;
        return undefined;
      });
      const iterator = iterate(picture, { highWaterMarkBytes: 0 });
      const seen: Entry[] = [];
      let failure: unknown;
      for (;;) {
        try {
          seen.push(...(await iterator.nextv(5)));
        } catch (error) {
          failure = error;
          break;
        }
      }
      expect(failure).toMatchObject({ code: ErrorCode.Corruption, file: '000100.ldb' });
      expect((failure as { offset: number }).offset).toBeLessThanOrEqual(1500);
      expect(seen.length).toBeGreaterThan(10);
      expect(seen.map(shown)).toEqual(
        longLevel(seen.length).map(({ key, value }) => shown([key, value] as Entry)),
      );
      await expect(iterator.next()).rejects.toBe(failure);
      expect(() => iterator.nextSync()).toThrow(failure as Error);
      iterator.close();
    }
  });

  test('meets a table that is missing, or that has another size than the manifest states', async () => {
    for (const harm of ['remove', 'cut', 'extend'] as const) {
      const picture = new StorePicture(LAYERED);
      const file = tableFile(picture.levels[1]![1]!.number);
      if (harm === 'remove') picture.storage.removeNow(file);
      else {
        picture.storage.damage(file, (contents) =>
          harm === 'cut' ? contents.slice(0, -1) : new Uint8Array(contents.length + 1),
        );
      }
      for (const reverse of [false, true]) {
        const damage = { code: ErrorCode.Corruption, file: '000101.ldb' };
        await expect(all(iterate(picture, { reverse })), harm).rejects.toMatchObject(damage);
        expect(() => [...iterate(picture, { reverse })], harm).toThrow(expect.objectContaining(damage));
      }
    }
  });
});

for (const memdbKind of [MemDbKind.Hash, MemDbKind.Skiplist]) {
  test(`walks as a sorted array does, over ${memdbKind} memtables and tables (seed ${SEED})`, async () => {
    const prng = new Prng(SEED);
    for (let round = 0; round < 14; round++) {
      const picture = new StorePicture(randomLayout(prng, randomKey), {
        memdbKind,
        cacheBytes: [0, 1000, 1 << 20][prng.below(3)]!,
        maxOpenFiles: 1 + prng.below(6),
        reads: (['pool', 'direct', 'auto'] as const)[prng.below(3)]!,
      });
      const last = picture.all.reduce((most, { sequence }) => Math.max(most, sequence), 0);
      for (let walk = 0; walk < 8; walk++) {
        const sequence = prng.oneIn(3) ? last : prng.below(last + 2);
        await compareWalk(prng, picture, sequence, `seed ${SEED}, round ${round}, walk ${walk}`);
      }
      picture.view.release();
      expect(picture.isVersionReleased).toBe(true);
      await picture.tables.close();
      expect(picture.tables.openTables).toBe(0);
    }
  });
}

/** One iterator with random options, walked and sought at random, in both ways to wait. */
async function compareWalk(
  prng: Prng,
  picture: StorePicture,
  sequence: number,
  context: string,
): Promise<void> {
  const options: { -readonly [K in keyof StoreIteratorOptions]: StoreIteratorOptions[K] } = {
    reverse: prng.oneIn(2),
  };
  for (const bound of ['gt', 'gte', 'lt', 'lte'] as const)
    if (prng.oneIn(5)) options[bound] = randomKey(prng);
  const inRange = (key: Uint8Array): boolean =>
    (options.gt === undefined || compareBytes(key, options.gt) > 0) &&
    (options.gte === undefined || compareBytes(key, options.gte) >= 0) &&
    (options.lt === undefined || compareBytes(key, options.lt) < 0) &&
    (options.lte === undefined || compareBytes(key, options.lte) <= 0);
  const visible = visibleEntries(picture.all, sequence).filter(({ key }) => inRange(key));
  if (options.reverse) visible.reverse();
  const iterator = iterate(picture, options, sequence);
  let at = 0;
  for (let step = 0; step < 8; step++) {
    if (prng.oneIn(4)) {
      const target = randomKey(prng);
      iterator.seek(target);
      const isBehind = ({ key }: VersionedEntry): boolean =>
        options.reverse ? compareBytes(key, target) <= 0 : compareBytes(key, target) >= 0;
      at = inRange(target) ? visible.findIndex(isBehind) : -1;
      if (at < 0) at = visible.length;
    }
    const size = 1 + prng.below(20);
    const batch = prng.oneIn(2) ? await iterator.nextv(size) : iterator.nextvSync(size);
    const expected = visible.slice(at, at + size).map(({ key, value }) => shown([key, value] as Entry));
    expect(batch.map(shown), context).toEqual(expected);
    at += batch.length;
  }
  iterator.close();
}

function randomKey(prng: Prng): Uint8Array {
  return Uint8Array.from({ length: 1 + prng.below(3) }, () => [0x00, 0x61, 0x62, 0x63, 0xff][prng.below(5)]!);
}
