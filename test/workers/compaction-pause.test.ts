/** Compactions in real threads beside flushes. */
import { availableParallelism } from 'node:os';
import type { OpenOptions } from 'arena-level/engine';
import { expect, test } from 'vitest';
import { OwnPool } from './own-pool.ts';
import { type WorkerStore, withWorkerStore } from './worker-store.ts';

const LEVELS: OpenOptions = { level0CompactionTrigger: 4, level0SlowdownTrigger: 50, level0PauseTrigger: 60 };

function nextEvent(store: WorkerStore, name: 'compaction-started' | 'compaction-finished'): Promise<unknown> {
  return new Promise((resolve) => store.store.on(name, resolve));
}

/** Tables of level 0, and a compaction of them that has begun. */
async function startCompaction(store: WorkerStore, keys: number): Promise<void> {
  const started = nextEvent(store, 'compaction-started');
  for (let n = 0; n < 4; n++) {
    await store.write(n * 50, keys, `table ${n}`);
    await store.store.flush();
  }
  await started;
}

test('a thread of its own that is shared by flushes and compactions is never made to sleep', async () => {
  const pool = new OwnPool();
  await withWorkerStore({ options: LEVELS, modules: { pool } }, async (store) => {
    const finished = nextEvent(store, 'compaction-finished');
    await startCompaction(store, 300);
    await store.write(0, 300, 'beside');
    await store.store.flush();
    await finished;
    store.expectContents();
    await store.close();
    await store.expectContentsAfterReopen();
  });
  await pool.terminate();
});

test.runIf(availableParallelism() === 2)(
  'a compaction sleeps while flushes run on a machine with two cores, and comes to its end',
  () =>
    withWorkerStore({ options: { ...LEVELS, writeBufferSize: 4 * 2 ** 20 } }, async (store) => {
      const finished = nextEvent(store, 'compaction-finished');
      await startCompaction(store, 20_000);
      for (let n = 0; n < 3; n++) {
        await store.write(n, 300, `beside ${n}`);
        await store.store.flush();
      }
      expect(store.store.stats().compactions.pauses).toBeGreaterThan(0);
      expect(await finished).toMatchObject({ pausedMs: expect.any(Number) });
      store.expectContents();
      await store.close();
      await store.expectContentsAfterReopen();
    }),
);
