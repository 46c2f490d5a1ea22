import { readdirSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import type { Arena } from '@arena-level/common/arena/arena';
import { ArenaState } from '@arena-level/common/arena/arena-state';
import { systemClock } from '@arena-level/common/base/clock';
import { ErrorCode } from '@arena-level/common/base/errors';
import { Prng } from '@arena-level/common/base/prng';
import { MemDbKind } from '@arena-level/common/memdb/memdb';
import type { FlushJob } from '@arena-level/common/protocol/flush-protocol';
import type { FaultRule } from '@arena-level/common/storage/fault-plan';
import { FaultStorage } from '@arena-level/common/storage/fault-storage';
import { MemoryStorage } from '@arena-level/common/storage/memory-storage';
import { NodeStorage } from '@arena-level/common/storage/node-storage';
import type { Storage } from '@arena-level/common/storage/storage';
import {
  flushJob,
  frozenArena,
  put,
  randomWrites,
} from '@arena-level/worker-flush/frozen-arena.test-support';
import { temporaryDirectory } from '@arena-level/worker-flush/temporary-directory.test-support';
import { flushWorkerUrl } from '@arena-level/worker-flush/worker-url';
import { Piscina } from 'piscina';
import { afterEach, describe, expect, test } from 'vitest';
import type { FlushOutcome } from './flush-executor.ts';
import { InlineFlushExecutor } from './inline-flush-executor.ts';
import { PiscinaFlushExecutor, type PiscinaFlushExecutorOptions } from './piscina-flush-executor.ts';
import { until, writeWorker } from './piscina-pool.test-support.ts';

/** Some internal key, for tables that are not there. */
const SOME_KEY = new Uint8Array(8);
const SEED = Number(process.env['SEED'] ?? 20_240_610);
const openDescriptors = (): number => readdirSync('/proc/self/fd').length;

const executors: PiscinaFlushExecutor[] = [];
function makeExecutor(
  storage: Storage,
  options: Partial<PiscinaFlushExecutorOptions> = {},
): PiscinaFlushExecutor {
  const executor = new PiscinaFlushExecutor({
    storage,
    clock: systemClock,
    flushWorkers: 1,
    compactionWorkers: 1,
    ...options,
  });
  executors.push(executor);
  return executor;
}
afterEach(async () => {
  await Promise.all(executors.splice(0).map((executor) => executor.close()));
});

/** The real worker, but for the temporary numbers from 900 on, which make it fail in several ways. */
const FAILING_WORKER = writeWorker(`
  import handleTask from ${JSON.stringify(flushWorkerUrl.href)};
  import { openSync } from 'node:fs';
  export default function (request) {
    const number = request.tempNumber;
    if (number >= 900) openSync(request.storage.directory + '/' + number, 'w');
    if (number === 901) throw new Error('thrown');
    if (number === 902) throw null;
    if (number === 903) process.exit(3);
    if (number === 904) { const hoard = []; for (;;) hoard.push(new Array(1e4).fill(number)); }
    if (number === 905) setImmediate(() => { throw new Error('uncaught'); });
    if (number === 905) return new Promise(() => {});
    if (number === 906) return { kind: 'built', table: 'is a lie' };
    if (number === 907) return undefined;
    if (number === 908) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
    return handleTask(request);
  }
`);

describe('flushing in a worker', () => {
  test.each(Object.values(MemDbKind))(
    `gives the bytes and the summary that flushing inline gives (%s, seed ${SEED})`,
    async (kind) => {
      const arena = frozenArena(kind, randomWrites(new Prng(SEED), 3000), 77);
      const job = flushJob(arena, { dropHorizon: 1500 });
      const outcomes: FlushOutcome[] = [];
      const images: Buffer[] = [];
      for (const where of ['inline', 'worker']) {
        const directory = temporaryDirectory();
        const storage = new NodeStorage(directory);
        const executor =
          where === 'worker' ? makeExecutor(storage) : new InlineFlushExecutor(storage, systemClock);
        expect(executor.kind).toBe(where);
        outcomes.push(await executor.flush(job));
        images.push(readFileSync(join(directory, '000007.dbtmp')));
      }
      const [inline, worker] = outcomes as Extract<FlushOutcome, { kind: 'built' }>[];
      expect(images[1]!.equals(images[0]!)).toBe(true);
      expect(worker).toEqual({ ...inline, timings: expect.anything() });
    },
  );

  test('verifies tables and prepares arenas there too', async () => {
    const directory = temporaryDirectory();
    const storage = new NodeStorage(directory);
    const executor = makeExecutor(storage);
    const arena = frozenArena(MemDbKind.Hash, randomWrites(new Prng(SEED), 300));
    const outcome = await executor.flush(flushJob(arena));
    if (outcome.kind !== 'built') throw new Error(outcome.kind);
    renameSync(join(directory, '000007.dbtmp'), join(directory, '000009.ldb'));
    const { size, smallest, largest, root } = outcome.table;
    const job = { tableNumber: 9, size, smallest, largest };
    const verified = await executor.verify(job);
    expect(verified).toMatchObject({ kind: 'verified', root, storedRoot: root, problems: [] });
    expect(await new InlineFlushExecutor(storage, systemClock).verify(job)).toEqual(verified);

    await expect(executor.prepare(arena.shared)).rejects.toMatchObject({ code: ErrorCode.Internal });
    free(arena);
    expect(arena.isClean).toBe(false);
    await executor.prepare(arena.shared);
    expect(arena.isClean).toBe(true);
  });

  test('stops for the cancel word and answers an empty arena', async () => {
    const executor = makeExecutor(new NodeStorage(temporaryDirectory()));
    const arena = frozenArena(MemDbKind.Hash, [put('a', '1')]);
    arena.requestCancel();
    expect(await executor.flush(flushJob(arena))).toEqual({ kind: 'cancelled' });
    expect(await executor.flush(flushJob(frozenArena(MemDbKind.Hash, [])))).toEqual({ kind: 'empty' });
  });

  test('reports the failures that the worker reports, with code and errno, as no crash', async () => {
    const directory = temporaryDirectory();
    const rule: FaultRule = { operation: 'write', nth: 1, times: 1, effect: 'error', errno: 'ENOSPC' };
    const executor = makeExecutor(new FaultStorage(new NodeStorage(directory), { rules: [rule] }));
    const outcome = await executor.flush(flushJob(frozenArena(MemDbKind.Hash, [put('a', '1')])));
    expect(outcome).toMatchObject({
      kind: 'failed',
      crashed: false,
      error: { code: ErrorCode.IoError, errno: 'ENOSPC', file: '000007.dbtmp' },
    });
    expect(readdirSync(directory)).toEqual([]);
  });

  test('needs a storage that another thread can open', () => {
    expect(() => makeExecutor(new MemoryStorage())).toThrow(
      expect.objectContaining({ code: ErrorCode.InvalidOption }),
    );
    expect(() => makeExecutor(new MemoryStorage())).toThrow("flush: 'inline'");
  });
});

describe('a flush whose worker', () => {
  const CRASHES = [
    { id: 'throws', number: 901 },
    { id: 'throws nothing at all', number: 902 },
    { id: 'exits', number: 903 },
    { id: 'throws in a callback', number: 905 },
    { id: 'lies in another shape', number: 906 },
    { id: 'answers nothing', number: 907 },
  ];
  test.each(CRASHES)(
    '$id fails as a crash; the next one succeeds, and no descriptor is left',
    async ({ number }) => {
      const before = openDescriptors();
      const directory = temporaryDirectory();
      const executor = makeExecutor(new NodeStorage(directory), { workerUrl: FAILING_WORKER });
      const arena = frozenArena(MemDbKind.Hash, randomWrites(new Prng(SEED), 100));
      const job = flushJob(arena);
      expect((await executor.flush(job)).kind).toBe('built');
      const crashed = await executor.flush({ ...job, tempNumber: number });
      expect(crashed).toMatchObject({
        kind: 'failed',
        crashed: true,
        error: { code: ErrorCode.WorkerFailed },
      });
      expect((await executor.flush({ ...job, tempNumber: 8 })).kind).toBe('built');
      expect(executor.stats()).toEqual({ running: 0, waiting: 0, completed: 3, crashed: 1 });
      expect(readdirSync(directory).sort()).toEqual(['000007.dbtmp', '000008.dbtmp', String(number)]);
      await executor.close();
      expect(openDescriptors()).toBeLessThanOrEqual(before);
    },
  );

  test('has no memory left fails as a crash, and so does one that is terminated', async () => {
    const before = openDescriptors();
    const pool = new Piscina({
      filename: FAILING_WORKER,
      minThreads: 1,
      maxThreads: 1,
      atomics: 'disabled',
      resourceLimits: { maxOldGenerationSizeMb: 24 },
    });
    pool.on('error', () => {});
    const executor = makeExecutor(new NodeStorage(temporaryDirectory()), { pool });
    const job = flushJob(frozenArena(MemDbKind.Hash, [put('a', '1')]));
    expect(await executor.flush({ ...job, tempNumber: 904 })).toMatchObject({
      kind: 'failed',
      crashed: true,
      error: { code: ErrorCode.WorkerFailed, message: expect.stringContaining('memory') },
    });
    expect((await executor.flush(job)).kind).toBe('built');
    const hanging = executor.flush({ ...job, tempNumber: 908 });
    await until(() => pool.utilization > 0 && pool.threads.length === 1);
    await pool.destroy();
    expect(await hanging).toMatchObject({ crashed: true, error: { code: ErrorCode.WorkerFailed } });
    await executor.close();
    expect(openDescriptors()).toBeLessThanOrEqual(before);
  });

  test('hangs can be done on the calling thread meanwhile', async () => {
    const pool = { run: () => new Promise(() => {}) };
    const executor = new PiscinaFlushExecutor({
      storage: new NodeStorage(temporaryDirectory()),
      clock: systemClock,
      flushWorkers: 1,
      compactionWorkers: 1,
      pool,
    });
    const job = flushJob(frozenArena(MemDbKind.Hash, [put('a', '1')]));
    void executor.flush(job);
    expect(executor.flushNow({ ...job, tempNumber: 8 }).kind).toBe('built');
    expect(executor.stats().running).toBe(1);
  });

  test('cannot be started fails with a hint at flushing inline', async () => {
    const executor = makeExecutor(new NodeStorage(temporaryDirectory()), {
      workerUrl: 'file:///nowhere/worker.mjs',
    });
    const outcome = await executor.flush(flushJob(frozenArena(MemDbKind.Hash, [put('a', '1')])));
    expect(outcome).toMatchObject({ kind: 'failed', crashed: true, error: { code: ErrorCode.WorkerFailed } });
    expect(outcome).toMatchObject({ error: { message: expect.stringContaining("flush: 'inline'") } });
  });

  test('belongs to a pool that throws or rejects anything fails as a crash', async () => {
    const job = flushJob(frozenArena(MemDbKind.Hash, [put('a', '1')]));
    const runs = [
      () => Promise.reject(new Error('rejected')),
      () => Promise.reject('a string'),
      (): Promise<unknown> => {
        throw new Error('thrown');
      },
    ];
    for (const run of runs) {
      const executor = makeExecutor(new NodeStorage(temporaryDirectory()), { pool: { run } });
      expect(await executor.flush(job)).toMatchObject({
        crashed: true,
        error: { code: ErrorCode.WorkerFailed },
      });
      expect(
        await executor.verify({ tableNumber: 1, size: 1, smallest: SOME_KEY, largest: SOME_KEY }),
      ).toMatchObject({ crashed: true });
      await expect(executor.prepare(job.arena)).rejects.toMatchObject({ code: ErrorCode.WorkerFailed });
    }
  });
});

describe('closing', () => {
  test('ends flushes that no thread has begun as cancelled, and waits for the others', async () => {
    const executor = makeExecutor(new NodeStorage(temporaryDirectory()));
    const arena = frozenArena(MemDbKind.Hash, randomWrites(new Prng(SEED), 500));
    const jobs: FlushJob[] = [1, 2, 3].map((tempNumber) => flushJob(arena, { tempNumber }));
    const outcomes = jobs.map((job) => executor.flush(job));
    expect(executor.stats()).toMatchObject({ running: 1, waiting: 2 });
    const closing = executor.close();
    expect(executor.close()).toBe(closing);
    await closing;
    expect((await Promise.all(outcomes)).map(({ kind }) => kind)).toEqual([
      'built',
      'cancelled',
      'cancelled',
    ]);
    expect(executor.stats()).toEqual({ running: 0, waiting: 0, completed: 3, crashed: 0 });
  });

  test('gives up verifications that wait, and lets nothing in afterwards', async () => {
    const executor = makeExecutor(new NodeStorage(temporaryDirectory()));
    const verifyJob = { tableNumber: 1, size: 1, smallest: SOME_KEY, largest: SOME_KEY };
    const outcomes = [executor.verify(verifyJob), executor.verify(verifyJob)];
    await executor.close();
    expect(await Promise.all(outcomes)).toMatchObject([
      { error: { code: ErrorCode.IoError }, crashed: false },
      { error: { code: ErrorCode.Aborted }, crashed: false },
    ]);
    const closed = { code: ErrorCode.DatabaseNotOpen };
    await expect(executor.verify(verifyJob)).rejects.toMatchObject(closed);
    const arena = frozenArena(MemDbKind.Hash, [put('a', '1')]);
    await expect(executor.flush(flushJob(arena))).rejects.toMatchObject(closed);
    await expect(executor.prepare(arena.shared)).rejects.toMatchObject(closed);
  });

  test('an inline executor too', async () => {
    const executor = new InlineFlushExecutor(new MemoryStorage(), systemClock);
    const arena = frozenArena(MemDbKind.Hash, [put('a', '1')]);
    expect((await executor.flush(flushJob(arena))).kind).toBe('built');
    free(arena);
    await executor.prepare(arena.shared);
    expect(executor.stats()).toEqual({ running: 0, waiting: 0, completed: 2, crashed: 0 });
    const closing = executor.close();
    expect(executor.close()).toBe(closing);
    await expect(executor.flush(flushJob(arena))).rejects.toMatchObject({ code: ErrorCode.DatabaseNotOpen });
  });
});

function free(arena: Arena): void {
  arena.transition(ArenaState.Flushed);
  arena.transition(ArenaState.Free);
}

test('an executor that cannot be made keeps no share of a pool', async () => {
  const storage = new NodeStorage(temporaryDirectory());
  const first = makeExecutor(storage);
  expect(() => makeExecutor(storage, { compactionWorkers: 2 })).toThrow(/compactionWorkers' is 2/);
  await first.close();
  expect(() => makeExecutor(storage, { flushWorkers: 2 })).not.toThrow();
});
