import { once } from 'node:events';
import { Readable, Transform } from 'node:stream';
import { finished, pipeline } from 'node:stream/promises';
import { MemoryStorage } from '@arena-level/common/storage/memory-storage';
import { open, type Store } from 'arena-level/engine';
import {
  entryStream,
  ingestStream,
  keyStream,
  valueStream,
  webEntryStream,
  webIngestStream,
  webKeyStream,
  webValueStream,
} from 'arena-level/streams';
import { ClassicLevel } from 'classic-level';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readContents } from '../crash/store-contents.ts';
import { settle } from '../support/eventually.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { bytes, key, text } from '../support/text-bytes.ts';

const RECORDS = 2000;
const valueAt = (i: number): Uint8Array => bytes(`value ${i}`);

let store: Store;
beforeEach(async () => {
  const storage = new MemoryStorage();
  store = await open(storage.location, { flush: 'inline', writeBufferSize: 16 * 1024 }, { storage });
  await store.batch(
    Array.from({ length: RECORDS }, (_, i) => ({ type: 'put', key: key(i), value: valueAt(i) })),
  );
});
afterEach(() => store.close());

const openIterators = (): number => store.stats().iterators;

type Entry = [Uint8Array, Uint8Array];
const texts = ([k, v]: Entry): [string, string] => [text(k), text(v)];
const expected = (from: number, to: number): [string, string][] =>
  Array.from({ length: to - from }, (_, i) => [text(key(from + i)), `value ${from + i}`]);

async function collect<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const each of stream) all.push(each);
  return all;
}

describe.each([
  ['node', entryStream, keyStream, valueStream],
  ['web', webEntryStream, webKeyStream, webValueStream],
] as const)('read streams (%s)', (_form, entries, keys, values) => {
  test('give entries, keys and values, in order, and close their iterators at the end', async () => {
    expect((await collect<Entry>(entries(store))).map(texts)).toEqual(expected(0, RECORDS));
    expect((await collect<Uint8Array>(keys(store))).map((each) => text(each))).toEqual(
      expected(0, RECORDS).map(([each]) => each),
    );
    expect((await collect<Uint8Array>(values(store))).map((each) => text(each))).toEqual(
      expected(0, RECORDS).map(([, each]) => each),
    );
    expect(openIterators()).toBe(0);
  });

  test('take ranges, limits, directions and snapshots', async () => {
    const snapshot = store.snapshot();
    await store.put(key(15), bytes('later'));
    const range = { gte: key(10), lt: key(20) };
    const read = async (options: object): Promise<[string, string][]> =>
      (await collect<Entry>(entries(store, options))).map(texts);
    expect(await read({ ...range, snapshot })).toEqual(expected(10, 20));
    expect((await read(range))[5]).toEqual([text(key(15)), 'later']);
    expect(await read({ ...range, snapshot, reverse: true, limit: 3 })).toEqual(expected(17, 20).reverse());
    expect(await read({ gt: key(RECORDS) })).toEqual([]);
    snapshot.close();
  });

  test('are of the moment of the call', async () => {
    const stream = keys(store);
    await store.clear();
    expect(await collect<Uint8Array>(stream)).toHaveLength(RECORDS);
  });

  test('close their iterators when a loop over them is left', async () => {
    for await (const each of keys(store) as AsyncIterable<Uint8Array>) {
      expect(text(each)).toBe(text(key(0)));
      break;
    }
    await settle();
    expect(openIterators()).toBe(0);
  });

  test('end with an abort signal, before and in the middle', async () => {
    await expect(collect(keys(store, { signal: AbortSignal.abort() }))).rejects.toMatchObject({
      code: 'LEVEL_ABORTED',
    });
    const abort = new AbortController();
    let seen = 0;
    const reading = (async () => {
      for await (const _ of keys(store, {
        signal: abort.signal,
        highWaterMark: 10,
      }) as AsyncIterable<unknown>) {
        if (++seen === 100) abort.abort();
      }
    })();
    await expect(reading).rejects.toMatchObject({ code: 'LEVEL_ABORTED' });
    expect(seen).toBeLessThan(RECORDS);
    await settle();
    expect(openIterators()).toBe(0);
  });

  test('fail with the error of the store', async () => {
    const stream = keys(store, { highWaterMark: 1 });
    await store.close();
    await expect(collect(stream as AsyncIterable<unknown>)).rejects.toMatchObject({
      code: expect.stringMatching(/^LEVEL_/),
    });
  });

  test('refuse options that are none', () => {
    expect(() => entries(store, { highWaterMark: 0 })).toThrow(/'highWaterMark' must be an integer from 1/);
    expect(() => entries(store, { signal: 1 as never })).toThrow(/'signal' must be an AbortSignal/);
    expect(() => entries(store, { gte: 'a string' as never })).toThrow(/'gte' must be a Uint8Array/);
    expect(() => entries(store, { limmit: 1 } as never)).toThrow(/limmit/);
    expect(openIterators()).toBe(0);
  });
});

test('a read stream reads no further ahead than asked for', async () => {
  let asked = 0;
  const source = {
    iterator: () => ({
      nextv: async (size: number): Promise<[number, number][]> => {
        asked += size;
        return Array.from({ length: size }, (_, i) => [i, i] as [number, number]);
      },
      close: () => {},
    }),
  };
  const node = entryStream<number, number>(source, { highWaterMark: 10 });
  await once(node, 'readable');
  await settle();
  expect(asked).toBeLessThanOrEqual(20);
  node.destroy();
  asked = 0;
  const web = webEntryStream<number, number>(source, { highWaterMark: 10 });
  await settle();
  expect(asked).toBe(10);
  await web.cancel();
});

test('a read stream that is destroyed while it reads closes its iterator, once', async () => {
  let closes = 0;
  let answer: (entries: [number, number][]) => void = () => {};
  const source = {
    iterator: () => ({
      nextv: () => new Promise<[number, number][]>((resolve) => (answer = resolve)),
      close: async () => void closes++,
    }),
  };
  const node = entryStream<number, number>(source);
  node.resume();
  await settle();
  node.destroy();
  answer([[1, 1]]);
  await finished(node).catch(() => {});
  await settle();
  expect(closes).toBe(1);
  const web = webEntryStream<number, number>(source);
  await settle();
  await web.cancel();
  answer([[1, 1]]);
  await settle();
  expect(closes).toBe(2);
});

test('entries go from one store through a transform to another, on Node and on the web', async () => {
  const storage = new MemoryStorage();
  const other = await open(storage.location, { flush: 'inline' }, { storage });
  const upper = new Transform({
    objectMode: true,
    transform: ([k, v]: Entry, _encoding, done) =>
      done(null, { key: k, value: bytes(text(v).toUpperCase()) }),
  });
  await pipeline(entryStream(store, { lt: key(100) }), upper, ingestStream(other));
  expect([...readContents(other)]).toEqual(expected(0, 100).map(([k, v]) => [k, v.toUpperCase()]));
  await webEntryStream(store, { gte: key(100) }).pipeTo(webIngestStream(other));
  expect(readContents(other).size).toBe(RECORDS);
  await other.close();
});

test('a sublevel of classic-level reads and stores as a store does', async () => {
  const level = new ClassicLevel<string, string>(temporaryDirectory());
  const sublevel = level.sublevel('letters');
  await pipeline(
    Readable.from(['a', 'b', 'c'].map((letter) => [letter, letter.toUpperCase()])),
    ingestStream<string, string>(sublevel),
  );
  expect(await collect(entryStream<string, string>(sublevel, { gte: 'b' }))).toEqual([
    ['b', 'B'],
    ['c', 'C'],
  ]);
  expect(await collect(webKeyStream<string, string>(sublevel))).toEqual(['a', 'b', 'c']);
  expect(await collect(valueStream<string, string>(sublevel, { reverse: true, limit: 1 }))).toEqual(['C']);
  await level.close();
});
