/** An ingest that is being put in while its store stops taking writes. */
import { FaultStorage } from '@arena-level/common/storage/fault-storage';
import { MemoryStorage } from '@arena-level/common/storage/memory-storage';
import { ErrorCode, type Store } from 'arena-level/engine';
import { expect, test } from 'vitest';
import { eventually, settle, stateOf } from '../support/eventually.ts';
import { HeldExecutor } from '../support/held-executor.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { bytes } from '../support/text-bytes.ts';
import { contentsOf, expected, lines, SMALL, source, TINY } from './ingest-store.ts';
import { openReachable, sameThreadPool } from './same-thread-pool.ts';

const given = lines(60, 40);

interface Stopped {
  readonly store: Store;
  readonly executor: HeldExecutor;
  readonly ingested: Promise<unknown>;
}

/** The flush that writes wait for beside the ingest fails, and so does the journal, which cannot be healed without it. */
async function stopWhilePutIn(): Promise<Stopped> {
  const storage = new FaultStorage(new MemoryStorage());
  const executor = new HeldExecutor(storage);
  const modules = { clock: new ManualClock(), executor, pool: sameThreadPool(storage) };
  const store = await openReachable(storage, { ...TINY, flush: 'worker' }, modules);
  await store.put(bytes('a'), bytes('first'));
  const ingested = store.ingest(source(given), SMALL).catch((error: unknown) => error);
  await eventually(() => executor.held.length === 1);
  await store.put(bytes('b'), bytes('second'));
  storage.install({
    rules: [{ operation: 'sync', type: 'journal', nth: 1, times: 1, effect: 'error', errno: 'EIO' }],
  });
  executor.held[0]!.finish();
  await eventually(() => executor.held.length === 1 && storage.firedCount === 1);
  await settle();
  executor.held[0]!.fail('EIO');
  return { store, executor, ingested };
}

test('the store can be closed', async () => {
  const { store, ingested } = await stopWhilePutIn();
  expect(await ingested).toMatchObject({ code: ErrorCode.IoError });
  await expect(store.put(bytes('c'), bytes('third'))).rejects.toMatchObject({
    code: ErrorCode.WritesStopped,
  });
  expect(await stateOf(store.close())).not.toBe('pending');
});

test('the store goes on when it can', async () => {
  const { store, executor, ingested } = await stopWhilePutIn();
  await ingested;
  executor.release();
  await store.resume();
  await store.put(bytes('c'), bytes('third'));
  expect((await store.ingest(source(given), SMALL)).path).toBe('tables');
  const wanted = new Map([['a', 'first'], ['b', 'second'], ['c', 'third'], ...expected(given)]);
  expect(contentsOf(store)).toEqual(wanted);
  await store.close();
});
