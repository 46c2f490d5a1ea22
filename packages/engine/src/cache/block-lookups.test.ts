/** What lookups get from a block loader: answers of blocks that they do not hold. */
import { MAX_SEQUENCE } from '@arena-level/common/base/limits';
import { runNow } from '@arena-level/common/base/steps';
import type { Block } from '@arena-level/common/block/block';
import type { BlockHit } from '@arena-level/common/block/block-lookup';
import { bloomHash } from '@arena-level/common/filter/bloom';
import { makeInternalKey } from '@arena-level/common/key/internal-key';
import { ValueKind } from '@arena-level/common/key/value-kind';
import { tableFile } from '@arena-level/common/storage/file-desc';
import { type LookupSource, NOT_AT_HAND } from '@arena-level/common/table/block-source';
import { handmadeTable, openNow } from '@arena-level/common/table/table.test-support';
import { BLOCKED, peekFromTable } from '@arena-level/common/table/table-lookup';
import type { TableReader } from '@arena-level/common/table/table-reader';
import { describe, expect, test, vi } from 'vitest';
import { entries } from '../iterator/entry-run.test-support.ts';
import { type PictureOptions, StorePicture } from '../read/store-picture.test-support.ts';
import { BlockCache } from './block-cache.ts';
import { BlockLoader } from './block-loader.ts';
import { FakeClock } from './fake-clock.test-support.ts';
import { ReadScheduler } from './read-scheduler.ts';
import { SharedBlockCache } from './shared/shared-block-cache.ts';
import { SharedCachePlace } from './shared/shared-cache-place.ts';

interface Opened {
  readonly picture: StorePicture;
  readonly blocks: BlockLoader;
  readonly reader: TableReader;
  readonly shared: SharedBlockCache;
  /** Of another thread. */
  readonly other: SharedBlockCache;
  /** How many blocks were read from the file on the thread. */
  readonly reads: () => number;
  /** Where the contents of such blocks lie. */
  readonly memories: () => ReadonlySet<ArrayBuffer>;
}

/** Keys key-100 … key-199, some to a block. */
const RUN = Array.from({ length: 100 }, (_, i) => entries(`key-${100 + i}#${i + 1}=value-${100 + i}`)).flat();

/** A table of them, and a shared cache. */
function open(options: PictureOptions = {}, capacityBytes = 1 << 20): Opened {
  const shared = SharedBlockCache.create(capacityBytes, 256);
  const picture = new StorePicture({ levels: [[RUN]] }, { shared, ...options });
  const reader = runNow(picture.tables.acquire(picture.levels[0]![0]!));
  const { blocks } = picture;
  const read = vi.spyOn(reader, 'readBlockNow');
  const other = new SharedBlockCache(shared.memory, 1);
  const memories = (): Set<ArrayBuffer> =>
    new Set(read.mock.results.map(({ value }) => (value as Block).contents.buffer));
  return { picture, blocks, reader, shared, other, reads: () => read.mock.calls.length, memories };
}

/** The last key of a block is one of which an index may not know all. */
const keysOf = (reader: TableReader, block: number): string[] =>
  Array.from({ length: 100 }, (_, i) => `key-${100 + i}`).filter(
    (key) => reader.findBlock(Buffer.from(key), 0, key.length, MAX_SEQUENCE) === block,
  );

function lookUp(
  reader: TableReader,
  source: LookupSource,
  key: string,
  sequence = MAX_SEQUENCE,
): BlockHit | undefined | typeof BLOCKED {
  const bytes = Buffer.from(key);
  return peekFromTable(reader, source, bytes, 0, bytes.length, sequence, bloomHash(bytes, 0, bytes.length));
}

function textOf(hit: BlockHit | undefined | typeof BLOCKED): string {
  if (typeof hit !== 'object') return String(hit?.toString());
  return Buffer.from(hit.valueBytes.subarray(hit.valueStart, hit.valueEnd)).toString();
}

const isOwn = (hit: BlockHit | undefined | typeof BLOCKED): boolean => typeof hit === 'object' && hit.isOwn;

const search = (source: LookupSource, reader: TableReader, block: number, key: string): unknown =>
  source.searchInPlace(reader, block, Buffer.from(key), 0, key.length, MAX_SEQUENCE);

/** Of a thread without a cache of its own. */
const loaderOf = (shared: SharedBlockCache): BlockLoader =>
  new BlockLoader(
    new BlockCache(0),
    new ReadScheduler(new FakeClock(), 'pool'),
    SharedCachePlace.holding(shared),
  );

/** All blocks go to the shared cache, by another thread, and the file cannot be read any more. */
function shareAll({ picture, reader, other }: Opened): void {
  const loader = loaderOf(other);
  for (let block = 0; block < reader.blocks; block++) loader.source(true).loadNow(reader, block);
  picture.storage.damage(tableFile(100), (file) => {
    file.fill(0xff);
    return undefined;
  });
}

describe('a lookup where there is a shared cache', () => {
  test.each([
    { fillCache: true, isBlocking: true },
    { fillCache: true, isBlocking: false },
    { fillCache: false, isBlocking: true },
    { fillCache: false, isBlocking: false },
  ])('searches its blocks where they lie, with $fillCache and $isBlocking', ({ fillCache, isBlocking }) => {
    const opened = open();
    const { picture, blocks, reader, shared } = opened;
    shareAll(opened);
    const copied = vi.spyOn(shared, 'get');
    const reads = opened.reads();
    const source = blocks.lookupSource(fillCache, isBlocking);
    for (let i = 100; i < 200; i++) {
      const hit = lookUp(reader, source, `key-${i}`);
      expect([textOf(hit), isOwn(hit)]).toEqual([`value-${i}`, true]);
    }
    expect([copied.mock.calls.length, picture.cache.blocks, opened.reads()]).toEqual([0, 0, reads]);
    expect([picture.cache.hits, picture.cache.misses, shared.counters.hits]).toEqual([100, 0, 100]);
    expect(lookUp(reader, source, 'key-150', 1), 'none so old').toBeUndefined();
  });

  test.each([
    { reads: 'direct', isBlocking: false },
    { reads: 'pool', isBlocking: true },
  ] as const)('keeps what it reads for all threads, and for itself nothing, with $reads reads', (by) => {
    const opened = open({ reads: by.reads });
    const { picture, blocks, reader, shared, other } = opened;
    const source = blocks.lookupSource(true, by.isBlocking);
    const first = keysOf(reader, 0)[1]!;
    const second = keysOf(reader, 1)[1]!;
    const hits = [first, second].map((key) => lookUp(reader, source, key));
    // The second was read into the memory of the first.
    expect(hits.map(textOf)).toEqual([first, second].map((key) => key.replace('key', 'value')));
    expect(hits.map(isOwn)).toEqual([true, true]);
    expect([opened.reads(), opened.memories().size]).toEqual([2, 1]);
    expect([shared.counters.blocks, picture.cache.blocks]).toEqual([2, 0]);
    const asked = Buffer.from(first);
    expect(other.find(reader.number, 0, asked, 0, asked.length, MAX_SEQUENCE)).toEqual(hits[0]);
    expect(lookUp(reader, source, first)).toEqual(hits[0]);
    expect([opened.reads(), picture.cache.blocks]).toEqual([2, 0]);
    expect([picture.cache.hits, picture.cache.misses]).toEqual([1, 2]);
    for (const block of [0, 1])
      expect(other.get(reader.number, block)).toEqual(reader.readBlockNow(block).contents);
  });

  test('keeps a block that is too large for it for itself, in memory of its own', () => {
    // A quarter of that is less than any of the blocks takes.
    const opened = open({ reads: 'direct' }, 1000);
    const { picture, blocks, reader, shared } = opened;
    const source = blocks.lookupSource(true, false);
    const keys = [0, 1, 2].map((block) => keysOf(reader, block)[0]!);
    for (const key of keys) expect(textOf(lookUp(reader, source, key))).toBe(key.replace('key', 'value'));
    expect([shared.counters.blocks, picture.cache.blocks, opened.reads()]).toEqual([0, 3, 3]);
    for (const key of keys) expect(textOf(lookUp(reader, source, key))).toBe(key.replace('key', 'value'));
    expect(opened.reads()).toBe(3);
    for (const block of [0, 1, 2]) {
      expect(source.cached(reader, block)!.contents).toEqual(reader.readBlockNow(block).contents);
    }
  });

  test('keeps nothing when it is not to fill caches, and its hits are copies all the same', () => {
    for (const [options, isBlocking] of [
      [{ reads: 'direct' }, false],
      [{ reads: 'pool' }, true],
    ] as const) {
      const opened = open(options);
      const { picture, blocks, reader, shared } = opened;
      const source = blocks.lookupSource(false, isBlocking);
      const keys = [0, 1, 2, 0].map((block) => keysOf(reader, block)[1]!);
      const hits = keys.map((key) => lookUp(reader, source, key));
      expect(hits.map(textOf)).toEqual(keys.map((key) => key.replace('key', 'value')));
      expect([opened.reads(), opened.memories().size]).toEqual([4, 1]);
      expect([shared.counters.blocks, picture.cache.blocks]).toEqual([0, 0]);
    }
  });

  test('that does not wait has nothing at hand of a block that only the file has', async () => {
    const opened = open();
    const { picture, blocks, reader, shared } = opened;
    for (const fillCache of [false, true]) {
      const source = blocks.lookupSource(fillCache, false);
      expect(search(source, reader, 1, keysOf(reader, 1)[0]!)).toBe(NOT_AT_HAND);
      expect(source.peek(reader, 1)).toBeUndefined();
      expect(lookUp(reader, source, keysOf(reader, 1)[0]!)).toBe(BLOCKED);
      expect(lookUp(reader, source, 'absent'), 'by the filter').toBeUndefined();
    }
    expect(opened.reads()).toBe(0);
    // Once it was waited for, it is there for all.
    const filling = blocks.lookupSource(true, false);
    await blocks.lookupSource(false, false).load(reader, 1);
    expect([shared.counters.blocks, picture.cache.blocks]).toEqual([0, 0]);
    await filling.load(reader, 1);
    filling.loadNow(reader, 2);
    expect([shared.counters.blocks, picture.cache.blocks]).toEqual([2, 0]);
    for (const block of [1, 2]) {
      const key = keysOf(reader, block)[0]!;
      expect(textOf(lookUp(reader, filling, key))).toBe(key.replace('key', 'value'));
    }
  });

  test('takes a copy of a block whose index does not tell, and keeps none of its own', () => {
    const literals = 'a#1=one k#8=new k#3=old z#7=last';
    const table = entries(literals);
    for (const fillCache of [true, false]) {
      const shared = SharedBlockCache.create(1 << 20, 256);
      const picture = new StorePicture({ levels: [[table]] }, { reads: 'direct', shared });
      const reader = runNow(picture.tables.acquire(picture.levels[0]![0]!));
      const source = picture.blocks.lookupSource(fillCache, false);
      picture.blocks.source(true).loadNow(reader, 0);
      expect(textOf(lookUp(reader, source, 'a'))).toBe('one');
      expect(picture.cache.blocks).toBe(0);
      for (const [sequence, value] of [
        [9, 'new'],
        [7, 'old'],
        [2, 'undefined'],
      ] as const) {
        expect(textOf(lookUp(reader, source, 'k', sequence)), `${sequence}`).toBe(value);
      }
      expect([picture.cache.blocks, picture.cache.hits, picture.cache.misses]).toEqual([0, 4, 1]);
    }
  });

  test('goes on into the next block where an index key lies between versions of a key, or before all', () => {
    const indexKeys = [5, 1].map((sequence) => makeInternalKey(Buffer.from('k'), sequence, ValueKind.Put));
    for (const [literals, newest] of [
      ['k#9=newer k#3=older', 'newer'],
      ['a#1=other k#3=older', 'older'],
    ] as const) {
      const reader = openNow(handmadeTable(entries(literals), indexKeys));
      const shared = SharedBlockCache.create(1 << 20, 256);
      const loader = loaderOf(shared);
      // From the file, then from the shared cache.
      for (let round = 0; round < 2; round++) {
        const source = loader.lookupSource(true, true);
        expect(textOf(lookUp(reader, source, 'k'))).toBe(newest);
        for (const sequence of [8, 5, 4, 3])
          expect(textOf(lookUp(reader, source, 'k', sequence))).toBe('older');
        expect(lookUp(reader, source, 'k', 2)).toBeUndefined();
      }
      expect(shared.counters.blocks).toBe(2);
    }
  });
});

test('where there is no shared cache a lookup searches nothing in place, and keeps what it reads', async () => {
  const picture = new StorePicture({ levels: [[RUN]] }, { reads: 'direct' });
  const { blocks } = picture;
  const reader = runNow(picture.tables.acquire(picture.levels[0]![0]!));
  const filling = blocks.lookupSource(true, true);
  expect(search(filling, reader, 0, keysOf(reader, 0)[0]!)).toBe(NOT_AT_HAND);
  const key = keysOf(reader, 0)[1]!;
  const hit = lookUp(reader, filling, key);
  expect([textOf(hit), isOwn(hit)]).toEqual([key.replace('key', 'value'), false]);
  const block = await filling.load(reader, 1);
  expect([filling.cached(reader, 1) === block, picture.cache.blocks]).toEqual([true, 2]);
  lookUp(reader, blocks.lookupSource(false, true), keysOf(reader, 2)[0]!);
  expect(picture.cache.blocks).toBe(2);
});
