/** Both sides of rings on one thread, where every interleaving can be chosen. */
import { EngineError, ErrorCode } from '@arena-level/common/base/errors';
import { withoutSharedMemory } from '@arena-level/common/base/no-shared-memory.test-support';
import { Prng } from '@arena-level/common/base/prng';
import { FrameWriter } from '@arena-level/common/rings/frame-writer';
import { OwnerSignal } from '@arena-level/common/rings/owner-signal';
import { ControlWord, FrameFlag, RingState } from '@arena-level/common/rings/ring-memory';
import { LOSS_MODELS } from '@arena-level/common/storage/crash-replay';
import { FaultStorage } from '@arena-level/common/storage/fault-storage';
import { MemoryStorage } from '@arena-level/common/storage/memory-storage';
import { open } from 'arena-level/engine';
import { describe, expect, test } from 'vitest';
import { RingWriter } from '../../packages/engine/src/rings/ring-writer.ts';
import { eventually, settle, stateOf } from '../support/eventually.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { bytes, key, text } from '../support/text-bytes.ts';
import { MAX_PENDING_BYTES, openHeldRinged, openRinged } from './ringed-store.ts';

const VALUE = bytes('v'.repeat(100));

const put = (number: number, value = VALUE) => ({ type: 'put' as const, key: key(number), value });
/** In what is left of a storage when the machine crashes now and takes all that is not durable with it. */
async function isThereAfterCrash(storage: MemoryStorage, name: Uint8Array): Promise<boolean> {
  const left = storage.crashClone(LOSS_MODELS.dropped, new Prng(1));
  const store = await open(left.location, { flush: 'inline' }, { storage: left });
  const isThere = store.hasSync(name);
  await store.close();
  return isThere;
}
const withCode = (code: string) => expect.objectContaining({ code });

describe('a write through a ring', () => {
  test('is in the store, for all, when it is acknowledged', async () => {
    const { store, writer, close } = await openRinged();
    const thread = writer();
    await thread.put(key(1), bytes('one'));
    expect(text(store.getSync(key(1)))).toBe('one');
    await thread.batch([put(2), { type: 'del', key: key(1) }, put(3, bytes(''))]);
    expect(store.getSync(key(1))).toBeUndefined();
    expect(text(store.getSync(key(3)))).toBe('');
    await thread.del(key(2));
    expect(store.getSync(key(2))).toBeUndefined();
    await thread.batch([]);
    await thread.close();
    await close();
  });

  test('keeps its place among those of its thread', async () => {
    const { store, writer, close } = await openRinged();
    const thread = writer({ ringBytes: 128 });
    const writes: Promise<void>[] = [];
    // Of all sizes: with others in a frame, alone, and too large for the ring.
    for (let i = 0; i < 300; i++)
      writes.push(thread.put(key(i % 3), bytes(`${i} ${'x'.repeat((i * 37) % 200)}`)));
    await Promise.all(writes);
    for (let i = 297; i < 300; i++) expect(text(store.getSync(key(i % 3)))).toMatch(new RegExp(`^${i} `));
    await close();
  });

  test('shares a journal record with the other writes of its time', async () => {
    const { store, writer, close } = await openRinged();
    const threads = [writer(), writer(), writer()];
    const before = store.stats().writes.groups;
    await Promise.all(threads.map((thread, i) => thread.batch([put(2 * i), put(2 * i + 1)])));
    expect(store.stats().writes.groups - before).toBe(1);
    expect(store.stats().writes.entries).toBe(6);
    await close();
  });

  test('is checked before anything is sent', async () => {
    const { store, writer, close } = await openRinged();
    const thread = writer();
    const notBytes = 'k' as unknown as Uint8Array;
    await expect(thread.put(notBytes, VALUE)).rejects.toThrow(withCode(ErrorCode.InvalidKey));
    await expect(thread.del(notBytes)).rejects.toThrow(withCode(ErrorCode.InvalidKey));
    await expect(thread.batch([{ type: 'put', key: key(1), value: notBytes }])).rejects.toThrow(
      withCode(ErrorCode.InvalidValue),
    );
    expect(() => thread.putSync(key(1), notBytes)).toThrow(withCode(ErrorCode.InvalidValue));
    expect(() => thread.delSync(notBytes)).toThrow(withCode(ErrorCode.InvalidKey));
    expect(() => thread.batchSync({} as never)).toThrow(withCode(ErrorCode.InvalidArgument));
    const options = { sync: 1 } as never;
    await expect(thread.put(key(1), VALUE, options)).rejects.toThrow(withCode(ErrorCode.InvalidArgument));
    await settle();
    expect(store.stats().writes.entries).toBe(0);
    await close();
  });

  test('is taken as a copy', async () => {
    const { store, writer, close } = await openRinged();
    const thread = writer();
    const value = bytes('before');
    const written = thread.put(key(1), value);
    value.fill(0);
    await written;
    expect(text(store.getSync(key(1)))).toBe('before');
    await close();
  });

  test('has a ticket that wraps around', async () => {
    const { store, writer, close } = await openRinged();
    const thread = writer({ lastTicket: 2 ** 31 - 3 });
    for (let i = 0; i < 6; i++) await thread.put(key(i), bytes(`${i}`));
    expect(text(store.getSync(key(5)))).toBe('5');
    await close();
  });
});

describe('an acknowledgement', () => {
  test('comes behind the journal write', async () => {
    const { store, writer, close, schedule, holdJournal } = await openHeldRinged();
    await holdJournal();
    const written = writer().put(key(1), VALUE);
    expect(await stateOf(written)).toBe('pending');
    expect(store.getSync(key(1))).toBeUndefined();
    schedule.release();
    await written;
    expect(store.getSync(key(1))).toBeDefined();
    await close();
  });

  test('of a write with sync comes behind the disk, and holds up no other', async () => {
    const { storage, writer, close, schedule, hold } = await openHeldRinged();
    const thread = writer();
    await thread.put(key(0), VALUE);
    hold();
    const durable = thread.put(key(1), VALUE, { sync: true });
    await settle();
    const written = thread.put(key(2), VALUE);
    await written;
    expect(await stateOf(durable)).toBe('pending');
    expect(await isThereAfterCrash(storage, key(1))).toBe(false);
    schedule.release();
    await durable;
    expect(await isThereAfterCrash(storage, key(1))).toBe(true);
    await close();
  });

  test('of writes of one turn, with and without sync, comes to each in its time', async () => {
    const { writer, close, schedule, hold } = await openHeldRinged();
    const thread = writer();
    await thread.put(key(0), VALUE);
    hold();
    const durable = thread.put(key(1), VALUE, { sync: true });
    const written = thread.put(key(2), VALUE);
    await written;
    expect(await stateOf(durable)).toBe('pending');
    schedule.release();
    await durable;
    await close();
  });
});

describe('the owner', () => {
  /** Does something at the last moment before the owner says that it sleeps. */
  class LateSignal extends OwnerSignal {
    beforeSleep: (() => void) | undefined;

    override sleep(): void {
      const { beforeSleep } = this;
      this.beforeSleep = undefined;
      beforeSleep?.();
      super.sleep();
    }
  }

  test('looks again when it has said that it sleeps', async () => {
    const signal = new LateSignal();
    const { store, attach, writer, close } = await openRinged({}, { signal });
    const { memory } = attach();
    let isPublished = false;
    // By a thread that finds the owner awake, and sends no message.
    signal.beforeSleep = () => {
      new FrameWriter(memory.frames).push(0, 4, 1, 1, Uint8Array.of(1, 1, 97, 0), 0, 4);
      isPublished = true;
    };
    await writer().put(key(1), VALUE);
    await eventually(() => isPublished);
    await eventually(() => store.getSync(bytes('a')) !== undefined);
    await close();
  });

  test('is woken by one message, and by none while it is awake', async () => {
    const { attach, writer, close } = await openRinged();
    const { memory, port } = attach();
    const sent: unknown[] = [];
    const watched = new Proxy(port, {
      get(target, name) {
        const member: unknown = Reflect.get(target, name);
        if (typeof member !== 'function') return member;
        return (...args: unknown[]) => {
          if (name === 'postMessage') sent.push(args[0]);
          return Reflect.apply(member, target, args);
        };
      },
    });
    const thread = new RingWriter(memory, watched, { maxPendingBytes: MAX_PENDING_BYTES });
    await thread.put(key(1), VALUE);
    expect(sent).toEqual([{ kind: 'wake' }]);
    // Many slices of another thread keep it awake.
    const other = writer();
    const writes = Array.from({ length: 7000 }, (_, i) => other.put(key(i), VALUE));
    await new Promise<void>((resolve) => process.nextTick(resolve));
    for (let i = 0; i < 2; i++) await thread.put(key(i), VALUE);
    expect(sent).toEqual([{ kind: 'wake' }]);
    await Promise.all(writes);
    await settle();
    await thread.put(key(1), VALUE);
    expect(sent).toEqual([{ kind: 'wake' }, { kind: 'wake' }]);
    await close();
  });

  test('lets the event loop turn between slices', async () => {
    const { rings, writer, close } = await openRinged();
    const thread = writer();
    let turns = 0;
    let counts = true;
    const count = (): void => {
      turns++;
      if (counts) setImmediate(count);
    };
    setImmediate(count);
    const writes: Promise<void>[] = [];
    for (let i = 0; i < 8000; i++) writes.push(thread.put(key(i), bytes('v')));
    await Promise.all(writes);
    counts = false;
    // 8,000 entries at 512 or so per slice.
    expect(turns).toBeGreaterThan(10);
    expect(rings.size).toBe(1);
    await close();
  });

  test('serves a thread with few writes in the middle of one with many', async () => {
    const { store, writer, close } = await openRinged();
    const [many, few] = [writer(), writer()];
    const writes: Promise<void>[] = [];
    for (let i = 0; i < 7000; i++) writes.push(many.put(key(i), VALUE));
    let done = false;
    Promise.all(writes).then(() => {
      done = true;
    });
    await few.put(key(1_000_000), VALUE);
    expect(done).toBe(false);
    expect(store.stats().writes.entries).toBeLessThan(2500);
    await Promise.all(writes);
    await close();
  });

  test('takes something of each thread in one slice', async () => {
    const { store, writer, close } = await openRinged();
    const threads = [writer(), writer()];
    const writes = threads.flatMap((thread, id) =>
      Array.from({ length: 2000 }, (_, i) => thread.put(key(10_000 * id + i), VALUE)),
    );
    await eventually(() => store.stats().writes.entries > 0);
    expect(store.stats().writes.groups).toBe(1);
    for (let id = 0; id < 2; id++) expect(store.getSync(key(10_000 * id))).toBeDefined();
    await Promise.all(writes);
    await close();
  });

  test('takes no more than it may while nothing can be written, and goes on afterwards', async () => {
    const { store, writer, close, schedule, holdJournal } = await openHeldRinged({
      maxPendingBytes: 64 * 1024,
      writeBufferSize: 4 * 2 ** 20,
    });
    await holdJournal();
    const thread = writer({ ringBytes: 32 * 1024 });
    const writes: Promise<void>[] = [];
    for (let i = 0; i < 2000; i++) {
      writes.push(thread.put(key(i), VALUE));
      if (i % 50 === 0) await settle(1);
    }
    await settle();
    expect(store.stats().writes.pendingBytes).toBeLessThanOrEqual(64 * 1024);
    const { waitingBytes, unwrittenBytes } = store.stats().rings;
    expect(waitingBytes).toBeGreaterThan(16 * 1024);
    expect(waitingBytes).toBeLessThanOrEqual(32 * 1024);
    expect(unwrittenBytes).toBeGreaterThan(0);
    expect(unwrittenBytes).toBeLessThanOrEqual(64 * 1024);
    schedule.release();
    await Promise.all(writes);
    expect(store.stats().writes.entries).toBe(2001);
    expect(store.stats().rings).toMatchObject({ waitingBytes: 0, unwrittenBytes: 0, entries: 2000 });
    await close();
  });
});

describe('writes for which there is no room', () => {
  test('are refused beyond maxPendingBytes, and nothing of them is written', async () => {
    const { store, writer, close } = await openRinged();
    const thread = writer({ ringBytes: 4096 }, 10_000);
    const writes: Promise<void>[] = [];
    const refusals: unknown[] = [];
    for (let i = 0; i < 400; i++) {
      const written = thread.put(key(i), VALUE);
      writes.push(written.catch((error: unknown) => void refusals.push(error)));
    }
    await Promise.all(writes);
    expect(refusals.length).toBeGreaterThan(100);
    for (const refusal of refusals) expect(refusal).toEqual(withCode(ErrorCode.WriteBacklog));
    expect(store.stats().writes.entries).toBe(400 - refusals.length);
    // A large one alone is taken.
    await thread.put(key(1), bytes('x'.repeat(20_000)));
    await close();
  });

  test('count for what travels apart, until it is written', async () => {
    const { writer, close } = await openRinged();
    const thread = writer({ ringBytes: 4096 }, 30_000);
    const large = bytes('x'.repeat(20_000));
    const first = thread.put(key(1), large);
    await new Promise<void>((resolve) => process.nextTick(resolve));
    await expect(thread.put(key(2), large)).rejects.toThrow(withCode(ErrorCode.WriteBacklog));
    await first;
    await thread.put(key(2), large);
    await close();
  });

  test('fail alone where there is no memory to travel apart', async () => {
    const { store, writer, close } = await openRinged();
    const thread = writer({ ringBytes: 4096 }, 30_000);
    const large = bytes('x'.repeat(20_000));
    const noMemory = withCode(ErrorCode.MemoryBudget);
    await withoutSharedMemory(async () => {
      const before = thread.put(key(1), bytes('before'));
      const failed = expect(thread.put(key(2), large)).rejects.toThrow(noMemory);
      await Promise.all([before, failed, thread.put(key(3), bytes('behind'))]);
      expect(() => thread.putSync(key(4), large)).toThrow(noMemory);
    });
    await thread.put(key(5), large);
    const there = await store.hasMany([1, 2, 3, 4, 5].map(key));
    expect(there).toEqual([true, false, true, false, true]);
    expect(store.stats().rings.frames).toBe(3);
    await thread.close();
    await close();
  });
});

describe('an error of the store', () => {
  test('comes to the writer with its code: outcome unknown, and the writes behind it go on', async () => {
    const storage = new FaultStorage(new MemoryStorage());
    const { store, writer, close } = await openRinged({}, { storage });
    const [thread, other] = [writer(), writer()];
    await thread.put(key(0), VALUE);
    storage.install({
      rules: [{ operation: 'write', type: 'journal', nth: 1, times: 1, effect: 'torn-write', errno: 'EIO' }],
    });
    const failed = expect(thread.put(key(1), VALUE)).rejects.toThrow(withCode(ErrorCode.WriteOutcomeUnknown));
    const alsoFailed = expect(other.put(key(2), VALUE)).rejects.toThrow(
      withCode(ErrorCode.WriteOutcomeUnknown),
    );
    await failed;
    await alsoFailed;
    await thread.put(key(3), VALUE);
    await other.put(key(4), VALUE);
    expect(store.getSync(key(3))).toBeDefined();
    await close();
  });

  test('tells a writer that writes are stopped, and takes them again afterwards', async () => {
    const storage = new FaultStorage(new MemoryStorage());
    const { store, writer, close } = await openRinged({}, { storage, clock: new ManualClock() });
    const thread = writer();
    await thread.put(key(0), VALUE);
    storage.install({
      rules: [
        { operation: 'write', type: 'journal', nth: 1, times: 1, effect: 'error', errno: 'EIO' },
        { operation: 'create', nth: 1, times: Number.POSITIVE_INFINITY, effect: 'error', errno: 'EIO' },
      ],
    });
    await expect(thread.put(key(1), VALUE)).rejects.toThrow(withCode(ErrorCode.WriteOutcomeUnknown));
    await settle();
    await expect(thread.put(key(2), VALUE)).rejects.toThrow(withCode(ErrorCode.WritesStopped));
    await expect(thread.batch([put(2)], { sync: true })).rejects.toThrow(withCode(ErrorCode.WritesStopped));
    storage.install({ rules: [] });
    await store.resume();
    await thread.put(key(2), VALUE, { sync: true });
    await close();
  });

  test('of a sync comes to those that wait for the disk', async () => {
    const storage = new FaultStorage(new MemoryStorage());
    const { writer, close } = await openRinged({}, { storage, clock: new ManualClock() });
    const thread = writer();
    await thread.put(key(0), VALUE);
    storage.install({
      rules: [{ operation: 'sync', nth: 1, times: Number.POSITIVE_INFINITY, effect: 'error', errno: 'EIO' }],
    });
    const durable = thread.put(key(1), VALUE, { sync: true });
    const written = thread.put(key(2), VALUE);
    await written;
    await expect(durable).rejects.toThrow(withCode(ErrorCode.WriteOutcomeUnknown));
    storage.install({ rules: [] });
    await close().catch(() => {});
  });
});

describe('what comes from another thread and cannot be', () => {
  test('ends that ring, and harms neither the store nor the others', async () => {
    const { store, attach, writer, close, rings } = await openRinged();
    const { memory, port } = attach();
    const thread = new RingWriter(memory, port, { maxPendingBytes: MAX_PENDING_BYTES });
    const other = writer();
    await thread.put(key(1), VALUE);
    new FrameWriter(memory.frames).push(0, 4, 1, 77, Uint8Array.of(1, 1, 97, 0), 0, 4);
    await expect(thread.put(key(2), VALUE)).rejects.toThrow(withCode(ErrorCode.Internal));
    await expect(thread.put(key(3), VALUE)).rejects.toThrow(withCode(ErrorCode.Internal));
    await other.put(key(4), VALUE);
    expect(rings.size).toBe(1);
    expect(store.stats().writes.entries).toBe(2);
    await close();
  });

  test.each([
    ['a kind that is none', [7, 1, 97, 0], 1],
    ['a count that is too low', [0, 1, 97, 0, 1, 98, 0, 0], 1],
    ['a count that is too high', [0, 1, 97, 0], 2],
    ['a key that leads beyond', [0, 9, 97, 0], 1],
  ])('is refused with a code: %s', async (_, records, entries) => {
    const { store, attach, close } = await openRinged();
    const { memory, port } = attach();
    const { length } = records;
    new FrameWriter(memory.frames).push(0, length, entries, 1, Uint8Array.from(records), 0, length);
    const heard: unknown[] = [];
    port.on('message', (answer) => heard.push(answer));
    port.postMessage({ kind: 'wake' });
    await eventually(() => heard.length > 0);
    expect(heard[0]).toMatchObject({
      kind: 'failed',
      lane: 'written',
      first: 1,
      last: 1,
      error: { code: ErrorCode.InvalidArgument },
    });
    expect(store.stats().writes.entries).toBe(0);
    await store.put(key(1), VALUE);
    await close();
  });

  test('a large batch whose memory did not come is refused', async () => {
    const { store, attach, close } = await openRinged();
    const { memory, port } = attach();
    const heard: unknown[] = [];
    port.on('message', (answer) => heard.push(answer));
    new FrameWriter(memory.frames).push(FrameFlag.Apart, 5_000_000, 1, 1, new Uint8Array(0), 0, 0);
    port.postMessage({ kind: 'wake' });
    await eventually(() => heard.length > 0);
    expect(heard[0]).toMatchObject({ kind: 'failed', error: { code: ErrorCode.Internal } });
    expect(store.stats().writes.entries).toBe(0);
    await close();
  });
});

describe('closing', () => {
  test('the store writes what is in the rings by then, and refuses the rest', async () => {
    const { store, writer, close, storage } = await openRinged();
    const thread = writer({ ringBytes: 4096 });
    const writes = Array.from({ length: 200 }, (_, i) => thread.put(key(i), VALUE));
    const states = Promise.allSettled(writes);
    await new Promise<void>((resolve) => process.nextTick(resolve));
    await close();
    const outcomes = await states;
    const written = outcomes.filter(({ status }) => status === 'fulfilled').length;
    expect(written).toBeGreaterThan(0);
    expect(written).toBeLessThan(200);
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') expect(outcome.reason).toEqual(withCode(ErrorCode.DatabaseNotOpen));
    }
    await expect(thread.put(key(1), VALUE)).rejects.toThrow(withCode(ErrorCode.DatabaseNotOpen));
    expect(() => thread.putSync(key(1), VALUE)).toThrow(withCode(ErrorCode.DatabaseNotOpen));
    await expect(thread.batch([])).rejects.toThrow(withCode(ErrorCode.DatabaseNotOpen));
    expect(store.stats().writes.entries).toBe(written);
    const reopened = await openRinged(
      {},
      { storage: new MemoryStorage({ files: (storage as MemoryStorage).snapshot() }) },
    );
    outcomes.forEach(({ status }, i) => {
      expect(reopened.store.getSync(key(i)) !== undefined).toBe(status === 'fulfilled');
    });
    await reopened.close();
  });

  test('one that is revoked hears why, and the others go on', async () => {
    const { store, attach, writer, close, rings } = await openRinged();
    const { memory, port, source } = attach();
    const thread = new RingWriter(memory, port, { maxPendingBytes: MAX_PENDING_BYTES });
    await thread.put(key(1), VALUE);
    source.close({ message: 'it stalled', code: 'x' });
    const other = writer();
    await other.put(key(2), VALUE);
    await expect(thread.put(key(3), VALUE)).rejects.toThrow(withCode(ErrorCode.Internal));
    expect(rings.size).toBe(1);
    expect(store.stats().writes.entries).toBe(2);
    await close();
  });

  test('shows in the word that a blocked thread sleeps on, when it begins and at its end', async () => {
    const { store, attach, close, schedule, hold } = await openHeldRinged();
    const { memory, port, source } = attach();
    const thread = new RingWriter(memory, port, { maxPendingBytes: MAX_PENDING_BYTES });
    await thread.put(key(0), VALUE);
    hold();
    const durable = thread.put(key(1), VALUE, { sync: true });
    await settle();
    const control = (): Int32Array => new Int32Array(memory.control);
    const progress = (): number => control()[ControlWord.Progress]!;
    const before = progress();
    source.close(new Error('revoked'));
    const closing = progress();
    expect(closing).not.toBe(before);
    expect(control()[ControlWord.State]).toBe(RingState.Closing);
    // What comes behind it is not taken.
    new FrameWriter(memory.frames).push(0, 4, 1, 3, Uint8Array.of(1, 1, 97, 0), 0, 4);
    port.postMessage({ kind: 'wake' });
    await settle();
    schedule.release();
    await durable;
    expect(store.getSync(bytes('a'))).toBeUndefined();
    expect(control()[ControlWord.State]).toBe(RingState.Ended);
    // One for the answer, one for the end.
    expect(progress() - closing).toBe(2);
    await close();
  });

  test('wakes a blocked writer, which now and then looks after other things', async () => {
    const { attach, close } = await openRinged();
    const { memory, port, source } = attach();
    let waits = 0;
    const thread = new RingWriter(memory, port, {
      maxPendingBytes: MAX_PENDING_BYTES,
      // Nothing else of this thread, which is the owner's as well, happens meanwhile.
      onLongWait: () => {
        waits++;
        if (waits === 2) source.close(new EngineError(ErrorCode.DatabaseNotOpen, 'closed'));
      },
    });
    expect(() => thread.putSync(key(1), VALUE)).toThrow(withCode(ErrorCode.DatabaseNotOpen));
    expect(waits).toBe(2);
    await close();
  });

  test('a writer waits for its answers, and the owner forgets it', async () => {
    const { store, writer, close, rings } = await openRinged();
    const thread = writer();
    const written = thread.put(key(1), VALUE);
    const closed = thread.close();
    await expect(thread.del(key(1))).rejects.toThrow(withCode(ErrorCode.DatabaseNotOpen));
    await closed;
    await written;
    await eventually(() => rings.size === 0);
    await expect(thread.put(key(2), VALUE)).rejects.toThrow(withCode(ErrorCode.DatabaseNotOpen));
    expect(store.stats().writes.entries).toBe(1);
    await close();
  });
});
