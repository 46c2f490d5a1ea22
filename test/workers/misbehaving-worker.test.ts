import { ErrorCode } from '@arena-level/common/base/errors';
import { afterEach, describe, expect, test } from 'vitest';
import { isHanging, isWaiting, letExit, MISBEHAVIOURS, planMisbehaviour } from './misbehaviour.ts';
import { OwnPool } from './own-pool.ts';
import { type WorkerStore, withWorkerStore } from './worker-store.ts';

const pools: OwnPool[] = [];
function ownPool(resourceLimits = {}): OwnPool {
  const pool = new OwnPool(resourceLimits);
  pools.push(pool);
  return pool;
}
afterEach(async () => {
  for (const pool of pools.splice(0)) await pool.terminate();
});

/** A flush went wrong and its caller has heard of it: nothing is lost, the next attempt succeeds, all is tidy. */
async function expectRecovery(store: WorkerStore): Promise<void> {
  store.expectContents();
  await store.write(1000, 5, 'between');
  store.passTime();
  await store.store.flush();
  const { arenas, flushes, memtables } = store.store.stats();
  expect({ inUse: arenas.inUse, frozen: memtables.frozen }).toEqual({ inUse: 1, frozen: 0 });
  expect(flushes.failed).toBe(1);
  store.expectContents();
  await store.write(0, 50, 'later');
  await store.close();
  await store.expectContentsAfterReopen();
}

describe('a flush worker', () => {
  test.each(MISBEHAVIOURS)(
    'that $what ($stage the table is written) costs one attempt and no data',
    ({ what, stage }) =>
      withWorkerStore({}, async (store) => {
        await store.write(0, 300, 'first');
        planMisbehaviour(store.directory, what, stage);
        await expect(store.store.flush()).rejects.toMatchObject({
          code: expect.stringMatching(/^(ARENA|LEVEL)_/),
        });
        await expectRecovery(store);
      }),
  );

  test('that throws when it has answered costs at most one attempt, and no data', () =>
    withWorkerStore({}, async (store) => {
      await store.write(0, 300, 'first');
      planMisbehaviour(store.directory, 'throws later', 'after');
      await store.store.flush().catch(() => {});
      await store.write(300, 100, 'second');
      store.passTime();
      await store.store.flush().catch(() => {});
      store.passTime();
      await store.store.flush();
      store.expectContents();
      await store.close();
      await store.expectContentsAfterReopen();
    }));

  test('that fails again and again holds writers up only until it is known, and loses nothing', () =>
    withWorkerStore({}, async (store) => {
      planMisbehaviour(store.directory, 'exits', 'while', 3);
      await store.write(0, 300, 'first');
      for (let failures = 1; failures <= 3; failures++) {
        await expect(store.store.flush()).rejects.toMatchObject({ code: ErrorCode.WorkerFailed });
        store.passTime();
      }
      await store.store.flush();
      expect(store.store.stats().flushes.failed).toBe(3);
      store.expectContents();
      await store.close();
      await store.expectContentsAfterReopen();
    }));

  test('that builds the older of two tables and fails lets the younger one wait for it', () =>
    withWorkerStore({ options: { flushWorkers: 2 } }, async (store) => {
      planMisbehaviour(store.directory, 'waits and exits', 'while');
      await store.write(0, 200, 'older');
      const older = store.store.flush();
      older.catch(() => {});
      while (!isWaiting(store.directory)) await new Promise(setImmediate);
      await store.write(100, 200, 'younger');
      const built = new Promise((resolve) => store.store.on('table-built', resolve));
      const younger = store.store.flush();
      younger.catch(() => {});
      await built;
      letExit(store.directory);
      await expect(older).rejects.toMatchObject({ code: ErrorCode.WorkerFailed });
      await expect(younger).rejects.toMatchObject({ code: ErrorCode.WorkerFailed });
      expect(store.store.stats().levels[0]!.tables).toBe(0);
      store.expectContents();
      store.passTime();
      await store.store.flush();
      expect(store.store.stats().levels[0]!.tables).toBe(2);
      store.expectContents();
      await store.close();
      await store.expectContentsAfterReopen();
    }));
});

describe("a pool of the user's own", () => {
  test('whose thread runs out of memory costs one attempt and no data', () =>
    withWorkerStore({ modules: { pool: ownPool({ maxOldGenerationSizeMb: 24 }) } }, async (store) => {
      await store.write(0, 300, 'first');
      planMisbehaviour(store.directory, 'runs out of memory', 'while');
      await expect(store.store.flush()).rejects.toMatchObject({ code: ErrorCode.WorkerFailed });
      await expectRecovery(store);
      await pools[0]!.terminate();
    }));

  test('whose thread is ended in the middle of a write costs one attempt and no data', () => {
    const pool = ownPool();
    return withWorkerStore({ modules: { pool } }, async (store) => {
      await store.write(0, 300, 'first');
      planMisbehaviour(store.directory, 'hangs', 'while');
      const flushed = store.store.flush();
      flushed.catch(() => {});
      while (!isHanging(store.directory)) await new Promise(setImmediate);
      await pool.terminate();
      await expect(flushed).rejects.toMatchObject({ code: ErrorCode.WorkerFailed });
      await expectRecovery(store);
      expect(pool.threads).toBe(2);
      await pool.terminate();
    });
  });

  test('that answers when the store is closed and given up changes nothing any more', () => {
    const pool = ownPool();
    const answers: Promise<unknown>[] = [];
    let release: () => void = () => {};
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    const holding = {
      run: (request: { readonly task: string }) => {
        const answer = pool.run(request);
        if (request.task !== 'flush') return answer;
        const late = answer.then(async (given) => {
          await released;
          return given;
        });
        answers.push(late);
        return late;
      },
    };
    return withWorkerStore({ modules: { pool: holding } }, async (store) => {
      await store.write(0, 300, 'first');
      const flushed = store.store.flush();
      flushed.catch(() => {});
      while (answers.length === 0) await new Promise(setImmediate);
      await store.close();
      await expect(flushed).rejects.toMatchObject({ code: ErrorCode.WorkerFailed });
      release();
      await Promise.all(answers);
      await new Promise(setImmediate);
      await store.expectContentsAfterReopen();
      await pool.terminate();
    });
  });
});

describe('closing a store whose worker hangs', () => {
  test('ends, and the journal covers what was not flushed', () =>
    withWorkerStore({}, async (store) => {
      await store.write(0, 300, 'first');
      planMisbehaviour(store.directory, 'hangs', 'while');
      const flushed = store.store.flush();
      flushed.catch(() => {});
      await store.write(100, 300, 'second');
      while (!isHanging(store.directory)) await new Promise(setImmediate);
      await store.close();
      await expect(flushed).rejects.toMatchObject({ code: ErrorCode.WorkerFailed });
      await store.expectContentsAfterReopen();
    }));

  test('refuses the writes that wait for it, and nothing of them was written', () =>
    withWorkerStore({ options: { maxFrozenMemtables: 1 } }, async (store) => {
      await store.write(0, 300, 'first');
      planMisbehaviour(store.directory, 'hangs', 'before');
      const flushed = store.store.flush();
      flushed.catch(() => {});
      while (!isHanging(store.directory)) await new Promise(setImmediate);
      await store.write(300, 300, 'second');
      const waiting = store.write(600, 300, 'third');
      waiting.catch(() => {});
      await store.close();
      await expect(waiting).rejects.toMatchObject({ code: ErrorCode.DatabaseNotOpen });
      await store.expectContentsAfterReopen();
    }));
});
