import { expect, test } from 'vitest';
import { ReaderThread } from './reader-thread.ts';
import { areThere, openStore, overwrite, put, tableFiles, whenever } from './sharing-store.ts';

test('a loop that never yields sees each write, through rotations, flushes and compactions', async () => {
  const store = await openStore();
  const thread = await ReaderThread.start(store);
  for (let round = 0; round < 30; round++) {
    const seen = thread.call('waitFor', 'key', `value ${round}`);
    await overwrite(store, 1 + (round % 3));
    if (round % 5 === 0) await store.flush();
    put(store, 'key', `value ${round}`);
    expect(await seen).toBeGreaterThan(0);
  }
});

test('a write is seen as soon as it is acknowledged, after any number of changes that nobody looked at', async () => {
  const store = await openStore({ maxIdleArenas: 0 });
  const thread = await ReaderThread.start(store);
  await thread.call('attach');
  for (const rounds of [1, 5, 60]) {
    thread.block();
    await overwrite(store, rounds);
    await store.flush();
    put(store, 'last', `${rounds}`);
    thread.raise();
    expect(await thread.call('getSync', 'last')).toBe(`${rounds}`);
    expect(await thread.call('entries', { gte: 'k000018', lt: 'l' })).toEqual([
      `k000018=round ${rounds}`,
      `k000019=round ${rounds}`,
    ]);
    thread.lower();
  }
});

test('a thread with more new arenas before it than its port takes asks for those that it needs', async () => {
  const store = await openStore({ maxIdleArenas: 0, autoCompaction: false });
  const thread = await ReaderThread.start(store);
  await thread.call('attach');
  const read = thread.call('blockAndRead', 'last');
  thread.whenBlocked();
  await overwrite(store, 40);
  put(store, 'last', 'value');
  await store.flush();
  thread.raise();
  expect(await read).toBe('value');
});

test('lists that outgrow the memory of the catalog are found, also by a thread that missed many of them', async () => {
  const store = await openStore({ autoCompaction: false });
  const [awake, blocked] = [await ReaderThread.start(store), await ReaderThread.start(store)];
  await blocked.call('getSync', 'key');
  blocked.block();
  const long = 'x'.repeat(1000);
  for (let i = 0; i < 40; i++) {
    put(store, `${long}${i}a`, `${i}`);
    put(store, `${long}${i}z`, `${i}`);
    await store.flush();
    if (i % 10 === 0) expect(await awake.call('getSync', `${long}${i}z`)).toBe(`${i}`);
  }
  blocked.raise();
  for (const thread of [awake, blocked]) {
    for (const i of [0, 20, 39]) expect(await thread.call('getSync', `${long}${i}a`)).toBe(`${i}`);
  }
});

test('a thread that neither turns nor reads keeps what it may be reading, and no more', async () => {
  const store = await openStore({ autoCompaction: false });
  const thread = await ReaderThread.start(store);
  await overwrite(store, 2);
  await store.flush();
  expect(await thread.call('getSync', 'k000001')).toBe('round 2');
  const files = tableFiles(store);
  thread.block();
  await store.compactRange();
  await overwrite(store, 20);
  await store.flush();
  expect(areThere(files)).toBe(true);
  const { arenas, threads } = store.stats();
  expect(threads).toMatchObject({ attached: 1, heldViews: 1, revoked: 0 });
  // The active one, and those that are in the view that is kept.
  expect(arenas.inUse).toBeLessThanOrEqual(4);
  thread.raise();
  await whenever(() => store.stats().threads.heldViews === 0 && files.every((file) => !areThere([file])));
  expect(await thread.call('getSync', 'k000001')).toBe('round 20');
});

test('a thread that does nothing holds nothing back', async () => {
  const store = await openStore();
  const thread = await ReaderThread.start(store);
  await overwrite(store, 1);
  expect(await thread.call('getSync', 'k000001')).toBe('round 1');
  await overwrite(store, 10);
  await store.compactRange();
  await whenever(() => store.stats().threads.heldViews === 0);
  expect(store.stats().threads).toMatchObject({ handles: 1, attached: 1, heldViews: 0, revoked: 0 });
});

test('an iterator in a thread sees one moment, and keeps the files it reads', async () => {
  const store = await openStore({ autoCompaction: false });
  const thread = await ReaderThread.start(store);
  await overwrite(store, 3);
  await store.flush();
  put(store, 'k000005', 'in the MemDB');
  await thread.call('openIterator', {});
  expect(await thread.call('next', 2)).toEqual(['k000000=round 3', 'k000001=round 3']);
  const files = tableFiles(store);
  await store.clear();
  await overwrite(store, 20);
  await store.compactRange();
  expect(await thread.call('getSync', 'k000002')).toBe('round 20');
  expect(areThere(files)).toBe(true);
  const rest = (await thread.call('next', 100)) as string[];
  expect(rest).toHaveLength(18);
  expect(rest[3]).toBe('k000005=in the MemDB');
  expect(rest.filter((entry) => !entry.endsWith('=round 3'))).toHaveLength(1);
  await thread.call('closeIterator');
  await whenever(() => files.every((file) => !areThere([file])));
});

test('more iterators than there are pins, each over a moment of its own', async () => {
  const store = await openStore({ autoCompaction: false });
  const thread = await ReaderThread.start(store);
  const rounds = 40;
  for (let round = 0; round < rounds; round++) {
    put(store, 'key', `value ${round}`);
    await thread.call('openIterator', {}, `${round}`);
    await store.flush();
  }
  await store.compactRange();
  const files = tableFiles(store);
  for (let round = 0; round < rounds; round++) {
    expect(await thread.call('next', 10, `${round}`)).toEqual([`key=value ${round}`]);
    await thread.call('closeIterator', `${round}`);
  }
  await whenever(() => store.stats().threads.heldViews === 0);
  expect(areThere(files)).toBe(true);
});

test('arenas are reused while threads read, and none that a thread may be reading', async () => {
  const store = await openStore();
  const thread = await ReaderThread.start(store);
  await thread.call('getSync', 'key');
  for (let round = 0; round < 20; round++) {
    await overwrite(store, 5);
    expect(await thread.call('getSync', 'k000007')).toBe('round 5');
  }
  const { inUse, idle, preparing } = store.stats().arenas;
  expect(inUse + idle + preparing).toBeLessThanOrEqual(8);
});
