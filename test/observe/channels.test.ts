import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { join } from 'node:path';
import { FaultStorage } from '@arena-level/common/storage/fault-storage';
import { MemoryStorage } from '@arena-level/common/storage/memory-storage';
import { open } from 'arena-level/engine';
import { describe, expect, onTestFinished, test } from 'vitest';
import { eventually, settle } from '../support/eventually.ts';
import { type HeldStore, type HeldStoreModules, openHeld } from '../support/held-store.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { bytes, key } from '../support/text-bytes.ts';
import { Listening } from './listening.ts';

const VALUE = bytes('v'.repeat(1000));

async function openFaulty(modules: HeldStoreModules = {}): Promise<HeldStore & { faults: FaultStorage }> {
  let faults: FaultStorage | undefined;
  const held = await openHeld({}, { ...modules, wrap: (inner) => (faults = new FaultStorage(inner)) });
  return { ...held, faults: faults! };
}

describe('the channel of opens', () => {
  test('tells of one that creates a store, and of one that recovers it, with what was found', async () => {
    const listening = new Listening(['arena-level:open']);
    const memory = new MemoryStorage();
    const clock = new ManualClock();
    clock.msPerLook = 1;
    const first = await open(memory.location, { flush: 'inline' }, { storage: memory, clock });
    await first.put(key(1), VALUE);
    await first.flush();
    await first.put(key(2), VALUE);
    await first.put(key(3), VALUE);
    const left = MemoryStorage.resume(memory.trace, memory.trace.entries.length);
    await first.close();
    const second = await open(left.location, { flush: 'inline' }, { storage: left });
    await second.close();
    const { location } = memory;
    const messages = listening.of('arena-level:open');
    expect(messages).toMatchObject([
      { phase: 'begin', location, reason: 'read-write' },
      {
        phase: 'end',
        location,
        outcome: 'opened',
        tables: 0,
        bytes: 0,
        lastSequence: 0,
        recovery: { created: true },
      },
      { phase: 'begin' },
      {
        phase: 'end',
        outcome: 'opened',
        tables: 2,
        lastSequence: 3,
        recovery: { created: false, entries: 2 },
      },
    ]);
    expect(messages[1]).toMatchObject({ durationMs: expect.toSatisfy((ms: number) => ms > 0) });
    expect(messages[3]).toMatchObject({ bytes: expect.toSatisfy((size: number) => size > 2000) });
    listening.expectPairs();
  });

  test('tells of a read-only one', async () => {
    const memory = new MemoryStorage();
    await (await open(memory.location, { flush: 'inline' }, { storage: memory })).close();
    const listening = new Listening(['arena-level:open']);
    const store = await open(memory.location, { readOnly: true, flush: 'inline' }, { storage: memory });
    await store.close();
    expect(listening.of('arena-level:open')).toMatchObject([
      { phase: 'begin', reason: 'read-only' },
      { phase: 'end', reason: 'read-only', outcome: 'opened', tables: 0 },
    ]);
  });

  test('tells of one that fails, as does the channel of errors', async () => {
    const listening = new Listening();
    const storage = new MemoryStorage();
    const error = await open(storage.location, { createIfMissing: false }, { storage }).catch(
      (caught) => caught,
    );
    expect(error).toMatchObject({ code: 'ARENA_STORE_MISSING' });
    expect(listening.of('arena-level:open')).toMatchObject([
      { phase: 'begin' },
      { outcome: 'failed', error },
    ]);
    expect(listening.of('arena-level:error')).toMatchObject([
      { phase: 'begin', reason: 'open', error, count: 1 },
      { phase: 'end', reason: 'open', outcome: 'passed', error },
    ]);
    listening.expectPairs();
  });
});

test("the channel of opens tells of a directory that is none, or somebody else's", async () => {
  const directory = temporaryDirectory();
  const missing = join(directory, 'missing');
  const listening = new Listening();
  await expect(open(missing, { createIfMissing: false })).rejects.toMatchObject({
    code: 'ARENA_STORE_MISSING',
  });
  const store = await open(directory, { flush: 'inline' });
  await expect(open(directory, { flush: 'inline' })).rejects.toMatchObject({ code: 'LEVEL_LOCKED' });
  await store.close();
  const ends = listening.of('arena-level:open').filter(({ phase }) => phase === 'end');
  expect(ends).toMatchObject([
    { location: missing, outcome: 'failed', error: { code: 'ARENA_STORE_MISSING' } },
    { location: directory, outcome: 'opened' },
    { location: directory, outcome: 'failed', error: { code: 'LEVEL_LOCKED' } },
  ]);
  listening.expectPairs();
});

describe('the channels of rotations and flushes', () => {
  test('tell of reason, sizes, durations and the table', async () => {
    const { store, executor, clock } = await openHeld();
    const listening = new Listening();
    for (let i = 0; i < 5; i++) await store.put(key(i), VALUE);
    await eventually(() => executor.held.length === 1);
    clock.advance(70);
    executor.release();
    await eventually(() => store.stats().flushes.count === 1);
    await store.put(key(5), VALUE);
    await store.flush();
    await settle();
    const location = store.location;
    expect(listening.of('arena-level:rotation')).toMatchObject([
      { phase: 'begin', location, reason: 'full', journal: 2, entries: 4, bytes: expect.any(Number) },
      { phase: 'end', outcome: 'rotated', journal: 2, newJournal: 3, capacityBytes: 4096, durationMs: 0 },
      { phase: 'begin', reason: 'asked', journal: 3, entries: 2 },
      { phase: 'end', reason: 'asked', journal: 3 },
    ]);
    const flushes = listening.of('arena-level:flush');
    const { flushes: done } = store.stats();
    expect(flushes).toMatchObject([
      { phase: 'begin', reason: 'full', journal: 2, attempt: 1, where: 'worker', entries: 4 },
      {
        phase: 'end',
        reason: 'full',
        journal: 2,
        outcome: 'committed',
        durationMs: 70,
        entries: 4,
        dropped: 0,
      },
      { phase: 'begin', reason: 'asked', journal: 3 },
      { phase: 'end', reason: 'asked', journal: 3, outcome: 'committed', entries: 2 },
    ]);
    const sizes = flushes.map((message) => ('sizeBytes' in message ? message.sizeBytes : 0));
    expect(sizes.reduce((sum, size) => sum + size)).toBe(done.bytes);
    expect(flushes[1]).toHaveProperty('table', expect.any(Number));
    listening.expectPairs();
    await store.close();
  });

  test('tell of a flush on the calling thread', async () => {
    const listening = new Listening();
    const storage = new MemoryStorage();
    const store = await open(storage.location, { flush: 'inline' }, { storage });
    await store.put(key(1), VALUE);
    await store.flush();
    await store.close();
    await settle(1);
    expect(listening.of('arena-level:flush')).toMatchObject([
      { phase: 'begin', where: 'inline' },
      { phase: 'end', where: 'inline', outcome: 'committed' },
    ]);
    listening.expectPairs();
  });

  test('tell of a build that fails and is repeated, and the channel of errors of the time until then', async () => {
    const { store, executor, clock } = await openHeld();
    const listening = new Listening();
    await store.put(key(1), VALUE);
    const flushed = store.flush().catch((error: unknown) => error);
    await eventually(() => executor.held.length === 1);
    executor.held[0]!.fail('ENOSPC');
    expect(await flushed).toMatchObject({ message: expect.stringContaining('ENOSPC') });
    clock.advance(1000);
    executor.release();
    await eventually(() => store.stats().flushes.count === 1);
    await settle(1);
    expect(listening.of('arena-level:flush')).toMatchObject([
      { phase: 'begin', attempt: 1 },
      {
        phase: 'end',
        attempt: 1,
        outcome: 'failed',
        retryInMs: 1000,
        error: { message: expect.stringContaining('ENOSPC') },
      },
      { phase: 'begin', attempt: 2 },
      { phase: 'end', attempt: 2, outcome: 'committed' },
    ]);
    expect(listening.of('arena-level:error')).toMatchObject([
      { phase: 'begin', reason: 'flush', count: 1, retryInMs: 1000 },
      { phase: 'end', reason: 'flush', outcome: 'passed', durationMs: 1000 },
    ]);
    listening.expectPairs();
    await store.close();
  });

  test('tell of a commit that fails and is repeated without another build', async () => {
    const { store, executor, clock, faults } = await openFaulty();
    executor.release();
    const listening = new Listening();
    faults.install({
      rules: [{ operation: 'sync', type: 'manifest', nth: 1, times: 1, effect: 'error', errno: 'ENOSPC' }],
    });
    await store.put(key(1), VALUE);
    await expect(store.flush()).rejects.toMatchObject({ code: 'LEVEL_IO_ERROR' });
    clock.advance(1000);
    await eventually(() => store.stats().flushes.count === 1);
    await settle(1);
    expect(listening.of('arena-level:flush')).toMatchObject([
      { phase: 'begin', where: 'worker', attempt: 1 },
      { phase: 'end', where: 'worker', outcome: 'failed' },
      { phase: 'begin', where: 'commit', attempt: 1 },
      { phase: 'end', where: 'commit', attempt: 1, outcome: 'committed', entries: 1 },
    ]);
    listening.expectPairs();
    await store.close();
  });

  test('tell of a build that a blocking call takes over', async () => {
    const { store, executor } = await openHeld({ maxFrozenMemtables: 1 });
    const listening = new Listening();
    await store.put(key(1), VALUE);
    await store.rotateMemtable();
    await eventually(() => executor.held.length === 1);
    for (let i = 0; i < 6; i++) store.putSync(key(i), VALUE);
    await settle(1);
    expect(listening.of('arena-level:flush').slice(0, 4)).toMatchObject([
      { phase: 'begin', where: 'worker', attempt: 1 },
      { phase: 'end', where: 'worker', attempt: 1, outcome: 'superseded' },
      { phase: 'begin', where: 'inline', attempt: 2 },
      { phase: 'end', where: 'inline', attempt: 2, outcome: 'committed' },
    ]);
    executor.release();
    await store.close();
    await settle(1);
    listening.expectPairs();
  });

  test('tell of a rotation for which there is no journal', async () => {
    const { store, executor, faults } = await openFaulty();
    executor.release();
    const listening = new Listening();
    faults.install({
      rules: [{ operation: 'create', type: 'journal', nth: 1, times: 1, effect: 'error', errno: 'EMFILE' }],
    });
    await store.put(key(1), VALUE);
    await expect(store.rotateMemtable()).rejects.toMatchObject({ code: 'LEVEL_IO_ERROR' });
    await store.rotateMemtable();
    await settle(1);
    expect(listening.of('arena-level:rotation')).toMatchObject([
      { phase: 'begin', journal: 2, entries: 1 },
      { phase: 'end', journal: 2, outcome: 'failed', error: { message: expect.stringContaining('EMFILE') } },
      { phase: 'begin', journal: 2 },
      { phase: 'end', journal: 2, outcome: 'rotated' },
    ]);
    expect(listening.of('arena-level:error')).toMatchObject([
      { phase: 'begin', reason: 'rotation' },
      { phase: 'end', reason: 'rotation', outcome: 'passed' },
    ]);
    listening.expectPairs();
    await store.close();
  });

  test('end with the store what is under way', async () => {
    const { store, executor } = await openHeld();
    const listening = new Listening();
    for (let i = 0; i < 12; i++) await store.put(key(i), VALUE);
    await eventually(() => executor.held.length === 1);
    const waiting = store.put(key(8), bytes('v'.repeat(3500)));
    await eventually(() => listening.of('arena-level:stall').length === 1);
    const closed = store.close();
    executor.release();
    await Promise.allSettled([waiting, closed]);
    await settle();
    expect(listening.of('arena-level:flush').at(-1)).toMatchObject({ phase: 'end' });
    listening.expectPairs();
  });
});

describe('the channel of errors', () => {
  test('tells of a journal that fails, for as long as it is being healed', async () => {
    const { store, executor, clock, faults } = await openFaulty();
    const listening = new Listening();
    faults.install({
      rules: [{ operation: 'write', type: 'journal', nth: 1, times: 1, effect: 'error', errno: 'EIO' }],
    });
    await store.put(key(1), VALUE).catch(() => {});
    await settle();
    clock.advance(30);
    executor.release();
    await settle();
    expect(listening.of('arena-level:error')).toMatchObject([
      { phase: 'begin', reason: 'journal', count: 1, error: { message: expect.stringContaining('EIO') } },
      { phase: 'end', reason: 'journal', outcome: 'passed', durationMs: 30 },
    ]);
    expect(listening.of('arena-level:rotation')).toMatchObject([
      { reason: 'healing' },
      { reason: 'healing' },
    ]);
    listening.expectPairs();
    await store.close();
  });

  test('tells of writes that have stopped until they go on, or the store is closed', async () => {
    const { store, executor, clock } = await openHeld();
    const listening = new Listening();
    await store.put(key(1), VALUE);
    await store.rotateMemtable();
    for (let attempt = 0; attempt < 2; attempt++) {
      await eventually(() => executor.held.length > 0);
      executor.held[0]!.fail('EIO');
      await settle();
      clock.advance(1000);
    }
    const stopped = (): unknown[] =>
      listening.of('arena-level:error').filter(({ reason }) => reason === 'writes-stopped');
    await eventually(() => stopped().length > 0);
    await store.close();
    await settle(1);
    expect(stopped().at(-1)).toMatchObject({ phase: 'end', outcome: 'closed' });
    listening.expectPairs();
  });

  test('tells of a file that could not be removed', async () => {
    const { store, executor, faults } = await openFaulty();
    executor.release();
    const listening = new Listening();
    faults.install({
      rules: [{ operation: 'remove', type: 'journal', nth: 1, times: 1, effect: 'error', errno: 'EACCES' }],
    });
    await store.put(key(1), VALUE);
    await store.flush();
    await settle(1);
    expect(listening.of('arena-level:error')).toMatchObject([
      { phase: 'begin', reason: 'cleanup', file: '000002.log' },
      { phase: 'end', reason: 'cleanup', outcome: 'passed', durationMs: 0 },
    ]);
    await store.close();
  });
});

describe('the channel of stalls', () => {
  test('tells why and how long writers wait', async () => {
    const { store, executor, clock } = await openHeld({ maxFrozenMemtables: 1 });
    const listening = new Listening(['arena-level:stall']);
    for (let i = 0; i < 8; i++) await store.put(key(i), VALUE);
    const waits = store.put(key(7), VALUE);
    await settle();
    clock.advance(250);
    executor.release();
    await waits;
    await settle(1);
    expect(listening.of('arena-level:stall')).toMatchObject([
      { phase: 'begin', reason: 'frozen-memtables' },
      { phase: 'end', reason: 'frozen-memtables', outcome: 'over', durationMs: 250 },
    ]);
    await store.close();
  });
});

describe('a subscriber', () => {
  test('that comes in the middle hears whole ends', async () => {
    const { store, executor, clock } = await openHeld();
    await store.put(key(1), VALUE);
    await store.rotateMemtable();
    await eventually(() => executor.held.length === 1);
    clock.advance(40);
    const listening = new Listening();
    executor.release();
    await eventually(() => listening.of('arena-level:flush').length === 1);
    expect(listening.of('arena-level:flush')).toMatchObject([
      { phase: 'end', reason: 'asked', outcome: 'committed', durationMs: 40, entries: 1, journal: 2 },
    ]);
    await store.close();
  });

  test('may call the store, blocking too', async () => {
    const { store, executor } = await openHeld();
    executor.release();
    let calls = 0;
    const write = (): void => {
      if (++calls <= 20) store.putSync(bytes(`from subscriber ${calls}`), VALUE);
    };
    for (const name of ['arena-level:rotation', 'arena-level:flush']) {
      subscribe(name, write);
      onTestFinished(() => void unsubscribe(name, write));
    }
    for (let i = 0; i < 30; i++) await store.put(key(i), VALUE);
    await store.flush();
    await settle();
    expect(calls).toBeGreaterThan(20);
    for (let i = 1; i <= 20; i++) expect(store.hasSync(bytes(`from subscriber ${i}`))).toBe(true);
    await store.close();
  });

  test('that throws is an uncaught exception; the others hear, and the store goes on', async () => {
    const uncaught: unknown[] = [];
    const others = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException');
    process.on('uncaughtException', (error) => uncaught.push(error));
    const thrower = (): void => {
      throw new Error('a subscriber threw');
    };
    subscribe('arena-level:open', thrower);
    subscribe('arena-level:flush', thrower);
    try {
      const listening = new Listening();
      const { store, executor } = await openHeld();
      executor.release();
      await store.put(key(1), VALUE);
      await store.flush();
      await settle();
      expect(uncaught).toHaveLength(4);
      expect(uncaught).toMatchObject(Array.from({ length: 4 }, () => ({ message: 'a subscriber threw' })));
      listening.expectPairs();
      await store.put(key(2), VALUE);
      expect(store.hasSync(key(2))).toBe(true);
      await store.close();
    } finally {
      unsubscribe('arena-level:open', thrower);
      unsubscribe('arena-level:flush', thrower);
      process.removeAllListeners('uncaughtException');
      for (const listener of others) process.on('uncaughtException', listener);
    }
  });
});
