/** Real threads that write to a store of this one. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { ErrorCode } from '@arena-level/common/base/errors';
import { FaultStorage } from '@arena-level/common/storage/fault-storage';
import { MemoryStorage } from '@arena-level/common/storage/memory-storage';
import { NodeStorage } from '@arena-level/common/storage/node-storage';
import { describe, expect, test } from 'vitest';
import { bundleForNode } from '../support/bundle.ts';
import { eventually, nextTurn } from '../support/eventually.ts';
import { seedFromEnvironment } from '../support/seed.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { bytes } from '../support/text-bytes.ts';
import { problemOf } from './produced.ts';
import { type Producer, startProducer } from './producers.ts';
import { openHeldRinged, openRinged, type RingTask } from './ringed-store.ts';
import { runTerminations } from './terminations.ts';

const SEED = seedFromEnvironment(20_261_126);

describe('threads that write', () => {
  test.each([
    ['blocking', 2, 64],
    ['async', 3, 256],
    ['mixed', 4, 4096],
    ['mixed', 2, 2 ** 20],
  ] as const)(
    `each keep their order: %s, %i of them, rings of %i bytes (seed ${SEED})`,
    async (calls, threads, ringBytes) => {
      const { store, attach, close } = await openRinged({ writeBufferSize: 256 * 1024 });
      const producers = await Promise.all(
        Array.from({ length: threads }, (_, id) =>
          startProducer(attach({ ringBytes, lastTicket: 2 ** 31 - 100 }), {
            id,
            seed: SEED,
            calls,
            maxValueBytes: 2 * ringBytes,
            ...(ringBytes > 10_000 ? { maxValueBytes: 3000 } : {}),
          }),
        ),
      );
      // The owner writes, too, and is busy now and then.
      let own = 0;
      const reports = Promise.all(producers.map(({ report }) => report));
      let done = false;
      reports.finally(() => {
        done = true;
      });
      for (; !done; own++) {
        store.putSync(bytes(`own ${own}`), bytes('v'));
        await new Promise<void>((resolve) => setImmediate(resolve));
      }
      for (const report of await reports) expect(report).toEqual({ acknowledged: 500 });
      for (const { task } of producers) expect(problemOf(store, task, 500)).toBeUndefined();
      expect(store.stats().writes.entries).toBe(own + 1500 * threads);
      await Promise.all(producers.map(({ ended }) => ended));
      await close();
    },
  );

  test('share the owner, and none waits for the others to end', async () => {
    const { attach, close } = await openRinged();
    const acknowledged = new SharedArrayBuffer(64);
    const many = await startProducer(attach(), { id: 0, batches: 100_000, calls: 'async' }, acknowledged);
    await many.reaches(100);
    const few = await startProducer(attach(), { id: 1, batches: 50 }, acknowledged);
    expect(await few.report).toEqual({ acknowledged: 50 });
    expect(many.acknowledged).toBeLessThan(100_000);
    await many.terminate();
    await close();
  });

  test('find what they were told is on the disk behind a crash of the machine', async () => {
    const storage = new MemoryStorage();
    const { attach, close } = await openRinged({}, { storage });
    const producer = await startProducer(attach(), { id: 0, batches: 40, calls: 'mixed', syncOneIn: 1 });
    const { acknowledged } = await producer.report;
    const crashed = await openRinged({}, { storage: new MemoryStorage({ files: storage.snapshot() }) });
    expect(acknowledged).toBe(40);
    expect(problemOf(crashed.store, producer.task, 40)).toBeUndefined();
    await crashed.close();
    await close();
  });

  test('hear of a journal that failed', async () => {
    const storage = new FaultStorage(new MemoryStorage());
    const { store, attach, close } = await openRinged({}, { storage });
    const producers = await Promise.all(
      (['blocking', 'async'] as const).map((calls, id) =>
        startProducer(attach(), { id, calls, batches: 1_000_000 }),
      ),
    );
    await Promise.all(producers.map((producer) => producer.reaches(50)));
    storage.install({
      rules: [
        { operation: 'write', type: 'journal', nth: 1, times: 1, effect: 'torn-write', errno: 'EIO' },
        { operation: 'create', nth: 1, times: Number.POSITIVE_INFINITY, effect: 'error', errno: 'EIO' },
      ],
    });
    const codes: string[] = [ErrorCode.WriteOutcomeUnknown, ErrorCode.WritesStopped];
    for (const { report } of producers) expect(codes).toContain((await report).code);
    for (const { task, acknowledged } of producers) {
      expect(problemOf(store, task, acknowledged)).toBeUndefined();
    }
    storage.install({ rules: [] });
    await store.resume();
    await close();
  });
});

describe('closing the store', () => {
  test('wakes the threads that wait, and what they were told is there', async () => {
    const directory = temporaryDirectory();
    const { attach, close } = await openRinged({}, { storage: new NodeStorage(directory) });
    const plans = [
      { id: 0, calls: 'blocking' },
      { id: 1, calls: 'async' },
      { id: 2, calls: 'mixed', syncOneIn: 10 },
    ] as const;
    const producers = await Promise.all(
      plans.map((plan) => startProducer(attach({ ringBytes: 512 }), { ...plan, batches: 1_000_000 })),
    );
    await Promise.all(producers.map((producer) => producer.reaches(30)));
    await close();
    for (const { report } of producers) expect((await report).code).toBe(ErrorCode.DatabaseNotOpen);
    await Promise.all(producers.map(({ ended }) => ended));
    const reopened = await openRinged({}, { storage: new NodeStorage(directory) });
    for (const { task, acknowledged } of producers) {
      expect(problemOf(reopened.store, task, acknowledged)).toBeUndefined();
    }
    await reopened.close();
  });

  test('wakes a thread whose write the disk does not answer', async () => {
    const { attach, close, schedule, clock, holdJournal } = await openHeldRinged();
    await holdJournal();
    const producer = await startProducer(attach(), { id: 0 });
    while (schedule.waiting === 0) await nextTurn();
    const closed = close();
    await nextTurn();
    // More than a store that is being closed waits for a disk.
    clock.advance(60_000);
    expect(await producer.report).toMatchObject({ acknowledged: 0, code: ErrorCode.WriteOutcomeUnknown });
    await producer.ended;
    schedule.release();
    await expect(closed).rejects.toMatchObject({ code: ErrorCode.WriteOutcomeUnknown });
  });
});

test('a thread hears that the thread of the store is gone, blocked or not', async () => {
  const owner = new Worker(await bundleForNode(new URL('./owner.program.ts', import.meta.url)));
  const rings = await new Promise<RingTask[]>((resolve, reject) => {
    owner.once('message', resolve);
    owner.once('error', reject);
  });
  const acknowledged = new SharedArrayBuffer(64);
  const producers: Producer[] = await Promise.all(
    (['blocking', 'async'] as const).map((calls, id) =>
      startProducer(rings[id]!, { id, calls, batches: 1_000_000 }, acknowledged),
    ),
  );
  await Promise.all(producers.map((producer) => producer.reaches(20)));
  owner.postMessage('freeze');
  await once(owner, 'message');
  await owner.terminate();
  for (const { report } of producers) expect((await report).code).toBe(ErrorCode.WriteOutcomeUnknown);
  await Promise.all(producers.map(({ ended }) => ended));
});

test(`threads that are terminated anywhere leave whole batches, in order (seed ${SEED})`, async () => {
  const report = await runTerminations({ seed: SEED, count: 6 });
  expect(report.problems).toEqual([]);
  expect(report.terminated).toBe(6);
});

test('a ring is forgotten when its thread has ended', async () => {
  const { rings, attach, close } = await openRinged();
  const producers = await Promise.all([0, 1].map((id) => startProducer(attach(), { id, batches: 10 })));
  await producers[0]!.report;
  await producers[1]!.terminate();
  await Promise.all(producers.map(({ ended }) => ended));
  await eventually(() => rings.size === 0);
  await close();
});
