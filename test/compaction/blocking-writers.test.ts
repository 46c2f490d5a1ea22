import { ErrorCode } from '@arena-level/common/base/errors';
import { CompactionState } from '@arena-level/common/protocol/compaction-control';
import type { FaultPlan } from '@arena-level/common/storage/fault-plan';
import { FaultStorage } from '@arena-level/common/storage/fault-storage';
import { FileType, fileName } from '@arena-level/common/storage/file-desc';
import { describe, expect, test } from 'vitest';
import { eventually, settle } from '../support/eventually.ts';
import { CompactingStore } from './compacting-store.ts';

const SMALL = { writeBufferSize: 4096 };

/** A store on files that fail as a plan says. */
async function openFaulty(): Promise<{ store: CompactingStore; install: (plan: FaultPlan) => void }> {
  let faults: FaultStorage | undefined;
  const store = await CompactingStore.open(SMALL, {
    wrap: (memory) => {
      faults = new FaultStorage(memory);
      return faults;
    },
  });
  return { store, install: (plan) => faults!.install(plan) };
}

const tableFails = (operation: 'create' | 'rename', errno: string): FaultPlan => ({
  rules: [
    {
      operation,
      type: operation === 'create' ? 'temp' : 'table',
      nth: 1,
      times: Number.POSITIVE_INFINITY,
      effect: 'error',
      errno,
    },
  ],
});
const manifestFails = (errno: string): FaultPlan => ({
  rules: [
    { operation: 'write', type: 'manifest', nth: 1, times: Number.POSITIVE_INFINITY, effect: 'error', errno },
  ],
});

describe('blocking writers', () => {
  test('go on to twice the pause trigger, and there compact themselves, in place of what is under way', async () => {
    const store = await CompactingStore.open(SMALL);
    await store.fillLevel0();
    const compaction = await store.compaction();
    let most = 0;
    for (let n = 0; n < 3000; n++) {
      store.putSync(n % 700);
      most = Math.max(most, store.tables[0]!);
    }
    // The write that makes room for itself takes it from 16 down again.
    expect(most).toBe(15);
    expect(compaction.state).toBe(CompactionState.Cancelled);
    expect(store.held.executor.compactedNow).toBeGreaterThan(3);
    store.expectContents();
    // Its inputs are in no version any more, and stay while its thread may be reading them.
    await settle();
    const inputs = compaction.job.runs.flat().map(({ number }) => `${String(number).padStart(6, '0')}.ldb`);
    expect(store.held.memory.fileNames()).toEqual(expect.arrayContaining(inputs));
    // The thread that was given up answers late, with tables that do not count.
    compaction.stop();
    await settle();
    store.held.executor.releaseCompactions();
    await eventually(() => store.tables[0]! < 4);
    await settle();
    store.expectTidy();
    store.expectContents();
    await store.expectContentsAfterReopen();
  });

  test('commit what is built instead of merging it again', async () => {
    const store = await CompactingStore.open(SMALL);
    for (let n = 0; store.tables[0]! < 15 && n < 3000; n++) store.putSync(n % 200);
    const compaction = await store.compaction();
    compaction.finish();
    // It is built, and its commit is under way, when the writer comes.
    await Promise.resolve();
    for (let n = 0; store.tables[0]! >= 4 && n < 3000; n++) store.putSync(n % 200);
    await settle();
    store.expectContents();
    store.held.executor.releaseCompactions();
    await settle();
    await store.expectContentsAfterReopen();
  });

  test.each(['ENOSPC', 'EIO'])(
    'hear of it when they cannot compact (%s), and go on afterwards',
    async (errno) => {
      const { store, install } = await openFaulty();
      for (let n = 0; store.tables[0]! < 15 && n < 3000; n++) store.putSync(n);
      install(manifestFails(errno));
      // Flushes of their own fail, too.
      const failure = throwing(() => {
        for (let n = 0; n < 3000; n++) store.putSync(n);
      });
      expect(failure).toMatchObject({ code: expect.stringMatching(/^(LEVEL|ARENA)_/) });
      install({ rules: [] });
      await store.store.resume();
      store.held.executor.releaseCompactions();
      for (let n = 0; n < 500; n++) store.putSync(n);
      await settle();
      store.held.clock.advance(10_000);
      await eventually(() => store.tables[0]! < 4);
      store.expectContents();
      await store.expectContentsAfterReopen();
    },
  );

  test('whose compaction succeeds end the wait, and the stop, of those before it that failed', async () => {
    const { store, install } = await openFaulty();
    await store.fillLevel0();
    for (let attempt = 1; attempt <= 2; attempt++) {
      (await store.compaction()).fail('EACCES');
      await eventually(() => store.count('compaction-failed') === attempt);
      store.held.clock.advance(1000);
    }
    await settle();
    expect(store.compactions).toHaveLength(0);
    for (let n = 0; store.held.executor.compactedNow === 0 && n < 3000; n++) store.putSync(n % 700);
    // From here on compactions come by themselves again.
    store.held.executor.holdsCompactions = false;
    for (let n = 0; n < 100; n++) await store.put(n);
    await eventually(() => store.tables[0]! < 4);
    install({ rules: [] });
    store.expectContents();
    await store.expectContentsAfterReopen();
  });

  test('finish a commit that waits to be repeated; closing does not hang on it', async () => {
    const { store, install } = await openFaulty();
    await store.fillLevel0();
    install(tableFails('rename', 'ENOSPC'));
    (await store.compaction()).finish();
    await eventually(() => store.count('compaction-failed') === 1);
    install({ rules: [] });
    const { executor } = store.held;
    const version = store.count('version-installed');
    for (let n = 0; executor.compactedNow === 0 && n < 3000; n++) store.putSync(n % 700);
    expect(store.count('version-installed')).toBeGreaterThan(version);
    // One of their own fails in the same turn.
    install(tableFails('create', 'EIO'));
    const failure = throwing(() => {
      for (let n = 0; n < 3000; n++) store.putSync(n % 700);
    });
    expect(failure).toMatchObject({ code: expect.stringMatching(/^(LEVEL|ARENA)_/) });
    install({ rules: [] });
    await store.store.resume();
    executor.holdsCompactions = false;
    store.held.clock.advance(10_000);
    await settle();
    store.expectContents();
    await store.expectContentsAfterReopen();
  });

  test('that compact and cannot commit leave no tables behind once a commit succeeds', async () => {
    const { store, install } = await openFaulty();
    for (let n = 0; store.tables[0]! < 16 && n < 3000; n++) store.putSync(n % 700);
    // The next write that needs room compacts.
    let failed = 0;
    install(manifestFails('ENOSPC'));
    for (let n = 0; n < 200 && failed < 3; n++) {
      if (throwing(() => store.putSync(n)) !== undefined) failed++;
    }
    expect(failed).toBe(3);
    install({ rules: [] });
    for (const compaction of [...store.compactions]) compaction.stop();
    store.held.executor.holdsCompactions = false;
    await settle();
    store.held.clock.advance(10_000);
    await eventually(() => store.tables[0]! < 4);
    await settle();
    store.expectTidy();
    await store.store.close();
  });
});

test('outputs whose commit failed behind their renaming go with the next commit', async () => {
  const { store, install } = await openFaulty();
  const { executor } = store.held;
  for (let n = 0; store.tables[0]! < 15 && n < 3000; n++) store.putSync(n % 700);
  expect(executor.compactedNow).toBe(0);
  const { memory } = store;
  const { renameNow } = memory;
  const renamed: string[] = [];
  memory.renameNow = (from, to) => {
    renameNow.call(memory, from, to);
    if (executor.compactedNow === 0 || to.type !== FileType.Table) return;
    renamed.push(fileName(to));
    install(manifestFails('EIO'));
  };
  let failure: unknown;
  for (let n = 0; failure === undefined && n < 200; n++) failure = throwing(() => store.putSync(n));
  expect(renamed.length).toBeGreaterThan(0);
  // They may be in the manifest.
  expect(store.files()).toEqual(expect.arrayContaining(renamed));
  memory.renameNow = renameNow;
  install({ rules: [] });
  for (const compaction of [...store.compactions]) compaction.stop();
  executor.holdsCompactions = false;
  store.held.clock.advance(10_000);
  await store.store.resume();
  await eventually(() => store.tables[0]! < 4);
  await settle();
  expect(store.files().filter((name) => renamed.includes(name))).toEqual([]);
  store.expectTidy();
  await store.expectContentsAfterReopen();
});

function throwing(work: () => void): unknown {
  try {
    work();
  } catch (error) {
    expect((error as { code?: string }).code).not.toBe(ErrorCode.Internal);
    return error;
  }
  return undefined;
}
