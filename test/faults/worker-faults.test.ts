/** Faults of the disk that only the flush worker meets, in a real one: its storage comes with a plan, as data. */
import { cpSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { ErrorCode } from '@arena-level/common/base/errors';
import type { FaultRule } from '@arena-level/common/storage/fault-plan';
import { FileType } from '@arena-level/common/storage/file-desc';
import { NodeStorage } from '@arena-level/common/storage/node-storage';
import type { StorageSpec } from '@arena-level/common/storage/storage-spec';
import { flushWorkerUrl } from '@arena-level/worker-flush/worker-url';
import { open, type Store } from 'arena-level/engine';
import { describe, expect, test } from 'vitest';
import { contentsText, readContents } from '../crash/store-contents.ts';
import { openFilesIn } from '../support/descriptors.ts';
import { eventually } from '../support/eventually.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { WorkerStore } from '../workers/worker-store.ts';

type Fault = Pick<FaultRule, 'operation' | 'effect' | 'errno'>;

const FAULTS: readonly Fault[] = [
  { operation: 'create', effect: 'error', errno: 'EMFILE' },
  { operation: 'create', effect: 'error', errno: 'ENOSPC' },
  { operation: 'create', effect: 'error', errno: 'EIO' },
  { operation: 'write', effect: 'error', errno: 'ENOSPC' },
  { operation: 'write', effect: 'error', errno: 'EIO' },
  { operation: 'write', effect: 'torn-write', errno: 'ENOSPC' },
  { operation: 'write', effect: 'torn-write', errno: 'EIO' },
  { operation: 'sync', effect: 'error', errno: 'ENOSPC' },
  { operation: 'sync', effect: 'error', errno: 'EIO' },
];

/** A directory on disk that works here, and fails by plan for workers. */
class FailingInWorkers extends NodeStorage {
  rules: readonly FaultRule[] = [];
  override readonly spec: StorageSpec;

  constructor(directory: string) {
    super(directory);
    const rules = (): readonly FaultRule[] => this.rules;
    // Read anew whenever a task is sent: a task follows the plan of its moment.
    this.spec = {
      kind: 'fault',
      directory,
      get plan() {
        return { rules: rules() };
      },
    };
  }

  /** The nth of these operations on the table that is being written fails, in every task. */
  fail(fault: Fault, nth: number): void {
    this.rules = [{ ...fault, type: FileType.Temp, nth, times: 1 }];
  }
}

interface Faulty {
  readonly worker: WorkerStore;
  readonly store: Store;
  readonly storage: FailingInWorkers;
}

async function withFailingWorker(use: (faulty: Faulty) => Promise<void>): Promise<void> {
  const directory = join(temporaryDirectory(), 'store');
  mkdirSync(directory);
  const storage = new FailingInWorkers(directory);
  const worker = await WorkerStore.open(directory, { workerUrl: flushWorkerUrl }, { storage });
  const where: string[] = [];
  worker.store.on('flush-started', (event) => void where.push(event.where));
  try {
    await use({ worker, store: worker.store, storage });
  } finally {
    await worker.close();
  }
  expect(new Set(where)).toEqual(new Set(['worker']));
  expect(openFilesIn(directory)).toEqual([]);
}

/** What a process finds that opens the store after this one was killed. */
async function expectContentsAfterKill({ directory, expected }: WorkerStore): Promise<void> {
  const copy = join(temporaryDirectory(), 'copy');
  cpSync(directory, copy, { recursive: true });
  const store = await open(copy, { flush: 'inline', forceLock: true });
  expect(contentsText(readContents(store)) === contentsText(expected)).toBe(true);
  expect(store.recovery.damage).toEqual([]);
  await store.close();
}

describe('a worker whose disk fails', () => {
  test.each(FAULTS)('($errno, $effect in $operation) costs attempts and no data', (fault) =>
    withFailingWorker(async ({ worker, store, storage }) => {
      await worker.write(0, 300, 'first');
      storage.fail(fault, 1);
      await expect(store.flush()).rejects.toMatchObject({
        code: ErrorCode.IoError,
        message: expect.stringMatching(/\.dbtmp/),
      });
      worker.expectContents();
      await worker.write(200, 200, 'second');
      worker.passTime();
      await eventually(() => store.stats().flushes.failed >= 2);
      expect(store.stats().levels[0]!.tables).toBe(0);
      await expectContentsAfterKill(worker);

      storage.rules = [];
      // What passes by itself is tried again after a while; what does not has stopped writes by now.
      worker.passTime();
      await store.resume();
      await worker.write(350, 200, 'third');
      await store.flush();
      expect(store.stats().memtables.frozen).toBe(0);
      worker.expectContents();
      await worker.close();
      await worker.expectContentsAfterReopen();
    }),
  );

  test('in the middle of one write goes on behind what was written', () =>
    withFailingWorker(async ({ worker, store, storage }) => {
      await worker.write(0, 300, 'first');
      storage.fail({ operation: 'write', effect: 'short-write', errno: 'ENOSPC' }, 1);
      await store.flush();
      expect(store.stats().levels[0]!.tables).toBe(1);
      worker.expectContents();
      await worker.close();
      await worker.expectContentsAfterReopen();
    }));

  test.each(FAULTS)('($errno, $effect in $operation) until the store is closed loses nothing', (fault) =>
    withFailingWorker(async ({ worker, store, storage }) => {
      await worker.write(0, 300, 'first');
      storage.fail(fault, 1);
      await expect(store.flush()).rejects.toMatchObject({ code: ErrorCode.IoError });
      await worker.write(100, 100, 'second');
      await worker.close();
      await worker.expectContentsAfterReopen();
    }),
  );
});
