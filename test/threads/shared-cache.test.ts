import { open as openFile } from 'node:fs/promises';
import { Worker } from 'node:worker_threads';
import { KIB } from '@arena-level/common/base/limits';
import { ErrorCode, type OpenOptions, type Store } from 'arena-level/engine';
import { describe, expect, onTestFinished, test } from 'vitest';
import { OWNER, PARTICIPANTS } from '../../packages/engine/src/cache/shared/cache-layout.ts';
import { SharedBlockCache } from '../../packages/engine/src/cache/shared/shared-block-cache.ts';
import { MAX_THREADS } from '../../packages/engine/src/threads/control/control-layout.ts';
import { cacheParticipant } from '../../packages/engine/src/threads/control/handle.ts';
import { bundleForNode } from '../support/bundle.ts';
import { key, text } from '../support/text-bytes.ts';
import { ReaderThread } from './reader-thread.ts';
import type { SharedCacheTask } from './shared-cache.program.ts';
import type { HammerReport } from './shared-cache-blocks.ts';
import { nextEvent, openStore, put, tableFiles } from './sharing-store.ts';

const SEED = Number(process.env['SEED'] ?? 20_261_126);
const THREADS = 3;
const STEPS = 60_000;

let program: Promise<string> | undefined;

async function start(task: SharedCacheTask): Promise<Worker> {
  program ??= bundleForNode(new URL('shared-cache.program.ts', import.meta.url));
  const path = await program;
  const transferList = task.kind === 'hammer' ? [] : [task.handle.port];
  const worker = new Worker(path, { workerData: task, transferList });
  onTestFinished(async () => void (await worker.terminate()));
  return worker;
}

function reportOf(worker: Worker): Promise<HammerReport> {
  return new Promise((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  });
}

test(`threads that find and push out each other's blocks get each, and each value in it, as it is, or not at all (seed ${SEED})`, async () => {
  const { memory } = SharedBlockCache.create(64 * KIB, 4 * KIB);
  const begin = new SharedArrayBuffer(4);
  const common = { kind: 'hammer', memory, begin, threads: THREADS, steps: STEPS } as const;
  const workers = await Promise.all(
    Array.from({ length: THREADS }, (_, i) => start({ ...common, participant: i, seed: SEED + i })),
  );
  const reports = await Promise.all(workers.map(reportOf));
  for (const { found, answered, absent, wrong } of reports) {
    expect(wrong, `seed ${SEED}`).toEqual([]);
    expect(found + answered + absent).toBe(STEPS);
    for (const count of [found, answered, absent]) expect(count).toBeGreaterThan(STEPS / 100);
  }
});

/** All of the memory for blocks is shared. */
const shared = (bytes: number): OpenOptions => ({ cacheSize: bytes, sharedCacheSize: bytes });

/** A store with one table, which no cache knows; the private cache of its owner keeps nothing. */
async function openWithTable(options: OpenOptions = {}): Promise<Store> {
  const store = await openStore({ ...shared(64 * KIB), blockSize: 256, ...options });
  for (let i = 0; i < 60; i++) put(store, text(key(i)), `value ${i}`);
  await store.flush();
  return store;
}

/** From here on a block that is read from a table of the store is found to be damaged. */
async function damageTables(store: Store): Promise<void> {
  for (const path of tableFiles(store)) {
    const file = await openFile(path, 'r+');
    await file.write(Buffer.alloc(600, 0xff), 0, 600, 0);
    await file.close();
  }
}

const DAMAGED = { code: ErrorCode.Corruption };

describe('a block that one thread has read', () => {
  test('is found by the others without a read', async () => {
    const store = await openWithTable();
    const threads = await Promise.all([1, 2].map(() => ReaderThread.start(store)));
    // The one block goes to all; the table's index is read by each.
    expect(text(store.getSync(key(3))!)).toBe('value 3');
    for (const thread of threads) await thread.call('has', 'k000059');
    await damageTables(store);
    for (const thread of threads) expect(await thread.call('getSync', 'k000003')).toBe('value 3');
    expect(await threads[0]!.call('getMany', ['k000003', 'k000004'])).toEqual(['value 3', 'value 4']);
    expect(store.stats().sharedCache.hits).toBeGreaterThanOrEqual(2);
    await expect(threads[0]!.call('getSync', 'k000020')).rejects.toMatchObject(DAMAGED);
  });

  test('is found by the owner without a read', async () => {
    const store = await openWithTable();
    const thread = await ReaderThread.start(store);
    expect(await thread.call('get', 'k000003')).toBe('value 3');
    expect(text(store.getSync(key(59))!)).toBe('value 59');
    await damageTables(store);
    expect(text(store.getSync(key(3))!)).toBe('value 3');
    expect(text((await store.get(key(3)))!)).toBe('value 3');
    const iterator = store.iterator({ gte: key(3), lt: key(4) });
    expect([...iterator].map(([, value]) => text(value))).toEqual(['value 3']);
    expect(() => store.getSync(key(20))).toThrow(expect.objectContaining(DAMAGED));
  });

  test('is read by each where they share nothing', async () => {
    const store = await openWithTable(shared(0));
    const thread = await ReaderThread.start(store);
    expect(text(store.getSync(key(3))!)).toBe('value 3');
    await thread.call('has', 'k000059');
    await damageTables(store);
    await expect(thread.call('getSync', 'k000003')).rejects.toMatchObject(DAMAGED);
    expect(store.stats().sharedCache).toEqual({ bytes: 0, blocks: 0, hits: 0, misses: 0, hitRate: 0 });
  });

  test('is kept for nobody who reads without filling caches', async () => {
    const store = await openWithTable();
    const thread = await ReaderThread.start(store);
    store.getSync(key(3), { fillCache: false });
    expect(store.stats().sharedCache).toMatchObject({ blocks: 0, misses: 1 });
    await thread.call('getSync', 'k000003');
    expect(store.stats().sharedCache).toMatchObject({ blocks: 1, misses: 2 });
    store.getSync(key(3), { fillCache: false });
    expect(store.stats().sharedCache).toMatchObject({ blocks: 1, hits: 1, misses: 2, hitRate: 1 / 3 });
  });
});

test('there is one from the first block on that is kept, and it stays when the last thread leaves', async () => {
  const store = await openWithTable();
  store.getSync(key(3), { fillCache: false });
  expect(store.stats().sharedCache).toMatchObject({ bytes: 0, blocks: 0, misses: 0 });
  store.getSync(key(3));
  expect(store.stats().sharedCache).toMatchObject({ blocks: 1, hits: 0 });
  const thread = await ReaderThread.start(store);
  await thread.call('getSync', 'k000003');
  expect(store.stats().sharedCache).toMatchObject({ blocks: 1, hits: 1 });
  const left = nextEvent(store, 'thread-left');
  await thread.call('close');
  await left;
  store.getSync(key(3));
  expect(store.stats().sharedCache).toMatchObject({ blocks: 1, hits: 2 });
});

test('its memory is part of what the store says it takes, and is let go of when it closes', async () => {
  const store = await openWithTable();
  await (await ReaderThread.start(store)).call('getSync', 'k000003');
  const { arenas, blockCache, sharedCache } = store.stats();
  expect(sharedCache.bytes).toBeGreaterThan(256);
  expect(store.getProperty('leveldb.approximate-memory-usage')).toBe(
    String(arenas.bytes + blockCache.bytes + sharedCache.bytes),
  );
  await store.close();
  expect(store.stats().sharedCache).toMatchObject({ bytes: 0, blocks: 0 });
});

describe('the cache that a thread has for itself', () => {
  /** Each in a block of its own, of which the shared cache takes none. */
  const VALUE = 'v'.repeat(16 * KIB);
  const SHARED = 32 * KIB;

  /** How many of so many values a thread did not have for itself when it read all of them for the second time. */
  async function missing(values: number, ownOfStore: number): Promise<number> {
    const cacheSize = SHARED + ownOfStore;
    const store = await openStore({ writeBufferSize: 8192 * KIB, cacheSize, sharedCacheSize: SHARED });
    const names = Array.from({ length: values }, (_, i) => text(key(i)));
    for (const name of names) put(store, name, VALUE);
    await store.flush();
    const thread = await ReaderThread.start(store);
    await thread.call('hasMany', names);
    const before = store.stats().sharedCache.misses;
    await thread.call('hasMany', names);
    return store.stats().sharedCache.misses - before;
  }

  test('takes what is too large to be shared: 4 MiB by default, and no more than the owner has for that', async () => {
    expect(await missing(192, 65_536 * KIB)).toBe(0);
    // What is read in turns, and does not fit, is never there.
    expect(await missing(384, 65_536 * KIB)).toBeGreaterThan(100);
    expect(await missing(192, 1024 * KIB)).toBeGreaterThan(100);
  });
});

test('there is a place in the cache for the owner and for every thread there can be', () => {
  expect(cacheParticipant(0)).toBe(OWNER + 1);
  expect(cacheParticipant(MAX_THREADS - 1)).toBe(PARTICIPANTS - 1);
});

test('a thread that is terminated in the middle of adding leaves a cache that takes blocks again', async () => {
  const store = await openWithTable(shared(1024 * KIB));
  const flag = new SharedArrayBuffer(8);
  const worker = await start({ kind: 'die with locks', handle: store.share(), flag });
  Atomics.wait(new Int32Array(flag), 0, 0);
  expect(text(store.getSync(key(3))!)).toBe('value 3');
  expect(store.stats().sharedCache).toMatchObject({ blocks: 0, misses: 1 });
  const left = nextEvent(store, 'thread-left');
  await worker.terminate();
  await left;
  for (const hits of [0, 1]) {
    expect(text(store.getSync(key(3))!)).toBe('value 3');
    expect(store.stats().sharedCache).toMatchObject({ blocks: 1, hits });
  }
});
