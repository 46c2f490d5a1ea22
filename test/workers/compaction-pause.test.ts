/** Compactions in real threads beside flushes. */
import { join } from 'node:path';
import type { OpenOptions, StoreEvents } from 'arena-level/engine';
import { expect, test } from 'vitest';
import { PauseGate } from '../../packages/engine/src/compaction/pause-gate.ts';
import { nextTurn } from '../support/eventually.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { isHanging, planMisbehaviour } from './misbehaviour.ts';
import { OwnPool } from './own-pool.ts';
import { WorkerStore, withWorkerStore } from './worker-store.ts';

const LEVELS: OpenOptions = { level0CompactionTrigger: 4, level0SlowdownTrigger: 50, level0PauseTrigger: 60 };
/** Room for a compaction that takes a while. */
const LONG: OpenOptions = { ...LEVELS, writeBufferSize: 4 * 2 ** 20, compactionWorkers: 1 };

function nextEvent<N extends 'compaction-started' | 'compaction-finished'>(
  { store }: WorkerStore,
  name: N,
): Promise<StoreEvents[N]> {
  return new Promise((resolve) => store.on(name, resolve));
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

/** Whether its thread is in the middle of the compaction; false: it has ended. */
async function isMerging({ store }: WorkerStore, finished: Promise<unknown>): Promise<boolean> {
  let isOver = false;
  void finished.then(() => {
    isOver = true;
  });
  while (!isOver && store.stats().compactions.bytesDone === 0) await nextTurn();
  return !isOver;
}

/** A gate that is shut while `isShut` says so: a flush of some other store that the test stands for. */
function gateOfTest() {
  const gate = new PauseGate(1);
  let flushes = 0;
  gate.add({ flushes: () => flushes, compactions: () => [], isUrgent: () => false });
  const set = (isShut: boolean): void => {
    flushes = isShut ? 1 : 0;
    gate.update();
  };
  return { gate, set };
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

test('a compaction sleeps while flushes run where no core is free, and what it slept is told', async () => {
  const { gate, set } = gateOfTest();
  await withWorkerStore({ options: LONG, modules: { pauseGate: gate } }, async (store) => {
    let pausedMs = 0;
    // A thread may have ended before it is told to sleep: then once more.
    for (let round = 0; round < 5 && pausedMs === 0; round++) {
      const finished = nextEvent(store, 'compaction-finished');
      await startCompaction(store, 15_000);
      if (await isMerging(store, finished)) {
        set(true);
        // The thread sleeps, and flushes are not held up.
        for (let n = 0; n < 2; n++) {
          await store.write(n, 300, `beside ${n}`);
          await store.store.flush();
        }
        set(false);
      }
      ({ pausedMs } = await finished);
    }
    expect(pausedMs).toBeGreaterThan(0);
    const { levels, compactions } = store.store.stats();
    expect(levels[1]!.pausedMs).toBeGreaterThanOrEqual(pausedMs);
    expect(compactions.pauses).toBeGreaterThan(0);
    store.expectContents();
    await store.close();
    await store.expectContentsAfterReopen();
  });
});

test('a compaction comes to its end while flushes never stop', async () => {
  await withWorkerStore({ options: LONG, modules: { pauseGate: new PauseGate(1) } }, async (store) => {
    const finished = nextEvent(store, 'compaction-finished');
    await startCompaction(store, 4000);
    let isOver = false;
    void finished.then(() => {
      isOver = true;
    });
    let most = 0;
    for (let flushes = 0; !isOver; flushes++) {
      await store.write(flushes % 100, 10, `beside ${flushes}`);
      await store.store.flush();
      most = Math.max(most, store.store.stats().levels[0]!.tables);
    }
    // In the gaps between flushes, or when level 0 has become more urgent than they are.
    expect(most).toBeLessThan(LEVELS.level0PauseTrigger!);
    store.expectContents();
    await store.close();
    await store.expectContentsAfterReopen();
  });
});

test('a compaction that hangs holds up no flush, of its own store or of another one with the same threads', async () => {
  const options = { ...LEVELS, flushWorkers: 1, compactionWorkers: 1 };
  await withWorkerStore({ options }, async (hanging) => {
    const other = await WorkerStore.open(join(temporaryDirectory(), 'store'), options, {});
    try {
      planMisbehaviour(hanging.directory, 'hangs', 'while', 1, 'compact');
      await startCompaction(hanging, 300);
      while (!isHanging(hanging.directory)) await nextTurn();
      for (const store of [hanging, other]) {
        for (let n = 0; n < 3; n++) {
          await store.write(n, 300, `beside ${n}`);
          await store.store.flush();
        }
        expect(store.store.stats().flushes.count).toBeGreaterThanOrEqual(3);
        store.expectContents();
      }
    } finally {
      await other.close();
    }
    await other.expectContentsAfterReopen();
    await hanging.close();
    await hanging.expectContentsAfterReopen();
  });
});
