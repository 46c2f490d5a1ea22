import { join } from 'node:path';
import type { ArenaLevel, IteratorOptions } from 'arena-level';
import { ClassicLevel } from 'classic-level';
import { describe, expect, onTestFinished, test } from 'vitest';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { openLevel } from './databases.ts';

type Options = IteratorOptions<string, string>;

async function fill(db: ArenaLevel | ClassicLevel, count: number, valueBytes = 100): Promise<void> {
  const operations = Array.from({ length: count }, (_, i) => ({
    type: 'put' as const,
    key: `k${String(i).padStart(5, '0')}`,
    value: String(i).padEnd(valueBytes, '.'),
  }));
  await db.batch(operations as never[]);
}

async function classicLevel(): Promise<ClassicLevel> {
  const db = new ClassicLevel(join(temporaryDirectory(), 'classic'));
  onTestFinished(() => db.close());
  await db.open();
  return db;
}

/** How many entries each call of nextv gives, to the end. */
async function sizesOf(db: ArenaLevel | ClassicLevel, options: Options, size: number): Promise<number[]> {
  const iterator = (db as ArenaLevel).iterator(options);
  const sizes: number[] = [];
  for (;;) {
    const entries = await iterator.nextv(size);
    if (entries.length === 0) break;
    sizes.push(entries.length);
  }
  await iterator.close();
  return sizes;
}

describe('nextv', () => {
  test.each([
    { options: {}, size: 1000 },
    { options: {}, size: 10 },
    { options: { highWaterMarkBytes: 0 }, size: 10 },
    { options: { highWaterMarkBytes: 106 }, size: 10 },
    { options: { highWaterMarkBytes: 105 }, size: 10 },
    { options: { highWaterMarkBytes: 1 << 20 }, size: 1000 },
    { options: { highWaterMarkBytes: 50_000, reverse: true, limit: 333 }, size: 1000 },
    { options: { keyEncoding: 'buffer', valueEncoding: 'view' }, size: 1000 },
    { options: { keys: false, highWaterMarkBytes: 1000 }, size: 1000 },
    { options: { values: false, highWaterMarkBytes: 1000 }, size: 1000 },
  ])('gives as many at a time as classic-level: $options, $size', async ({ options, size }) => {
    const [ours, theirs] = [await openLevel(), await classicLevel()];
    for (const db of [ours, theirs]) await fill(db, 500);
    expect(await sizesOf(ours, options as Options, size)).toEqual(
      await sizesOf(theirs, options as Options, size),
    );
  });

  test('and what was read ahead for next come in order, whatever is called', async () => {
    const db = await openLevel();
    await fill(db, 3000, 5);
    const iterator = db.keys({ highWaterMarkBytes: 1 << 20, limit: 2500 });
    const keys = [await iterator.next(), await iterator.next(), ...(await iterator.nextv(10))];
    keys.push(await iterator.next(), ...(await iterator.all()));
    expect(keys).toEqual(await db.keys({ limit: 2500 }).all());
  });
});

describe('range options', () => {
  test('at one end the inclusive one counts, as in classic-level', async () => {
    const [ours, theirs] = [await openLevel(), await classicLevel()];
    for (const db of [ours, theirs]) await fill(db, 9);
    const [low, mid, high] = ['k00001', 'k00004', 'k00007'];
    for (const options of [
      { gte: low, gt: mid },
      { gte: mid, gt: low },
      { lte: high, lt: mid },
      { lte: mid, lt: high },
      { gt: low, lt: high, reverse: true },
    ]) {
      expect(await ours.keys(options).all(), JSON.stringify(options)).toEqual(
        await theirs.keys(options).all(),
      );
    }
  });
});

describe('an iterator', () => {
  test('lets the event loop turn while it is awaited in a loop', async () => {
    const db = await openLevel();
    await fill(db, 50_000, 10);
    let turns = 0;
    let isDone = false;
    const turn = (): void => {
      turns++;
      if (!isDone) setImmediate(turn);
    };
    setImmediate(turn);
    for await (const _ of db.iterator()) expect(_).toBeDefined();
    isDone = true;
    expect(turns).toBeGreaterThan(10);
  });

  test('may be called again from its own answer many times', async () => {
    const db = await openLevel();
    await fill(db, 20_000, 1);
    const iterator = db.keys();
    const step = async (count: number): Promise<number> =>
      (await iterator.next()) === undefined ? count : step(count + 1);
    expect(await step(0)).toBe(20_000);
    await iterator.close();
  });

  test('ends early when its signal is aborted while it reads', async () => {
    const db = await openLevel();
    await fill(db, 100_000, 10);
    const aborter = new AbortController();
    const iterator = db.iterator({ signal: aborter.signal });
    const all = iterator.all();
    setImmediate(() => aborter.abort());
    await expect(all).rejects.toMatchObject({ code: 'LEVEL_ABORTED', name: 'AbortError' });
    await expect(iterator.next()).rejects.toMatchObject({ code: 'LEVEL_ITERATOR_NOT_OPEN' });
    expect(db.stats().iterators).toBe(0);
  });

  test.each([-1, 1.5, '16', Number.NaN])('refuses %j as its high-water mark', async (highWaterMarkBytes) => {
    const db = await openLevel();
    expect(() => db.iterator({ highWaterMarkBytes: highWaterMarkBytes as number })).toThrow(
      expect.objectContaining({ code: 'ARENA_INVALID_ARGUMENT' }),
    );
    expect(db.stats().iterators).toBe(0);
  });

  test.each([5, '', {}])('refuses %j as its signal', async (signal) => {
    const db = await openLevel();
    for (const open of [db.iterator, db.keys, db.values]) {
      expect(() => open.call(db, { signal: signal as AbortSignal })).toThrow(
        expect.objectContaining({
          code: 'ARENA_INVALID_ARGUMENT',
          message: expect.stringMatching(/'signal' must be an AbortSignal, not/),
        }),
      );
    }
    expect(db.stats().iterators).toBe(0);
    await db.iterator({ signal: null as never }).close();
  });

  test('sees the moment at which it was made', async () => {
    const db = await openLevel();
    await db.put('a', '1');
    const [entries, keys, values] = [db.iterator(), db.keys(), db.values({ keyEncoding: 'buffer' })];
    await db.batch([
      { type: 'put', key: 'b', value: '2' },
      { type: 'del', key: 'a' },
    ]);
    expect(await Promise.all([entries.all(), keys.all(), values.all()])).toEqual([
      [['a', '1']],
      ['a'],
      ['1'],
    ]);
  });

  test('gives text and bytes that are whole: astral characters, invalid UTF-8, nothing', async () => {
    const db = await openLevel();
    const values = ['', '𝕏 Ω é', '\ufeffbom'];
    for (const [i, value] of values.entries()) await db.put(`k${i}`, value);
    await db.put('k9', Buffer.from([0xff, 0x41]), { valueEncoding: 'buffer' });
    const expected = [...values, '\ufffdA'];
    for (const reverse of [false, true]) {
      const read = await db.values({ reverse }).all();
      expect(reverse ? read.reverse() : read).toEqual(expected);
    }
    expect(await db.getMany(['k0', 'k1', 'k2', 'k9', 'none'])).toEqual([...expected, undefined]);
    expect(expected.map((_, i) => db.getSync(['k0', 'k1', 'k2', 'k9'][i]!))).toEqual(expected);
  });

  test('refuses a snapshot of somebody else', async () => {
    const [db, other] = [await openLevel(), await openLevel()];
    const snapshot = other.snapshot();
    for (const call of [() => db.iterator({ snapshot }), () => db.getSync('a', { snapshot })]) {
      expect(call).toThrow(expect.objectContaining({ code: 'ARENA_INVALID_ARGUMENT' }));
    }
    await expect(db.get('a', { snapshot })).rejects.toMatchObject({ code: 'ARENA_INVALID_ARGUMENT' });
    await expect(db.clear({ snapshot })).rejects.toMatchObject({ code: 'ARENA_INVALID_ARGUMENT' });
  });
});

test('clear with a snapshot deletes what it sees, and no more', async () => {
  const db = await openLevel();
  await fill(db, 2500);
  const snapshot = db.snapshot();
  await db.put('k00000x', 'later');
  await db.put('k00001', 'changed');
  await db.clear({ snapshot, lt: 'k02000', limit: 1500 });
  expect((await db.keys({ limit: 2 }).all())[0]).toBe('k00000x');
  expect(await db.get('k00001')).toBeUndefined();
  expect(await db.keys().all()).toHaveLength(2500 - 1500 + 1);
});
