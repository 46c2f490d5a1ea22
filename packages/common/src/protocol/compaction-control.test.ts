import { Worker } from 'node:worker_threads';
import { describe, expect, test } from 'vitest';
import { CompactionGuest, CompactionHandle, CompactionState } from './compaction-control.ts';

describe('the shared memory of a compaction', () => {
  test('says running, paused, running again, and cancelled for good', () => {
    const handle = new CompactionHandle();
    const guest = new CompactionGuest(handle.memory);
    expect(guest.state).toBe(CompactionState.Running);
    handle.pause();
    expect(guest.state).toBe(CompactionState.Paused);
    handle.resume();
    expect(guest.state).toBe(CompactionState.Running);
    handle.cancel();
    handle.pause();
    handle.resume();
    expect(guest.state).toBe(CompactionState.Cancelled);
  });

  test('gives the last report, and keeps it until there is another', () => {
    const handle = new CompactionHandle();
    const guest = new CompactionGuest(handle.memory);
    expect(handle.report()).toEqual({ bytesDone: 0, pausedMs: 0 });
    guest.report(10, 0);
    guest.report(20, 1.5);
    expect(handle.report()).toEqual({ bytesDone: 20, pausedMs: 1.5 });
    expect(handle.report()).toEqual({ bytesDone: 20, pausedMs: 1.5 });
    guest.report(30, 2);
    expect(handle.report()).toEqual({ bytesDone: 30, pausedMs: 2 });
  });

  test('leaves reports out while nobody takes them, and goes on behind them', () => {
    const handle = new CompactionHandle();
    const guest = new CompactionGuest(handle.memory);
    for (let i = 1; i <= 1000; i++) guest.report(i, 0);
    expect(handle.report().bytesDone).toBeGreaterThan(0);
    guest.report(1001, 0);
    expect(handle.report().bytesDone).toBe(1001);
  });

  test.each(['resume', 'cancel'] as const)(
    'wakes a thread that sleeps while it is paused: %s',
    async (waker) => {
      const handle = new CompactionHandle();
      handle.pause();
      const worker = new Worker(
        `const { parentPort, workerData } = require('node:worker_threads');
         const word = new Int32Array(workerData);
         parentPort.postMessage('sleeps');
         while (Atomics.load(word, 0) === ${CompactionState.Paused}) Atomics.wait(word, 0, ${CompactionState.Paused});
         parentPort.postMessage(Atomics.load(word, 0));`,
        { eval: true, workerData: handle.memory.control },
      );
      const messages: unknown[] = [];
      await new Promise<void>((resolve) => {
        worker.on('message', (message: unknown) => {
          messages.push(message);
          if (message === 'sleeps') handle[waker]();
          else resolve();
        });
      });
      expect(messages).toEqual([
        'sleeps',
        waker === 'resume' ? CompactionState.Running : CompactionState.Cancelled,
      ]);
      await worker.terminate();
    },
  );
});
