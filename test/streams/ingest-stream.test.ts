import { once } from 'node:events';
import { Readable, type Writable } from 'node:stream';
import { finished, pipeline } from 'node:stream/promises';
import { Prng } from '@arena-level/common/base/prng';
import { LOSS_MODELS } from '@arena-level/common/storage/crash-replay';
import { FaultStorage } from '@arena-level/common/storage/fault-storage';
import { MemoryStorage } from '@arena-level/common/storage/memory-storage';
import { open, type Store } from 'arena-level/engine';
import { type IngestOptions, type IngestRecord, ingestStream, webIngestStream } from 'arena-level/streams';
import { ClassicLevel } from 'classic-level';
import { beforeEach, describe, expect, test } from 'vitest';
import { readContents } from '../crash/store-contents.ts';
import { eventually, settle, stateOf } from '../support/eventually.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { bytes, key } from '../support/text-bytes.ts';
import { SlowDatabase } from './slow-database.ts';

const VALUE = bytes('v'.repeat(1000));
/** What a record of VALUE counts for is a little more than 1000 bytes: two fit. */
const TWO_RECORDS = 2500;

let database: SlowDatabase;
let clock: ManualClock;
beforeEach(() => {
  database = new SlowDatabase();
  clock = new ManualClock();
});

const record = (i: number): IngestRecord => ({ key: key(i), value: VALUE });

function ingest(options: IngestOptions = {}): Writable {
  return ingestStream(database, { batchBytes: TWO_RECORDS, ...options }, { clock });
}

const lengths = (): number[] => database.asked.map(({ operations }) => operations.length);

async function inlineStore(storage: MemoryStorage | FaultStorage): Promise<Store> {
  return open(storage.location, { flush: 'inline', writeBufferSize: 64 * 1024 }, { storage });
}

/** Writes as a good producer does, and tells how many records were taken. */
async function writeAll(stream: Writable, count: number): Promise<void> {
  for (let i = 0; i < count; i++) if (!stream.write(record(i))) await once(stream, 'drain');
}

describe('batches', () => {
  test('go out by their bytes, in the order of the records', async () => {
    const stream = ingest({ maxInFlight: 64, highWaterMark: 100 });
    for (let i = 0; i < 7; i++) stream.write(record(i));
    stream.end();
    await settle();
    expect(lengths()).toEqual([2, 2, 2]);
    for (const batch of [...database.waiting]) batch.resolve();
    await settle();
    database.waiting[0]!.resolve();
    await finished(stream);
    expect(lengths()).toEqual([2, 2, 2, 1]);
    const keys = database.asked.flatMap(({ operations }) => operations.map((operation) => operation.key));
    expect(keys).toEqual(Array.from({ length: 7 }, (_, i) => key(i)));
  });

  test('go out by their time, which begins with their first record', async () => {
    const stream = ingest({ batchMs: 50 });
    stream.write(record(0));
    clock.advance(49);
    await settle();
    stream.write(record(1));
    expect(lengths()).toEqual([]);
    clock.advance(1);
    expect(lengths()).toEqual([2]);
    stream.write(record(2));
    clock.advance(50);
    expect(lengths(), 'one at a time').toEqual([2]);
    database.waiting[0]!.resolve();
    await settle();
    expect(lengths(), 'its time was over').toEqual([2, 1]);
    expect(clock.pendingTimers).toBe(0);
    stream.destroy();
  });

  test('do not wait for their time where there is none', async () => {
    const stream = ingest({ batchMs: Number.POSITIVE_INFINITY });
    stream.write(record(0));
    expect(clock.pendingTimers).toBe(0);
    stream.destroy();
  });

  test('take a record that is larger than a batch alone', async () => {
    const stream = ingest({ maxInFlight: 64 });
    stream.write(record(0));
    stream.write({ key: key(1), value: bytes('x'.repeat(10_000)) });
    stream.write(record(2));
    stream.end();
    await settle();
    expect(lengths()).toEqual([1, 1]);
    stream.destroy();
  });
});

describe('a slow database', () => {
  test('makes the producer wait: what is held is bounded', async () => {
    const stream = ingest({ highWaterMark: 4 });
    let written = 0;
    const writing = (async () => {
      for (; written < 100; written++) if (!stream.write(record(written))) await once(stream, 'drain');
    })();
    await settle();
    // Two under way, two gathered, and what the stream itself may hold.
    expect(written).toBeLessThanOrEqual(8);
    expect(database.waiting).toHaveLength(1);
    while (written < 100) {
      database.waiting[0]?.resolve();
      await settle(1);
      expect(database.waiting.length).toBeLessThanOrEqual(1);
      const done = lengths().reduce((sum, length) => sum + length, 0);
      expect(written - done).toBeLessThanOrEqual(8);
    }
    await writing;
    stream.destroy();
  });

  test('has as many batches at a time as it was given', async () => {
    const stream = ingest({ maxInFlight: 3, highWaterMark: 100 });
    for (let i = 0; i < 20; i++) stream.write(record(i));
    await settle();
    expect(database.waiting).toHaveLength(3);
    database.waiting[1]!.resolve();
    await settle();
    expect(database.waiting).toHaveLength(3);
    stream.destroy();
  });

  test('is waited for by finish', async () => {
    const stream = ingest();
    stream.end(record(0));
    const done = finished(stream);
    expect(await stateOf(done)).toBe('pending');
    database.waiting[0]!.resolve();
    await done;
  });
});

describe('durability', () => {
  test.each([
    [{}, [false, false], 0],
    [{ sync: true }, [true, true], 0],
    [{ durability: 'synced' }, [false, true], 0],
    [{ durability: 'flushed' }, [false, false], 1],
  ] as const)('%o: batches are synced %o', async (options, syncs, flushes) => {
    const stream = ingest({ ...options, maxInFlight: 2 });
    for (let i = 0; i < 3; i++) stream.write(record(i));
    stream.end();
    const done = finished(stream);
    await eventually(() => database.waiting.length === 1);
    expect(database.flushes).toBe(0);
    database.waiting[0]!.resolve();
    await eventually(() => database.asked.length === 2);
    database.waiting[0]!.resolve();
    await done;
    expect(database.asked.map(({ sync }) => sync)).toEqual(syncs);
    expect(database.flushes).toBe(flushes);
  });

  test('synced: what went out for its time is, since nothing may come behind it', async () => {
    const stream = ingest({ durability: 'synced', batchMs: 10 });
    stream.write(record(0));
    clock.advance(10);
    stream.end();
    await settle();
    database.waiting[0]!.resolve();
    await finished(stream);
    expect(database.asked.map(({ sync }) => sync)).toEqual([true]);
  });

  test.each(['synced', 'flushed'] as const)(
    '%s: a crash of the machine loses nothing',
    async (durability) => {
      const storage = new MemoryStorage();
      const store = await inlineStore(storage);
      const stream = ingestStream(store, { durability, batchBytes: 10_000 });
      await pipeline(Readable.from(Array.from({ length: 300 }, (_, i) => record(i))), stream);
      const image = storage.crashClone(LOSS_MODELS.dropped, new Prng(1));
      const again = await inlineStore(image);
      expect(readContents(again).size).toBe(300);
      await again.close();
      await store.close();
    },
  );
});

describe('an error', () => {
  test('of a batch destroys the stream with the error of the database; nothing is written later', async () => {
    const stream = ingest();
    const failed = finished(stream).catch((error: unknown) => error);
    for (let i = 0; i < 12; i++) stream.write(record(i));
    await settle();
    const error = new Error('the disk is full');
    database.waiting[0]!.reject(error);
    expect(await failed).toBe(error);
    await settle();
    clock.advance(1000);
    await settle();
    expect(lengths()).toEqual([2]);
    expect(clock.pendingTimers).toBe(0);
  });

  test('of a store is its own, and what was acknowledged before is there', async () => {
    const faults = new FaultStorage(new MemoryStorage());
    const store = await inlineStore(faults);
    faults.install({
      rules: [{ operation: 'write', type: 'journal', nth: 3, times: 1, effect: 'error', errno: 'EIO' }],
    });
    const stream = ingestStream(store, { batchBytes: 5000 });
    const error = await pipeline(
      Readable.from(Array.from({ length: 100 }, (_, i) => record(i))),
      stream,
    ).catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: 'ARENA_WRITE_OUTCOME_UNKNOWN' });
    await settle();
    const { size } = readContents(store);
    expect(size).toBeGreaterThan(0);
    expect(size).toBeLessThan(15);
    await store.close();
  });

  test('of a flush at the end fails the stream', async () => {
    database.flush = () => Promise.reject(new Error('no flush'));
    const stream = ingest({ durability: 'flushed' });
    stream.end();
    await expect(finished(stream)).rejects.toThrow('no flush');
  });

  test.each([
    ['a number', 7, 'ARENA_INVALID_ARGUMENT', /record 2 of the stream: it must be an object/],
    ['an unknown type', { type: 'merge', key: key(1) }, 'ARENA_INVALID_ARGUMENT', /record 2 .*type must be/],
    ['an entry of 3', [key(1), VALUE, VALUE], 'ARENA_INVALID_ARGUMENT', /record 2 .*2 elements, not 3/],
    ['no key', { value: VALUE }, 'LEVEL_INVALID_KEY', /record 2 .*a key must be a Uint8Array/],
    ['a string as its key', { key: 'k', value: VALUE }, 'LEVEL_INVALID_KEY', /record 2/],
    ['no value', { type: 'put', key: key(1) }, 'LEVEL_INVALID_VALUE', /record 2 .*a value must be/],
    ['a key to delete that is none', { type: 'del', key: null }, 'LEVEL_INVALID_KEY', /record 2/],
  ])(
    'of a record that has %s names it, and nothing behind it is written',
    async (_what, bad, code, message) => {
      const storage = new MemoryStorage();
      const store = await inlineStore(storage);
      for (const web of [false, true]) {
        const records = Readable.from([record(0), record(1), bad, record(3)]);
        const done = web
          ? Readable.toWeb(records).pipeTo(webIngestStream(store) as WritableStream)
          : pipeline(records, ingestStream(store));
        const error = await done.catch((caught: unknown) => caught);
        expect(error).toMatchObject({ code, message: expect.stringMatching(message) });
        expect(store.hasSync(key(3))).toBe(false);
      }
      await store.close();
    },
  );

  test.each([
    [{ batchBytes: 0 }, /'batchBytes' must be an integer from 1/],
    [{ batchMs: -1 }, /'batchMs' must be a number of milliseconds/],
    [
      { durability: 'eternal' },
      /'durability' must be 'acknowledged', 'synced' or 'flushed', not the string 'eternal'/,
    ],
    [{ maxInFlight: 1.5 }, /'maxInFlight'/],
    [{ signal: {} }, /'signal' must be an AbortSignal/],
    [{ bacthBytes: 10 }, /unknown ingest option 'bacthBytes'/],
  ])('of an option is thrown by the call: %o', (options, message) => {
    for (const make of [ingestStream, webIngestStream]) {
      expect(() => make(database, options as IngestOptions)).toThrow(
        expect.objectContaining({ code: 'ARENA_INVALID_ARGUMENT', message: expect.stringMatching(message) }),
      );
    }
  });

  test('is thrown where the database cannot do it', () => {
    expect(() => ingestStream({} as never)).toThrow(/needs a database/);
    const { batch } = database;
    expect(() => ingestStream({ batch }, { durability: 'flushed' })).toThrow(/no method flush/);
  });
});

describe('an abort', () => {
  test('in the middle ends the stream, which closes when nothing is under way any more', async () => {
    const abort = new AbortController();
    const stream = ingest({ signal: abort.signal });
    let closed = false;
    stream.on('close', () => {
      closed = true;
    });
    const failed = once(stream, 'error').catch((error: unknown) => error);
    for (let i = 0; i < 6; i++) stream.write(record(i));
    await settle();
    abort.abort(new Error('enough'));
    await settle();
    expect(closed).toBe(false);
    database.waiting[0]!.resolve();
    await settle();
    expect(closed).toBe(true);
    await failed;
    expect(stream.errored).toMatchObject({ code: 'LEVEL_ABORTED', cause: { message: 'enough' } });
    expect(lengths()).toEqual([2]);
  });

  test('before the first record writes nothing', async () => {
    const stream = ingest({ signal: AbortSignal.abort() });
    stream.end(record(0));
    await expect(finished(stream)).rejects.toMatchObject({ code: 'LEVEL_ABORTED' });
    expect(lengths()).toEqual([]);
  });

  test('leaves no listener behind once the stream has ended', async () => {
    const { signal } = new AbortController();
    let listeners = 0;
    const { addEventListener, removeEventListener } = signal;
    signal.addEventListener = (...args: Parameters<typeof addEventListener>) => {
      listeners++;
      addEventListener.apply(signal, args);
    };
    signal.removeEventListener = (...args: Parameters<typeof removeEventListener>) => {
      listeners--;
      removeEventListener.apply(signal, args);
    };
    const node = ingest({ signal });
    const web = webIngestStream(database, { signal });
    expect(listeners).toBe(2);
    node.end();
    await finished(node);
    await web.close();
    await settle();
    expect(listeners).toBe(0);
  });
});

describe('the form of the web', () => {
  test('keeps the order, waits for a slow database, and closes when all is durable', async () => {
    const stream = webIngestStream(database, { batchBytes: TWO_RECORDS, durability: 'synced' }, { clock });
    const writer = stream.getWriter();
    const writes = Array.from({ length: 5 }, (_, i) => writer.write(record(i)));
    const closed = writer.close();
    await settle();
    expect(lengths()).toEqual([2]);
    expect(await stateOf(writes[4]!)).toBe('pending');
    for (const expected of [[2], [2, 2], [2, 2, 1]]) {
      await eventually(() => database.waiting.length === 1);
      expect(lengths()).toEqual(expected);
      expect(await stateOf(closed)).toBe('pending');
      database.waiting[0]!.resolve();
    }
    await closed;
    expect(database.asked.at(-1)!.sync).toBe(true);
  });

  test('is errored by a batch that fails, also while nobody writes', async () => {
    const stream = webIngestStream(database, { batchMs: 5 }, { clock });
    const writer = stream.getWriter();
    await writer.write(record(0));
    clock.advance(5);
    const error = new Error('the disk is full');
    database.waiting[0]!.reject(error);
    await expect(writer.closed).rejects.toBe(error);
    await expect(writer.write(record(1))).rejects.toBe(error);
    expect(lengths()).toEqual([1]);
  });

  test('writes nothing behind an abort, its own or that of a signal', async () => {
    for (const bySignal of [false, true]) {
      const abort = new AbortController();
      const stream = webIngestStream(database, { signal: abort.signal }, { clock });
      const writer = stream.getWriter();
      writer.closed.catch(() => {});
      await writer.write(record(0));
      if (bySignal) abort.abort();
      else await writer.abort(new Error('enough'));
      await settle();
      clock.advance(1000);
      await settle();
      expect(lengths()).toEqual([]);
      await expect(writer.write(record(1))).rejects.toBeDefined();
    }
  });
});

test('records may be puts, deletions and entries, for a store and for classic-level', async () => {
  const level = new ClassicLevel<string, string>(temporaryDirectory());
  const strings: IngestRecord<string, string>[] = [
    { key: 'a', value: '1' },
    { type: 'put', key: 'b', value: '2' },
    ['c', '3'],
    { type: 'del', key: 'a' },
  ];
  await pipeline(Readable.from(strings), ingestStream<string, string>(level, { durability: 'synced' }));
  expect(await level.iterator().all()).toEqual([
    ['b', '2'],
    ['c', '3'],
  ]);
  await level.close();
  const store = await inlineStore(new MemoryStorage());
  const records: IngestRecord[] = [
    { key: bytes('a'), value: bytes('1') },
    [bytes('c'), bytes('3')],
    { type: 'del', key: bytes('a') },
  ];
  await pipeline(Readable.from(records), ingestStream(store));
  expect([...readContents(store)]).toEqual([['c', '3']]);
  await store.close();
});

test('a producer that heeds back-pressure stores everything, whatever the sizes', async () => {
  const storage = new MemoryStorage();
  const store = await inlineStore(storage);
  for (const batchBytes of [1, 1500, 100_000]) {
    const stream = ingestStream(store, { batchBytes, durability: 'flushed' });
    await writeAll(stream, 120);
    stream.end();
    await finished(stream);
    expect(readContents(store).size).toBe(120);
    await store.clear();
  }
  await store.close();
});
