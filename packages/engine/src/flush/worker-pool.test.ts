import { ErrorCode } from '@arena-level/common/base/errors';
import { describe, expect, test } from 'vitest';
import { flushRequest, ManualClock, writeWorker } from './piscina-pool.test-support.ts';
import { borrowedPool, leaseWorkerPool } from './worker-pool.ts';

const SOURCE = `
  import { threadId } from 'node:worker_threads';
  export default () => threadId;
`;
const clock = new ManualClock();
const WORKER = writeWorker(SOURCE);
const lease = (size = 1, workerUrl = WORKER) => leaseWorkerPool({ use: 'flush', workerUrl, size, clock });

describe('worker pools of a thread', () => {
  test('are shared by all leases of one worker file', async () => {
    const [one, two] = [lease(), lease()];
    expect(await two.run(flushRequest(2))).toBe(await one.run(flushRequest(1)));
    await Promise.all([one.close(), two.close()]);
  });

  test('are apart for different worker files', async () => {
    const [one, two] = [lease(1), lease(2, writeWorker(SOURCE))];
    expect(await two.run(flushRequest(2))).not.toBe(await one.run(flushRequest(1)));
    await Promise.all([one.close(), two.close()]);
  });

  test('refuse a second size while they live, naming both', async () => {
    const one = lease(2);
    expect(() => lease(3)).toThrow(expect.objectContaining({ code: ErrorCode.InvalidOption }));
    expect(() => lease(3)).toThrow(/flushWorkers' is 3.*pool of 2/);
    await one.close();
    const two = lease(3);
    await two.close();
  });

  test('live until their last lease is closed', async () => {
    const [one, two] = [lease(), lease()];
    const thread = await one.run(flushRequest(1));
    await one.close();
    expect(await two.run(flushRequest(2))).toBe(thread);
    await two.close();
    const three = lease();
    expect(await three.run(flushRequest(3))).not.toBe(thread);
    await three.close();
  });

  test('do not come back to life through a closed lease', async () => {
    const one = lease();
    const closing = one.close();
    expect(one.close()).toBe(closing);
    await expect(one.run(flushRequest(1))).rejects.toMatchObject({ code: ErrorCode.DatabaseNotOpen });
    await closing;
    await expect(one.run(flushRequest(1))).rejects.toMatchObject({ code: ErrorCode.DatabaseNotOpen });
  });

  test('start no thread for a lease that runs nothing', async () => {
    const one = lease(1, 'file:///nowhere/worker.mjs');
    await one.close();
  });
});

describe('a borrowed pool', () => {
  test('gets the requests, and is waited for but not closed', async () => {
    const seen: unknown[] = [];
    let answer: (value: unknown) => void = () => {};
    const borrowed = borrowedPool(
      {
        run: (request) => {
          seen.push(request);
          return new Promise((resolve) => {
            answer = resolve;
          });
        },
      },
      clock,
    );
    const request = flushRequest(7);
    const answered = borrowed.run(request);
    let closed = false;
    const closing = borrowed.close().then(() => {
      closed = true;
    });
    await Promise.resolve();
    expect(closed).toBe(false);
    answer('answer');
    await closing;
    expect(await answered).toBe('answer');
    expect(seen).toEqual([request]);
  });

  test('that rejects is no reason for close to fail', async () => {
    const borrowed = borrowedPool({ run: () => Promise.reject(new Error('no')) }, clock);
    await expect(borrowed.run(flushRequest(1))).rejects.toThrow('no');
    await borrowed.close();
  });

  test('that never answers is given up when its patience ends, and not before', async () => {
    const waiting = new ManualClock();
    const borrowed = borrowedPool({ run: () => new Promise(() => {}) }, waiting);
    const answer = borrowed.run(flushRequest(1));
    const closing = borrowed.close();
    expect(waiting.pendingTimers).toBe(1);
    waiting.advance(30_000);
    await expect(answer).rejects.toMatchObject({ code: ErrorCode.WorkerFailed });
    await closing;
  });
});
