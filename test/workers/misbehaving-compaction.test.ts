import type { StoreEvents } from 'arena-level/engine';
import { expect, test } from 'vitest';
import { MISBEHAVIOURS, planMisbehaviour } from './misbehaviour.ts';
import { type WorkerStore, withWorkerStore } from './worker-store.ts';

/** Outputs of several tables each. */
const SMALL_TABLES = { maxFileSize: 16 * 1024, level0CompactionTrigger: 2 };

function next<N extends 'compaction-failed' | 'compaction-finished'>(
  { store }: WorkerStore,
  name: N,
): Promise<StoreEvents[N]> {
  return new Promise((resolve) => {
    const listener = (details: StoreEvents[N]): void => {
      store.off(name, listener);
      resolve(details);
    };
    store.on(name, listener);
  });
}

test.each(MISBEHAVIOURS)(
  'a compaction worker that $what ($stage its first table is written) costs one attempt and no data',
  ({ what, stage }) =>
    withWorkerStore({ options: SMALL_TABLES }, async (worker) => {
      planMisbehaviour(worker.directory, what, stage, 1, 'compact');
      const failed = next(worker, 'compaction-failed');
      for (const generation of ['first', 'second']) {
        await worker.write(0, 300, generation);
        await worker.store.flush();
      }
      const { error, level } = await failed;
      expect({ code: (error as Error & { code: string }).code, level }).toEqual({
        code: expect.stringMatching(/^(ARENA|LEVEL)_/),
        level: 0,
      });
      worker.expectContents();
      expect(worker.store.stats().levels[0]!.tables).toBeGreaterThanOrEqual(2);
      const settled = worker.store.settled();
      worker.passTime();
      await settled;
      const { levels, compactions } = worker.store.stats();
      expect({ level0: levels[0]!.tables, failed: compactions.failed }).toEqual({ level0: 0, failed: 1 });
      expect(levels[1]!.tables).toBeGreaterThan(1);
      worker.expectContents();
      await worker.close();
      await worker.expectContentsAfterReopen();
    }),
);
