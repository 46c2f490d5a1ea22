import { ErrorCode } from '@arena-level/common/base/errors';
import { runNow } from '@arena-level/common/base/steps';
import { tableFile } from '@arena-level/common/storage/file-desc';
import type { TableReader } from '@arena-level/common/table/table-reader';
import { expect, test, vi } from 'vitest';
import { entries } from '../iterator/entry-run.test-support.ts';
import { type PictureOptions, StorePicture } from '../read/store-picture.test-support.ts';
import { BlockCache } from './block-cache.ts';
import { BlockLoader } from './block-loader.ts';
import { FakeClock } from './fake-clock.test-support.ts';
import { ReadScheduler } from './read-scheduler.ts';
import { SharedBlockCache } from './shared/shared-block-cache.ts';
import { SharedCachePlace } from './shared/shared-cache-place.ts';

function open(options: PictureOptions = {}): {
  readonly picture: StorePicture;
  readonly reader: TableReader;
} {
  const run = Array.from({ length: 100 }, (_, i) => entries(`key-${i}#${i + 1}=value`)).flat();
  const picture = new StorePicture({ levels: [[run]] }, options);
  return { picture, reader: runNow(picture.tables.acquire(picture.levels[0]![0]!)) };
}

/** With a shared cache, as the picture's thread has it and as another one. */
function openShared(options: PictureOptions = {}): ReturnType<typeof open> & {
  readonly shared: SharedBlockCache;
  readonly other: SharedBlockCache;
} {
  const shared = SharedBlockCache.create(1 << 20, 256);
  return { ...open({ shared, ...options }), shared, other: new SharedBlockCache(shared.memory, 1) };
}

/** Of another thread, which has no cache of its own. */
const loaderOf = (shared: SharedBlockCache): BlockLoader =>
  new BlockLoader(
    new BlockCache(0),
    new ReadScheduler(new FakeClock(), 'pool'),
    SharedCachePlace.holding(shared),
  );

test('a block that is loaded is at hand from then on', async () => {
  const { picture, reader } = open();
  const source = picture.blocks.source(true);
  expect(source.peek(reader, 0)).toBeUndefined();
  const block = await source.load(reader, 0);
  expect(source.peek(reader, 0)).toBe(block);
  const second = source.loadNow(reader, 1);
  expect(source.peek(reader, 1)).toBe(second);
  expect([picture.cache.hits, picture.cache.misses]).toEqual([2, 2]);
});

test('without filling the cache a source finds what is there and keeps nothing', async () => {
  const { picture, reader } = open();
  const passing = picture.blocks.source(false);
  await passing.load(reader, 0);
  passing.loadNow(reader, 1);
  expect(picture.cache.blocks).toBe(0);
  const kept = picture.blocks.source(true).loadNow(reader, 0);
  expect(passing.peek(reader, 0)).toBe(kept);
});

test('a block of a run is a view of it, and one that is kept has bytes of its own', () => {
  const { picture, reader } = open();
  const passing = picture.blocks.source(false);
  const run = passing.loadRunNow(reader, 0, reader.blocks);
  const viewed = passing.blockOf(reader, run, 0);
  expect(viewed.contents.buffer).toBe(run.bytes.buffer);
  expect(passing.cached(reader, 0)).toBeUndefined();
  picture.blocks.source(true).blockOf(reader, run, 0);
  const kept = passing.cached(reader, 0)!;
  expect(kept.contents.buffer).not.toBe(run.bytes.buffer);
  expect(kept.contents).toEqual(viewed.contents);
  expect([picture.cache.blocks, picture.cache.misses]).toEqual([1, reader.blocks]);
});

test('those who wait for one block share one read, and it is kept if one of them wants that', async () => {
  const waiting: (() => void)[] = [];
  const { picture, reader } = open({ schedule: (complete) => void waiting.push(complete) });
  const loads = [false, true, false].map((fill) => picture.blocks.source(fill).load(reader, 0));
  const other = picture.blocks.source(true).load(reader, 1);
  expect(waiting.length).toBe(2);
  for (const complete of waiting.splice(0)) complete();
  const blocks = await Promise.all(loads);
  expect(new Set(blocks).size).toBe(1);
  expect(await other).not.toBe(blocks[0]);
  expect(picture.cache.blocks).toBe(2);
  expect(picture.cache.misses).toBe(2);
});

test('a read that fails fails for all who share it, and is tried anew by the next', async () => {
  const { picture, reader } = open();
  const restore = picture.storage.snapshot().get('000100.ldb')!;
  picture.storage.damage(tableFile(100), (file) => {
    file[0]! ^= 1;
    return undefined;
  });
  const source = picture.blocks.source(true);
  const damage = { code: ErrorCode.Corruption, file: '000100.ldb', offset: 0 };
  const both = [source.load(reader, 0), source.load(reader, 0)];
  for (const load of both) await expect(load).rejects.toMatchObject(damage);
  expect(() => source.loadNow(reader, 0)).toThrow(expect.objectContaining(damage));
  picture.storage.damage(tableFile(100), () => restore);
  expect((await source.load(reader, 0)).restartsOffset).toBeGreaterThan(0);
});

test('asynchronous readers wait on the thread for at most the one read that finds the disk cold', async () => {
  const { reader } = open();
  const clock = new FakeClock();
  const loader = new BlockLoader(new BlockCache(0), new ReadScheduler(clock, 'auto'));
  let durationMs = 0;
  let onThread = 0;
  const [readBlock, readBlockNow] = [reader.readBlockLater.bind(reader), reader.readBlockNow.bind(reader)];
  reader.readBlockLater = (index) => {
    clock.advance(durationMs);
    return readBlock(index);
  };
  reader.readBlockNow = (index) => {
    clock.advance(durationMs);
    onThread++;
    return readBlockNow(index);
  };
  const readMany = async (eachMs: number): Promise<number> => {
    durationMs = eachMs;
    onThread = 0;
    const source = loader.source(true);
    for (let i = 0; i < 200; i++)
      if (source.peek(reader, i % 3) === undefined) await source.load(reader, i % 3);
    return onThread;
  };
  expect(await readMany(5)).toBe(0);
  expect(await readMany(0.01)).toBeGreaterThan(150);
  expect(await readMany(5)).toBe(1);
  expect(await readMany(5)).toBe(0);
});

test('a block that another thread has shared is at hand, and verified', () => {
  const { picture, reader, shared, other } = openShared();
  const read = loaderOf(other);
  const block = read.source(true).loadNow(reader, 1);
  picture.storage.damage(tableFile(100), (file) => {
    file.fill(0xff);
    return undefined;
  });
  for (const fill of [false, true]) {
    const found = picture.blocks.source(fill).peek(reader, 1)!;
    expect([found.contents, found.file, found.offset]).toEqual([block.contents, block.file, block.offset]);
    expect(found.contents.buffer).toBeInstanceOf(ArrayBuffer);
    expect(picture.cache.blocks).toBe(0);
  }
  expect([picture.cache.misses, picture.cache.hits, shared.counters.hits]).toEqual([0, 2, 2]);
});

test('a walk finds what is shared on its way, and what is not there is not counted as missed', () => {
  const { picture, reader, shared, other } = openShared();
  const block = loaderOf(other).source(true).loadNow(reader, 1);
  for (const fill of [false, undefined, true]) {
    const source = picture.blocks.source(fill);
    expect(source.cached(reader, 1)!.contents).toEqual(block.contents);
    expect(source.cached(reader, 0)).toBeUndefined();
  }
  expect(shared.counters).toMatchObject({ hits: 3, misses: 0 });
  expect([picture.cache.hits, picture.cache.misses, picture.cache.blocks]).toEqual([3, 0, 0]);
});

test('what is read and kept is shared, and what is found is not shared again', async () => {
  const { picture, reader, shared, other } = openShared();
  const [filling, passing] = [picture.blocks.source(true), picture.blocks.source(false)];
  passing.loadNow(reader, 0);
  await passing.load(reader, 0);
  passing.blockOf(reader, passing.loadRunNow(reader, 0, 3), 2);
  expect(shared.counters.blocks).toBe(0);
  filling.loadNow(reader, 0);
  await filling.load(reader, 1);
  const walked = filling.blockOf(reader, filling.loadRunNow(reader, 0, 3), 2);
  expect(shared.counters.blocks).toBe(3);
  expect(other.get(reader.number, 2)).toEqual(walked.contents);
  // Of what a thread that has only the shared cache finds, nothing is put.
  const putInVain = vi.spyOn(other, 'put');
  const finder = loaderOf(other);
  expect(finder.source(true).peek(reader, 1)).toBeDefined();
  expect(putInVain).not.toHaveBeenCalled();
});

test('where reads on the thread cost no wait every block is at hand', () => {
  const { picture, reader } = open({ reads: 'direct' });
  expect(picture.blocks.source(true).peek(reader, 0)).toBeDefined();
  expect(picture.blocks.source(false).peek(reader, 1)).toBeDefined();
  expect(picture.cache.blocks).toBe(1);
});
