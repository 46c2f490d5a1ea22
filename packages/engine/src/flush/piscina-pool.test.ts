import { ErrorCode } from '@arena-level/common/base/errors';
import { afterEach, describe, expect, test } from 'vitest';
import {
  flushRequest,
  ManualClock,
  prepareRequest,
  until,
  verifyRequest,
  writeWorker,
} from './piscina-pool.test-support.ts';
import { PiscinaPool } from './piscina-pool.ts';

/** Does what the request's number says: see CRASHES. Otherwise answers with number and thread. */
const WORKER = writeWorker(`
  import { threadId } from 'node:worker_threads';
  export default function (request) {
    const number = request.tempNumber ?? request.tableNumber;
    if (number === 901) throw new Error('thrown');
    if (number === 903) process.exit(3);
    if (number === 905) return { kind: 'built', function: () => 1 };
    if (number === 906) setImmediate(() => { throw new Error('uncaught later'); });
    if (number === 906) return new Promise(() => {});
    if (request.arena?.byteLength === 8) {
      const words = new Int32Array(request.arena);
      Atomics.store(words, 0, 1);
      Atomics.wait(words, 1, 0);
    }
    return { number, threadId };
  }
`);
const GATED_BYTES = 8;
/** A flush that stands still until \`open\` is called. */
function gatedFlush(number: number) {
  const words = new Int32Array(new SharedArrayBuffer(GATED_BYTES));
  const open = (): void => {
    Atomics.store(words, 1, 1);
    Atomics.notify(words, 1);
  };
  return { request: flushRequest(number, words.buffer), hasBegun: () => Atomics.load(words, 0) === 1, open };
}
const quickFlush = (number: number) => flushRequest(number, new SharedArrayBuffer(16));

const pools: PiscinaPool[] = [];
const OWNER = {};
function makePool(workerUrl: string, size = 1, clock = new ManualClock()): PiscinaPool {
  const pool = new PiscinaPool(workerUrl, size, clock);
  pools.push(pool);
  return pool;
}
afterEach(async () => {
  await Promise.all(pools.splice(0).map((pool) => pool.end()));
});

describe('a pool of flush workers', () => {
  test('answers task after task in one thread', async () => {
    const pool = makePool(WORKER);
    const first = (await pool.run(quickFlush(1), OWNER)) as { number: number; threadId: number };
    const second = (await pool.run(verifyRequest(2), OWNER)) as { number: number; threadId: number };
    expect([first.number, second.number]).toEqual([1, 2]);
    expect(second.threadId).toBe(first.threadId);
  });

  test('runs as many tasks at a time as it has threads, and no more', async () => {
    const pool = makePool(WORKER, 2);
    const gates = [gatedFlush(1), gatedFlush(2), gatedFlush(3)];
    const answers = gates.map(({ request }) => pool.run(request, OWNER));
    await until(() => gates[0]!.hasBegun() && gates[1]!.hasBegun());
    expect(pool.waitingOf(OWNER)).toBe(1);
    gates[0]!.open();
    await until(() => gates[2]!.hasBegun());
    for (const gate of gates) gate.open();
    expect(await Promise.all(answers)).toMatchObject([{ number: 1 }, { number: 2 }, { number: 3 }]);
  });

  test('lets flushes and preparations overtake verifications that wait', async () => {
    const pool = makePool(WORKER);
    const order: number[] = [];
    const gate = gatedFlush(0);
    const answers = [
      pool.run(gate.request, OWNER),
      ...[1, 2].map((n) => pool.run(verifyRequest(n), OWNER).then(() => order.push(n))),
      ...[3, 4].map((n) => pool.run(quickFlush(n), OWNER).then(() => order.push(n))),
      pool.run(prepareRequest(new SharedArrayBuffer(16)), OWNER).then(() => order.push(5)),
    ];
    await until(gate.hasBegun);
    gate.open();
    await Promise.all(answers);
    expect(order).toEqual([3, 4, 5, 1, 2]);
  });

  test('keeps one of two threads free of verifications', async () => {
    const pool = makePool(WORKER, 2);
    const verifications = [1, 2, 3].map((n) => pool.run(verifyRequest(n), OWNER));
    expect(pool.waitingOf(OWNER)).toBe(2);
    await Promise.all(verifications);
  });
});

const CRASHES = [
  { id: 'throws', number: 901, reason: 'thrown' },
  { id: 'exits', number: 903, reason: 'exited with code: 3' },
  { id: 'answers with what cannot be cloned', number: 905, reason: 'no error' },
  { id: 'fails in a callback after the call', number: 906, reason: 'uncaught later' },
];

describe('a worker that fails', () => {
  test.each(CRASHES)(
    'and $id fails its task, and the waiting one finds a thread',
    async ({ number, reason }) => {
      const pool = makePool(WORKER);
      await pool.run(quickFlush(0), OWNER);
      const failed = pool.run(quickFlush(number), OWNER);
      const next = pool.run(quickFlush(1), OWNER);
      await expect(failed).rejects.toMatchObject({
        code: ErrorCode.WorkerFailed,
        message: expect.stringContaining(reason),
      });
      expect(await next).toMatchObject({ number: 1 });
    },
  );

  test('while it has no task is replaced, and nobody hears of it', async () => {
    const worker = writeWorker(`
      import { threadId } from 'node:worker_threads';
      export default ({ tempNumber, arena }) => {
        const words = new Int32Array(arena);
        if (tempNumber === 1) {
          setInterval(() => { if (Atomics.load(words, 0) === 1) throw new Error('later'); }, 1);
        }
        return { threadId };
      };
    `);
    const pool = makePool(worker);
    const request = quickFlush(1);
    const first = (await pool.run(request, OWNER)) as { threadId: number };
    // Only when its answer has come: before, the task would fail with the thread.
    Atomics.store(new Int32Array(request.arena), 0, 1);
    let second = first;
    // Its death may come before, between or after the second task's answers.
    while (second.threadId === first.threadId) {
      second = (await pool.run(quickFlush(2), OWNER).catch(() => first)) as { threadId: number };
    }
    expect(second.threadId).toBeGreaterThan(first.threadId);
  });
});

describe('a worker that cannot start', () => {
  const STARTS = [
    { id: 'whose file is missing', url: 'file:///nowhere/flush.worker.mjs', reason: 'Cannot find module' },
    {
      id: 'that throws while it loads',
      url: writeWorker("throw new Error('broken bundle');"),
      reason: 'broken bundle',
    },
    {
      id: 'that exits while it loads',
      url: writeWorker('process.exit(0);'),
      reason: 'ended while it started',
    },
    {
      id: 'without a default export',
      url: writeWorker('export const other = 1;'),
      reason: 'No handler function',
    },
  ];

  test.each(STARTS)('$id fails each of its tasks with a hint, and none hangs', async ({ url, reason }) => {
    const pool = makePool(url, 2);
    const answers = await Promise.allSettled([1, 2, 3, 4].map((n) => pool.run(quickFlush(n), OWNER)));
    for (const answer of answers) {
      expect(answer).toMatchObject({ status: 'rejected', reason: { code: ErrorCode.WorkerFailed } });
      const { message } = (answer as PromiseRejectedResult).reason as Error;
      expect(message).toContain(reason);
      expect(message).toContain("flush: 'inline'");
      expect(message).toContain('workerUrl');
    }
  });
});

describe('settling an owner', () => {
  test('gives up what waits, waits for what runs, and leaves the tasks of others alone', async () => {
    const clock = new ManualClock();
    const pool = makePool(WORKER, 1, clock);
    const other = {};
    const gate = gatedFlush(1);
    const running = pool.run(gate.request, OWNER);
    const waiting = pool.run(quickFlush(2), OWNER);
    const verification = pool.run(verifyRequest(3), OWNER);
    const others = pool.run(quickFlush(4), other);
    await until(gate.hasBegun);
    let settled = false;
    const settling = pool.settle(OWNER).then(() => {
      settled = true;
    });
    await expect(waiting).rejects.toMatchObject({ code: ErrorCode.Aborted });
    await expect(verification).rejects.toMatchObject({ code: ErrorCode.Aborted });
    expect(settled).toBe(false);
    gate.open();
    await settling;
    expect(await running).toMatchObject({ number: 1 });
    expect(await others).toMatchObject({ number: 4 });
    expect(clock.pendingTimers).toBe(0);
  });

  test('ends the thread of a task that does not end, after a time of grace', async () => {
    const clock = new ManualClock();
    const pool = makePool(WORKER, 1, clock);
    const gate = gatedFlush(1);
    const hanging = pool.run(gate.request, OWNER);
    await until(gate.hasBegun);
    const settling = pool.settle(OWNER);
    clock.advance(29_999);
    await new Promise((resolve) => setImmediate(resolve));
    expect(clock.pendingTimers).toBe(1);
    clock.advance(1);
    await expect(hanging).rejects.toMatchObject({ code: ErrorCode.WorkerFailed });
    await settling;
  });
});
