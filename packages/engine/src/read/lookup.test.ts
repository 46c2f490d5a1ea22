import { ErrorCode } from '@arena-level/common/base/errors';
import { Prng } from '@arena-level/common/base/prng';
import { compareBytes } from '@arena-level/common/bytes/compare';
import { MemDbKind } from '@arena-level/common/memdb/memdb';
import { tableFile } from '@arena-level/common/storage/file-desc';
import type { TableReader } from '@arena-level/common/table/table-reader';
import { describe, expect, test, vi } from 'vitest';
import { SharedBlockCache } from '../cache/shared/shared-block-cache.ts';
import { entries, visibleEntries } from '../iterator/entry-run.test-support.ts';
import { Lookup } from './lookup.ts';
import {
  type PictureLayout,
  type PictureOptions,
  randomLayout,
  StorePicture,
} from './store-picture.test-support.ts';

const SEED = Number(process.env['SEED'] ?? 20_260_103);

const bytes = (text: string): Uint8Array => Buffer.from(text);
const text = (value: Uint8Array | undefined): string | undefined =>
  value && Buffer.from(value).toString('latin1');

function open(
  layout: PictureLayout,
  options: PictureOptions & { readonly flushedFrom?: number } = {},
): { readonly picture: StorePicture; readonly lookup: Lookup } {
  const picture = new StorePicture(layout, options);
  const { tables, blocks, turns } = picture;
  const flushedFrom = options.flushedFrom ?? Number.POSITIVE_INFINITY;
  return { picture, lookup: new Lookup({ tables, blocks, turns, flushedFrom, seeks: undefined }) };
}

/** Values of single-letter keys, as `a=1 b=-`. */
async function values(
  { picture, lookup }: ReturnType<typeof open>,
  keys: string,
  sequence: number,
): Promise<string> {
  const answers: string[] = [];
  for (const key of keys)
    answers.push(`${key}=${text(await lookup.get(picture.view, bytes(key), sequence)) ?? '-'}`);
  return answers.join(' ');
}

const LAYERED: PictureLayout = {
  memtables: [entries('a#12=active b#11'), entries('c#10=frozen a#9=older')],
  levels: [
    [entries('d#8=zero-new b#7=gone'), entries('d#6 e#5=zero-old')],
    [entries('e#4=one f#3=one')],
    [],
    [entries('f#2 g#1=three')],
  ],
};

describe('a lookup', () => {
  test('finds the newest version wherever it stands, tombstones included', async () => {
    const store = open(LAYERED);
    expect(await values(store, 'abcdefgh', 12)).toBe(
      'a=active b=- c=frozen d=zero-new e=zero-old f=one g=three h=-',
    );
    expect(await values(store, 'abcdefgh', 10)).toBe(
      'a=older b=gone c=frozen d=zero-new e=zero-old f=one g=three h=-',
    );
    expect(await values(store, 'abcdefgh', 6)).toBe('a=- b=- c=- d=- e=zero-old f=one g=three h=-');
    expect(await values(store, 'abcdefgh', 2)).toBe('a=- b=- c=- d=- e=- f=- g=three h=-');
  });

  test('answers at once from a memtable, and from a table whose block is in memory', async () => {
    const { picture, lookup } = open(LAYERED);
    expect(lookup.get(picture.view, bytes('a'), 12)).toEqual(bytes('active'));
    expect(lookup.get(picture.view, bytes('b'), 12)).toBeUndefined();
    const first = lookup.get(picture.view, bytes('e'), 12);
    expect(first).toBeInstanceOf(Promise);
    expect(text(await first)).toBe('zero-old');
    expect(lookup.get(picture.view, bytes('e'), 12)).toEqual(bytes('zero-old'));
    expect(lookup.has(picture.view, bytes('e'), 12)).toBe(true);
  });

  test('gives memory of its own, never that of an arena or of a cached block', async () => {
    for (const isShared of [false, true]) {
      const { picture, lookup } = open(
        LAYERED,
        isShared ? { shared: SharedBlockCache.create(1 << 20, 256) } : {},
      );
      for (const key of ['a', 'e']) {
        for (let round = 0; round < 3; round++) {
          const value = (await lookup.get(picture.view, bytes(key), 12))!;
          expect(value.buffer).toBeInstanceOf(ArrayBuffer);
          expect(text(value)).toBe(key === 'a' ? 'active' : 'zero-old');
          value.fill(0);
        }
      }
    }
  });

  test('may be asked with a part of a larger buffer, which may be reused at once', async () => {
    const { picture, lookup } = open(LAYERED);
    const key = bytes('xgx').subarray(1, 2);
    const answer = lookup.get(picture.view, key, 12);
    key.fill(0);
    expect(text(await answer)).toBe('three');
  });

  test('finds empty keys and empty values', async () => {
    for (const layout of [{ memtables: [entries('#1= k#2=')] }, { levels: [[entries('#1= k#2=')]] }]) {
      const { picture, lookup } = open(layout);
      expect(text(await lookup.get(picture.view, bytes(''), 5))).toBe('');
      expect(text(lookup.getNow(picture.view, bytes('k'), 5))).toBe('');
      expect(lookup.hasNow(picture.view, bytes('k'), 5)).toBe(true);
    }
  });

  test('asks the filter first: an absent key costs no block', () => {
    const { picture, lookup } = open({ levels: [[], [entries('a#1=x m#2=y z#3=z')]] });
    for (let i = 0; i < 200; i++) lookup.getNow(picture.view, bytes(`absent-${i}`), 9);
    expect(picture.cache.misses).toBeLessThanOrEqual(1);
    expect(text(lookup.getNow(picture.view, bytes('m'), 9))).toBe('y');
  });

  test('looks into what is shared without a filter in the last table only', () => {
    const [upper, last] = [entries('a#4=p z#5=q'), entries('a#1=x k#2=y z#3=z')];
    for (const levels of [[[upper, last]], [[upper], [], [last]]]) {
      const shared = SharedBlockCache.create(1 << 20, 256);
      const { picture, lookup } = open({ levels }, { shared });
      expect(text(lookup.getNow(picture.view, bytes('k'), 9))).toBe('y');
      const readers = picture.levels.flat().map((table): TableReader => picture.tables.peek(table.number)!);
      const filters = readers.map((reader) => vi.spyOn(reader, 'mayContain'));
      const finds = vi.spyOn(shared, 'find');
      expect(text(lookup.getNow(picture.view, bytes('k'), 9))).toBe('y');
      expect(filters.map(({ mock }) => mock.calls.length)).toEqual([1, 0]);
      expect(finds.mock.calls.map(([table]) => table)).toEqual([readers[1]!.number]);
    }
  });

  test('of overlapping tables in level 0 believes the highest sequence number, whatever the file numbers', async () => {
    const layout = { levels: [[entries('k#2=old'), entries('k#9=newest'), entries('k#5=middle')]] };
    expect(await values(open(layout), 'k', 20)).toBe('k=newest');
    expect(await values(open(layout), 'k', 8)).toBe('k=middle');
    const deleted = { levels: [[entries('k#2=old'), entries('k#9')]] };
    expect(await values(open(deleted), 'k', 20)).toBe('k=-');
  });

  test('gives the newest version of several tables that were read into the same memory', async () => {
    // Values of one length: each read puts its own where the one before had its.
    const layout = {
      levels: [
        [entries('k#2=oldest'), entries('k#9=newest'), entries('k#5=middle')],
        [entries('k#1=before')],
      ],
    };
    for (const fill of [false, true]) {
      for (const reads of ['direct', 'pool'] as const) {
        const shared = SharedBlockCache.create(1 << 20, 256);
        const { picture, lookup } = open(layout, { reads, shared });
        // The second time from the shared cache, if they were kept.
        for (let round = 0; round < 2; round++) {
          for (const [sequence, value] of [
            [20, 'newest'],
            [8, 'middle'],
            [4, 'oldest'],
            [1, 'before'],
          ] as const) {
            const why = `${fill} ${reads} ${round} ${sequence}`;
            expect(text(lookup.getNow(picture.view, bytes('k'), sequence, fill)), why).toBe(value);
            expect(text(await lookup.get(picture.view, bytes('k'), sequence, fill)), why).toBe(value);
          }
        }
        expect(shared.counters.blocks).toBe(fill ? 4 : 0);
        expect(picture.cache.blocks).toBeLessThanOrEqual(fill ? 4 : 0);
      }
    }
  });

  test('stops at the first version in a table that this opener flushed', () => {
    const layout = { levels: [[entries('k#9=new'), entries('k#5=old')]] };
    const reads = (flushedFrom: number): number => {
      const { picture, lookup } = open(layout, { flushedFrom, firstNumber: 100 });
      expect(text(lookup.getNow(picture.view, bytes('k'), 20))).toBe('new');
      return picture.cache.misses;
    };
    expect(reads(Number.POSITIVE_INFINITY)).toBe(2);
    expect(reads(102)).toBe(2);
    expect(reads(101)).toBe(1);
  });

  test('finds a key whose versions two tables of a level share', async () => {
    const store = open({
      levels: [[], [entries('a#1=x k#9=new k#7=mid'), entries('k#5=old k#3=first z#2=z')]],
    });
    for (const [sequence, value] of [
      [20, 'new'],
      [8, 'mid'],
      [6, 'old'],
      [4, 'first'],
      [2, '-'],
    ] as const) {
      expect(await values(store, 'k', sequence)).toBe(`k=${value}`);
    }
  });

  test('that waits holds the view, the tables and the blocks it came through until it is done', async () => {
    const waiting: (() => void)[] = [];
    const { picture, lookup } = open(LAYERED, {
      cacheBytes: 0,
      maxOpenFiles: 1,
      schedule: (complete) => waiting.push(complete),
    });
    const answer = lookup.get(picture.view, bytes('g'), 12) as Promise<Uint8Array>;
    picture.view.release();
    expect([picture.isVersionReleased, picture.memtables[0]!.holds]).toEqual([false, 1]);
    const turn = setInterval(() => waiting.shift()?.(), 0);
    expect(text(await answer)).toBe('three');
    clearInterval(turn);
    expect([picture.isVersionReleased, picture.memtables[0]!.holds]).toEqual([true, 0]);
    expect(picture.tables.openTables).toBeLessThanOrEqual(1);
  });

  test('works without any cache, blocking or not', async () => {
    const options = { cacheBytes: 0, maxOpenFiles: 1 };
    expect(await values(open(LAYERED, options), 'abcdefgh', 12)).toBe(
      'a=active b=- c=frozen d=zero-new e=zero-old f=one g=three h=-',
    );
    const { picture, lookup } = open(LAYERED, options);
    expect(text(lookup.getNow(picture.view, bytes('g'), 12))).toBe('three');
    expect(picture.cache.bytes).toBe(0);
  });

  test('reads past the cache when asked not to fill it', async () => {
    const { picture, lookup } = open(LAYERED);
    expect(text(await lookup.get(picture.view, bytes('g'), 12, false))).toBe('three');
    expect(text(lookup.getNow(picture.view, bytes('g'), 12, false))).toBe('three');
    expect(picture.cache.bytes).toBe(0);
    expect(text(await lookup.get(picture.view, bytes('g'), 12, true))).toBe('three');
    expect(picture.cache.blocks).toBeGreaterThan(0);
  });
});

describe('a lookup in a damaged store', () => {
  test('names the file and the offset of a damaged block and gives no older value', async () => {
    const { picture, lookup } = open({ levels: [[entries('k#9=new')], [entries('k#1=old')]] });
    const [table] = picture.levels[0]!;
    picture.storage.damage(tableFile(table!.number), (file) => {
      file[2]! ^= 1;
      return undefined;
    });
    const damage = { code: ErrorCode.Corruption, file: '000101.ldb', offset: 0 };
    await expect(lookup.get(picture.view, bytes('k'), 9)).rejects.toMatchObject(damage);
    expect(() => lookup.getNow(picture.view, bytes('k'), 9)).toThrow(expect.objectContaining(damage));
    await expect(lookup.getMany(picture.view, [bytes('a'), bytes('k')], 9)).rejects.toMatchObject(damage);
    await expect(lookup.has(picture.view, bytes('k'), 9)).rejects.toMatchObject(damage);
    picture.view.release();
    expect(picture.isVersionReleased).toBe(true);
  });

  test('names a table that is missing', async () => {
    const { picture, lookup } = open({ levels: [[entries('k#9=new')]] });
    picture.storage.removeNow(tableFile(100));
    const damage = { code: ErrorCode.Corruption, file: '000100.ldb' };
    await expect(lookup.get(picture.view, bytes('k'), 9)).rejects.toMatchObject(damage);
    expect(() => lookup.getNow(picture.view, bytes('k'), 9)).toThrow(expect.objectContaining(damage));
    expect(picture.tables.openTables).toBe(0);
  });
});

describe('many keys at once', () => {
  test('are answered in order, found or not, and may be reused at once', async () => {
    const { picture, lookup } = open(LAYERED);
    const keys = [...'gfedcbaahz'].map(bytes);
    const answers = lookup.getMany(picture.view, keys, 12);
    for (const key of keys) key.fill(0);
    expect((await answers).map(text)).toEqual([
      'three',
      'one',
      'zero-old',
      'zero-new',
      'frozen',
      undefined,
      'active',
      'active',
      undefined,
      undefined,
    ]);
    expect(await lookup.hasMany(picture.view, [bytes('a'), bytes('b'), bytes('g')], 12)).toEqual([
      true,
      false,
      true,
    ]);
    expect(await lookup.getMany(picture.view, [], 12)).toEqual([]);
  });

  test('let the event loop turn', async () => {
    const run = Array.from({ length: 20_000 }, (_, i) => entries(`key-${i}#${i + 1}=v`)).flat();
    const { picture, lookup } = open({ memtables: [run] });
    let turns = 0;
    const counting = setImmediate(function count(): void {
      turns++;
      again = setImmediate(count);
    });
    let again = counting;
    const answers = await lookup.getMany(
      picture.view,
      run.map((one) => one.key),
      1_000_000,
    );
    clearImmediate(again);
    expect(answers.every((value) => text(value) === 'v')).toBe(true);
    expect(turns).toBeGreaterThan(1);
  });

  test('wait for a bounded number of blocks at a time, and their keys may be reused meanwhile', async () => {
    const run = Array.from({ length: 2000 }, (_, i) =>
      entries(`key-${String(i).padStart(5, '0')}#${i + 1}=v`),
    ).flat();
    let waiting: (() => void)[] = [];
    let most = 0;
    const { picture, lookup } = open(
      { levels: [[], [run]] },
      { cacheBytes: 0, schedule: (complete) => (most = Math.max(most, waiting.push(complete))) },
    );
    const keys = run.map((one) => new Uint8Array(one.key));
    const answers = lookup.getMany(picture.view, keys, 1_000_000);
    for (const key of keys) key.fill(0);
    const turn = setInterval(() => {
      const complete = waiting;
      waiting = [];
      for (const one of complete) one();
    }, 0);
    expect((await answers).every((value) => text(value) === 'v')).toBe(true);
    clearInterval(turn);
    expect(most).toBeLessThanOrEqual(64);
  });

  test('end together, also when one of them fails: until then the view is held', async () => {
    const waiting: (() => void)[] = [];
    const layout = { levels: [[], [entries('a#1=v'), entries('z#2=v')]] };
    const { picture, lookup } = open(layout, { schedule: (complete) => waiting.push(complete) });
    const [, { number: last }] = picture.levels[1]! as [unknown, { readonly number: number }];
    picture.storage.removeNow(tableFile(last));
    let outcome = 'pending';
    const answers = lookup.getMany(picture.view, [bytes('a'), bytes('z')], 9).catch(() => {
      outcome = 'rejected';
    });
    picture.view.release();
    for (const complete of waiting.splice(1)) complete();
    await new Promise((resolve) => setImmediate(resolve));
    expect([outcome, waiting.length, picture.isVersionReleased]).toEqual(['pending', 1, false]);
    while (outcome === 'pending') {
      for (const complete of waiting.splice(0)) complete();
      await new Promise((resolve) => setImmediate(resolve));
    }
    await answers;
    expect(picture.isVersionReleased).toBe(true);
  });
});

for (const memdbKind of [MemDbKind.Hash, MemDbKind.Skiplist]) {
  test(`all ways to read agree with a sorted array, over ${memdbKind} memtables and tables (seed ${SEED})`, async () => {
    const prng = new Prng(SEED);
    for (let round = 0; round < 15; round++) {
      const layout = randomLayout(prng, randomKey);
      const sharedBytes = [undefined, 2000, 1 << 14, 1 << 20][prng.below(4)];
      const { picture, lookup } = open(layout, {
        ...(sharedBytes !== undefined && { shared: SharedBlockCache.create(sharedBytes, 256) }),
        memdbKind,
        cacheBytes: [0, 1000, 1 << 20][prng.below(3)]!,
        maxOpenFiles: 1 + prng.below(6),
        reads: (['pool', 'direct', 'auto'] as const)[prng.below(3)]!,
        table: { bloomBitsPerKey: prng.oneIn(3) ? 0 : 10 },
      });
      const { view } = picture;
      const last = picture.all.reduce((most, { sequence }) => Math.max(most, sequence), 0);
      for (let step = 0; step < 12; step++) {
        const sequence = prng.oneIn(3) ? last : prng.below(last + 2);
        const visible = visibleEntries(picture.all, sequence);
        const keys = Array.from({ length: 8 }, () => randomKey(prng));
        const expected = keys.map((key) =>
          text(visible.find((one) => compareBytes(one.key, key) === 0)?.value),
        );
        const present = expected.map((value) => value !== undefined);
        const context = `seed ${SEED}, round ${round}, step ${step}`;
        const fill = prng.oneIn(2);
        const one = prng.below(8);
        const key = keys[one]!;
        expect(text(await lookup.get(view, key, sequence, fill)), context).toBe(expected[one]);
        expect(text(lookup.getNow(view, key, sequence, fill)), context).toBe(expected[one]);
        expect(await lookup.has(view, key, sequence, fill), context).toBe(present[one]);
        expect(lookup.hasNow(view, key, sequence, fill), context).toBe(present[one]);
        expect((await lookup.getMany(view, keys, sequence, fill)).map(text), context).toEqual(expected);
        expect(await lookup.hasMany(view, keys, sequence, fill), context).toEqual(present);
      }
      view.release();
      expect(
        [picture.isVersionReleased, ...picture.memtables.map(({ holds }) => holds)],
        `seed ${SEED}`,
      ).toEqual([true, ...picture.memtables.map(() => 0)]);
      await picture.tables.close();
      expect(picture.tables.openTables).toBe(0);
    }
  });
}

function randomKey(prng: Prng): Uint8Array {
  return Uint8Array.from({ length: 1 + prng.below(3) }, () => [0x00, 0x61, 0x62, 0x63, 0xff][prng.below(5)]!);
}
