/** What a store tells of the threads that are attached to it. */
import { ErrorCode } from 'arena-level/engine';
import { collect } from 'arena-level/prometheus';
import client from 'prom-client';
import { expect, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { ReaderThread } from '../threads/reader-thread.ts';
import { nextEvent, openStore, overwrite, put, whenever } from '../threads/sharing-store.ts';
import { Listening } from './listening.ts';

const CHANNEL = 'arena-level:thread';

test('the channel of threads tells how long each was attached, and how it ended', async () => {
  const store = await openStore();
  const listening = new Listening();
  const names = ['detaches', 'dies', 'stays'] as const;
  const threads = await Promise.all(names.map((name) => ReaderThread.start(store, { name })));
  for (const thread of threads) await thread.call('attach');
  await whenever(() => store.stats().threads.attached === 3);
  expect(listening.of(CHANNEL)).toMatchObject(
    names.map((name, i) => ({
      phase: 'begin',
      location: store.location,
      reason: 'attached',
      name,
      thread: threads[i]!.worker.threadId,
    })),
  );
  await threads[0]!.call('close');
  await whenever(() => store.stats().threads.handles === 2);
  await threads[1]!.worker.terminate();
  await whenever(() => store.stats().threads.handles === 1);
  await store.close();
  await eventually(() => listening.of(CHANNEL).length === 6);
  expect(listening.of(CHANNEL).slice(3)).toMatchObject([
    { phase: 'end', outcome: 'detached', name: 'detaches', revoked: 0 },
    { phase: 'end', outcome: 'ended', name: 'dies' },
    { phase: 'end', outcome: 'closed', name: 'stays' },
  ]);
  listening.expectPairs();
});

test('a thread that is given up is trouble, and told of when it ends; a metric counts it', async () => {
  const store = await openStore();
  const register = new client.Registry();
  collect(store, { register, labels: { store: 'a' } });
  const listening = new Listening(['arena-level:error', CHANNEL]);
  const thread = await ReaderThread.start(store, { name: 'report', stallMs: 100 });
  await thread.call('snapshot', 'one');
  thread.block();
  const revoked = nextEvent(store, 'thread-revoked');
  await overwrite(store, 3);
  await revoked;
  await eventually(() => listening.of('arena-level:error').length === 2);
  expect(listening.of('arena-level:error')).toMatchObject([
    { phase: 'begin', reason: 'thread', error: { code: ErrorCode.ThreadRevoked } },
    { phase: 'end', reason: 'thread', outcome: 'passed' },
  ]);
  expect(listening.of('arena-level:error')[0]!.error!.message).toMatch(/^report kept 1 snapshots/);
  const text = await register.metrics();
  expect(text).toContain('arena_level_thread_revocations_total{store="a"} 1\n');
  expect(text).toContain('arena_level_errors_total{store="a",reason="thread"} 1\n');
  await thread.worker.terminate();
  await whenever(() => store.stats().threads.handles === 0);
  await eventually(() => listening.of(CHANNEL).length === 2);
  expect(listening.of(CHANNEL)[1]).toMatchObject({ outcome: 'ended', revoked: 1 });
});

test('stats and metrics have the memory of rings and lists, and what came through the rings', async () => {
  const store = await openStore();
  const register = new client.Registry();
  collect(store, { register, labels: { store: 'a' } });
  const metric = async (name: string, labels = ''): Promise<number> => {
    const line = (await register.metrics())
      .split('\n')
      .find((each) => each.startsWith(`${name}{store="a"${labels}}`));
    return Number(line!.slice(line!.lastIndexOf(' ')));
  };
  const none = {
    count: 0,
    memoryBytes: 0,
    waitingBytes: 0,
    unwrittenBytes: 0,
    frames: 0,
    entries: 0,
    bytes: 0,
  };
  expect(store.stats()).toMatchObject({ rings: none, threads: { sharedBytes: 0 } });
  put(store, 'own', 'is in no ring');
  const threads = await Promise.all(
    [4096, 65_536].map((ringSize) => ReaderThread.start(store, { ringSize })),
  );
  await threads[0]!.call('put', 'key', 'value');
  await threads[1]!.call('putSync', 'longer key', 'value');
  const { rings, threads: attached } = store.stats();
  // Header and control words of each ring come on top.
  expect(rings).toEqual({
    ...none,
    count: 2,
    memoryBytes: expect.toSatisfy((bytes: number) => bytes >= 69_632 && bytes < 69_632 + 256),
    frames: 2,
    entries: 2,
    bytes: 'key'.length + 'longer key'.length + 2 * ('value'.length + 3),
  });
  expect(attached.sharedBytes).toBeGreaterThan(16_384);
  expect(await metric('arena_level_threads')).toBe(2);
  expect(await metric('arena_level_thread_handles')).toBe(2);
  expect(await metric('arena_level_thread_shared_bytes', ',kind="rings"')).toBe(rings.memoryBytes);
  expect(await metric('arena_level_thread_shared_bytes', ',kind="lists"')).toBe(attached.sharedBytes);
  expect(await metric('arena_level_ring_frames_total')).toBe(2);
  expect(await metric('arena_level_ring_entries_total')).toBe(2);
  expect(await metric('arena_level_ring_bytes_total')).toBe(rings.bytes);
  for (const thread of threads) await thread.end();
  await whenever(() => store.stats().threads.handles === 0);
  await whenever(() => store.stats().rings.count === 0);
  expect(store.stats().rings).toMatchObject({ memoryBytes: 0, frames: 2 });
  expect(await metric('arena_level_threads')).toBe(0);
});
