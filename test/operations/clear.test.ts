import { Prng } from '@arena-level/common/base/prng';
import { MemoryStorage } from '@arena-level/common/storage/memory-storage';
import { open, type Store } from 'arena-level/engine';
import { expect, test } from 'vitest';
import { type CrashState, crashStates, kindOf } from '../crash/crash-states.ts';
import { readContents } from '../crash/store-contents.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { seedFromEnvironment } from '../support/seed.ts';
import { bytes, key, text } from '../support/text-bytes.ts';

const SEED = seedFromEnvironment(20_261_126);
const OPTIONS = {
  flush: 'inline',
  compression: 'none',
  writeBufferSize: 4096,
  blockSize: 512,
  maxFileSize: 4096,
  level1Size: 8192,
  levelSizeMultiplier: 2,
} as const;

function openIn(memory: MemoryStorage): Promise<Store> {
  return open(memory.location, OPTIONS, { storage: memory, clock: new ManualClock() });
}

const name = (number: number): string => text(key(number));

async function write(store: Store, model: Map<string, string>, prng: Prng, count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    const number = prng.below(300);
    if (prng.oneIn(5)) {
      await store.del(key(number));
      model.delete(name(number));
    } else {
      const value = `${i}.${prng.below(1000)}`.padEnd(150, 'v');
      await store.put(key(number), bytes(value));
      model.set(name(number), value);
    }
  }
}

test(`random ranges over several levels, with snapshots and iterators open (seed ${SEED})`, async () => {
  const prng = new Prng(SEED);
  const memory = new MemoryStorage();
  let store = await openIn(memory);
  const model = new Map<string, string>();
  let dropped = 0;
  for (let round = 0; round < 40; round++) {
    await write(store, model, prng, 150);
    if (prng.oneIn(4)) await store.compactRange();
    const before = new Map(model);
    const snapshot = prng.oneIn(3) ? store.snapshot() : undefined;
    const iterator = store.iterator();
    const low = prng.below(300);
    const high = low + prng.below(300 - low) + 1;
    const limit = prng.oneIn(4) ? prng.below(20) : -1;
    const reverse = prng.oneIn(2);
    const doomed = [...model.keys()].filter((k) => k > name(low) && k <= name(high)).sort();
    if (reverse) doomed.reverse();
    for (const k of limit < 0 ? doomed : doomed.slice(0, limit)) model.delete(k);
    await store.clear({ gt: key(low), lte: key(high), limit, reverse });
    expect(readContents(store)).toEqual(new Map([...model].sort()));
    const seen = [...iterator].map(([k, v]) => [text(k), text(v)] as const);
    expect(new Map(seen)).toEqual(new Map([...before].sort()));
    if (snapshot !== undefined) {
      const kept = [...store.iterator({ snapshot })].map(([k, v]) => [text(k), text(v)] as const);
      expect(new Map(kept)).toEqual(new Map([...before].sort()));
      snapshot.close();
    }
    dropped += store.stats().clears.tables;
    if (prng.oneIn(6)) {
      await store.close();
      store = await openIn(memory);
      expect(readContents(store)).toEqual(new Map([...model].sort()));
    }
  }
  expect(dropped).toBeGreaterThan(20);
  expect((await store.verify()).differing).toEqual([]);
  await store.close();
});

test('a whole store is dropped unread, and what is put afterwards stays', async () => {
  const memory = new MemoryStorage();
  const store = await openIn(memory);
  const model = new Map<string, string>();
  await write(store, model, new Prng(SEED), 400);
  await store.compactRange();
  const { levels } = store.stats();
  const tables = levels.reduce((sum, level) => sum + level.tables, 0);
  const cleared = store.clear();
  await cleared;
  await store.put(key(1), bytes('new'));
  expect(store.stats().clears).toMatchObject({ count: 1, tables, tombstones: 0 });
  expect(readContents(store)).toEqual(new Map([[name(1), 'new']]));
  expect((await store.masterRoot()).tables).toBe(0);
  await store.close();
});

test(`a crash leaves each key as it was or gone (seed ${SEED})`, async () => {
  const prng = new Prng(SEED);
  const memory = new MemoryStorage();
  const store = await openIn(memory);
  const model = new Map<string, string>();
  await write(store, model, prng, 500);
  await store.compactRange();
  await write(store, model, prng, 200);
  await store.flush();
  const from = memory.trace.entries.length;
  await store.clear({ gte: key(50), lt: key(250) });
  expect(store.stats().clears.tables).toBeGreaterThan(0);
  expect(store.stats().clears.tombstones).toBeGreaterThan(0);
  await store.close();
  const options = {
    draws: 1,
    oneIn: 1,
    isWanted: (position: number) => position >= from,
    mark: (_: number, kind: string) => kind,
  };
  let states = 0;
  for (const state of crashStates(memory.trace, options, prng)) {
    states++;
    await checkCrash(state, model);
  }
  expect(states).toBeGreaterThan(10);
});

async function checkCrash({ position, loss, files }: CrashState, model: Map<string, string>): Promise<void> {
  const store = await openIn(new MemoryStorage({ files }));
  const contents = readContents(store);
  await store.close();
  const where = `after ${position} operations, ${loss} (${kindOf(loss)})`;
  for (const [k, value] of model) {
    const isInRange = k >= name(50) && k < name(250);
    if (!isInRange || contents.has(k)) expect(contents.get(k), `${k} ${where}`).toBe(value);
  }
  for (const k of contents.keys()) expect(model.has(k), `${k} came back ${where}`).toBe(true);
}

test('a snapshot that is opened while tables are being dropped sees one state throughout', async () => {
  for (let turns = 0; turns < 12; turns++) {
    const store = await openIn(new MemoryStorage());
    await write(store, new Map(), new Prng(SEED), 300);
    await store.compactRange();
    const cleared = store.clear();
    for (let turn = 0; turn < turns; turn++) await new Promise(setImmediate);
    const snapshot = store.snapshot();
    const seen = [...store.iterator({ snapshot })].length;
    await cleared;
    expect([...store.iterator({ snapshot })], `after ${turns} turns`).toHaveLength(seen);
    expect(readContents(store).size).toBe(0);
    snapshot.close();
    await store.close();
  }
});

test('writes that come meanwhile are there or deleted, and those outside stay', async () => {
  const store = await openIn(new MemoryStorage());
  await write(store, new Map(), new Prng(SEED), 400);
  const cleared = store.clear({ gte: key(50), lt: key(250) });
  const writes = Array.from({ length: 300 }, (_, i) => store.put(key(i), bytes('new'.padEnd(150))));
  await Promise.all([cleared, ...writes]);
  const contents = readContents(store);
  for (let i = 0; i < 300; i++) {
    const found = contents.get(name(i))?.trim();
    if (i < 50 || i >= 250) expect(found).toBe('new');
    else expect([undefined, 'new']).toContain(found);
  }
  await store.close();
});
