import type { StoreEvents } from 'arena-level/engine';
import { expect, test } from 'vitest';
import { type Misbehaviour, planMisbehaviour, type Stage } from './misbehaviour.ts';
import { type WorkerStore, withWorkerStore } from './worker-store.ts';

const CASES: readonly (readonly [Misbehaviour, ...Stage[]])[] = [
  ['throws', 'before', 'while', 'after'],
  ['exits', 'before', 'while', 'after'],
  ['throws later and never answers', 'before', 'after'],
  ['answers with text', 'before', 'after'],
  ['answers nothing', 'after'],
  ['answers in another shape', 'after'],
  ["answers 'cancelled'", 'before', 'after'],
  ['states too few entries', 'after'],
  ['states too many dropped', 'after'],
  ['states another size', 'after'],
  ['states another root', 'after'],
  ['states another number of blocks', 'after'],
  ['states a greater smallest key', 'after'],
  ['states a lesser largest key', 'after'],
  ['leaves the file cut short', 'after'],
  ['leaves no file', 'after'],
];

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

const cases = CASES.flatMap(([what, ...stages]) => stages.map((stage) => ({ what, stage })));

test.each(cases)(
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
