/** One directory, read and written by this engine and by LevelDB (classic-level), with a model of what it holds. */
import { type OpenOptions, open } from 'arena-level/engine';
import { ClassicLevel } from 'classic-level';
import { expect } from 'vitest';
import { hex, type Model } from './random-batches.ts';

const unhex = (text: string): Buffer => Buffer.from(text, 'hex');

/** Reads everything with this engine: forward, reverse, and key by key; it must be the model. */
export async function expectHere(directory: string, model: Model, options: OpenOptions = {}): Promise<void> {
  const store = await open(directory, { flush: 'inline', ...options });
  try {
    const forward = [...store.iterator()].map(([key, value]) => [hex(key), hex(value)]);
    const reverse = [...store.iterator({ reverse: true })].map(([key, value]) => [hex(key), hex(value)]);
    expectEntries(forward, model);
    expectEntries(reverse.reverse(), model);
    for (const [key, value] of model) {
      const found = store.getSync(unhex(key));
      if (found === undefined || hex(found) !== value)
        throw new Error(`get of ${key} does not give its value`);
    }
    expect(store.getSync(Buffer.from('no such key'))).toBeUndefined();
    expect((await store.verify()).differing).toEqual([]);
  } finally {
    await store.close();
  }
}

/** The same with LevelDB. */
export async function expectInLevelDb(directory: string, model: Model): Promise<void> {
  await withLevelDb(directory, async (db) => {
    const entries = async (reverse: boolean): Promise<string[][]> =>
      (await db.iterator({ reverse }).all()).map(([key, value]) => [hex(key), hex(value)]);
    expectEntries(await entries(false), model);
    expectEntries((await entries(true)).reverse(), model);
    const found = await db.getMany([...model.keys()].map(unhex));
    if (!found.every((value, i) => value !== undefined && hex(value) === [...model.values()][i])) {
      throw new Error('a get does not give the value of its key');
    }
  });
}

export async function withLevelDb(
  directory: string,
  use: (db: ClassicLevel<Uint8Array, Uint8Array>) => Promise<void>,
): Promise<void> {
  const db = new ClassicLevel<Uint8Array, Uint8Array>(directory, {
    createIfMissing: false,
    keyEncoding: 'view',
    valueEncoding: 'view',
    writeBufferSize: 64 * 1024,
  });
  await db.open();
  try {
    await use(db);
  } finally {
    await db.close();
  }
}

function expectEntries(found: readonly string[][], model: Model): void {
  const expected = [...model].sort(([left], [right]) => (left < right ? -1 : 1));
  // As one text each: arrays of this size make a failure unreadable, and slow.
  expect(found.length).toBe(expected.length);
  const at = found.findIndex(([key, value], i) => key !== expected[i]![0] || value !== expected[i]![1]);
  expect(at, `entry ${at}: ${found[at]?.[0]} instead of ${expected[at]?.[0]}`).toBe(-1);
}
