import type { FaultEffect, FaultRule, StorageOperation } from '@arena-level/common/storage/fault-plan';
import type { FileType } from '@arena-level/common/storage/file-desc';
import { EngineError, ErrorCode, type Store } from 'arena-level/engine';
import { describe, expect, test } from 'vitest';
import { FaultyStore } from './faulty-store.ts';

interface Failure {
  readonly type?: FileType;
  readonly nth?: number;
  readonly times?: number;
  readonly effect?: FaultEffect;
  readonly errno?: string;
}

function failing(operation: StorageOperation, failure: Failure = {}): FaultRule {
  return { operation, nth: 1, times: 1, effect: 'error', errno: 'EIO', ...failure };
}

const FOR_GOOD = { times: Number.POSITIVE_INFINITY };

async function openedWith(writes: number): Promise<FaultyStore> {
  const store = new FaultyStore();
  await store.open();
  for (let i = 0; i < writes; i++) await store.write();
  return store;
}

/** Everything acknowledged is there, now and after a reopen, and nobody heard of anything odd. */
async function expectWhole(store: FaultyStore): Promise<void> {
  store.checkLive();
  expect(await store.close()).toBe(true);
  expect(await store.open()).toBe(true);
  expect(store.store!.recovery.tear).toBeUndefined();
  store.checkLive();
  expect((await store.store!.verify()).differing).toEqual([]);
  await store.close();
  expect(store.problems).toEqual([]);
}

const names = (store: FaultyStore, pattern: RegExp): string[] =>
  store.memory.fileNames().filter((name) => pattern.test(name));

const events = (store: FaultyStore, pattern: RegExp): string[] =>
  store.storage.transcript.split('\n').filter((line) => pattern.test(line));

function tables(store: Store): number {
  return store.stats().levels.reduce((sum, level) => sum + level.tables, 0);
}

describe('a commit of a flush', () => {
  test('whose directory sync fails keeps the number of its table, and is tried again', async () => {
    let failures = 0;
    // Journals have their names synced, too: which of these syncs is the commit's shows by what fails.
    for (let nth = 1; nth <= 4; nth++) {
      const store = await openedWith(3);
      store.install({ rules: [failing('sync-directory', { nth })] });
      if (!(await store.flush())) {
        failures++;
        expect(names(store, /\.ldb$/)).toHaveLength(1);
        expect(tables(store.store!)).toBe(0);
        expect(await store.flush()).toBe(true);
      }
      expect(names(store, /\.ldb$/)).toHaveLength(1);
      expect(events(store, /^rename .*ldb$/)).toHaveLength(1);
      expect(tables(store.store!)).toBe(1);
      await expectWhole(store);
    }
    expect(failures).toBeGreaterThan(0);
  });

  test('whose rename fails leaves the table its temporary name, and is tried again', async () => {
    const store = await openedWith(3);
    store.install({ rules: [failing('rename', { type: 'table' })] });
    expect(await store.flush()).toBe(false);
    expect(names(store, /\.ldb$/)).toEqual([]);
    expect(await store.flush()).toBe(true);
    expect(names(store, /\.(?:ldb|dbtmp)$/)).toHaveLength(1);
    await expectWhole(store);
  });

  test.each<readonly [string, FaultRule]>([
    ['append', failing('write', { type: 'manifest' })],
    ['append, half of it done,', failing('write', { type: 'manifest', effect: 'torn-write' })],
    ['append, cut short by a full disk,', failing('write', { type: 'manifest', effect: 'short-write' })],
    ['sync', failing('sync', { type: 'manifest' })],
    ['sync, with what it covered lost,', failing('sync', { type: 'manifest', effect: 'lost-sync' })],
  ])('whose manifest %s fails goes into a whole new manifest, and only then files go', async (_, rule) => {
    const store = await openedWith(3);
    await store.flush();
    await store.write();
    const before = names(store, /^MANIFEST/);
    const journals = names(store, /\.log$/);
    store.install({ rules: [rule] });
    expect(await store.flush()).toBe(false);
    // The outcome is unknown: what either outcome needs is still there.
    expect(names(store, /^MANIFEST/)).toEqual(before);
    expect(names(store, /\.log$/)).toEqual(expect.arrayContaining(journals));
    expect(names(store, /\.ldb$/)).toHaveLength(2);
    expect(await store.flush()).toBe(true);
    expect(names(store, /^MANIFEST/)).toHaveLength(1);
    expect(names(store, /^MANIFEST/)).not.toEqual(before);
    const lines = events(store, /./);
    const behindFailure = lines.slice(lines.findIndex((line) => line.includes(' -> ')) + 1);
    expect(
      behindFailure.filter((line) => /^(?:write|sync|truncate) /.test(line) && line.includes(before[0]!)),
    ).toEqual([]);
    await expectWhole(store);
  });

  test('whose switch to a new manifest fails, too, ends with one manifest in force', async () => {
    const store = await openedWith(3);
    await store.flush();
    await store.write();
    store.install({
      rules: [failing('sync', { type: 'manifest' }), failing('sync-directory', { nth: 4, times: 2 })],
    });
    for (let attempts = 0; !(await store.flush()); attempts++) {
      expect(attempts).toBeLessThan(5);
      await store.resume();
    }
    expect(store.errors.length).toBeGreaterThan(1);
    expect(names(store, /^MANIFEST/)).toHaveLength(1);
    await expectWhole(store);
  });

  test('whose record in arena.roots fails succeeds, reports it, and the next one writes that file anew', async () => {
    for (const operation of ['write', 'sync'] as const) {
      const store = await openedWith(3);
      await store.flush();
      const failures: unknown[] = [];
      store.store!.on('cleanup-failed', (failure) => failures.push(failure));
      store.install({ rules: [failing(operation, { type: 'roots' })] });
      await store.write();
      expect(await store.flush()).toBe(true);
      expect(failures).toEqual([{ file: 'arena.roots', error: expect.any(EngineError) }]);
      await store.write();
      expect(await store.flush()).toBe(true);
      // The first time is that of a new store.
      expect(events(store, /^rename .* arena\.roots$/)).toHaveLength(2);
      await expectWhole(store);
    }
  });

  test('whose removal of the journal fails succeeds; the next open removes it', async () => {
    const store = await openedWith(3);
    const journal = names(store, /\.log$/);
    store.install({ rules: [failing('remove', { type: 'journal' })] });
    expect(await store.flush()).toBe(true);
    expect(names(store, /\.log$/)).toEqual(expect.arrayContaining(journal));
    await store.close();
    await store.open();
    expect(names(store, /\.log$/)).toHaveLength(1);
    await expectWhole(store);
  });
});

describe('healing', () => {
  test('while the flush of an older memtable waits to be tried again brings both to tables', async () => {
    const store = await openedWith(3);
    const { store: engine } = store;
    store.install({
      rules: [
        failing('create', { type: 'temp', errno: 'ENOSPC' }),
        // The first write is the opening record of the new journal.
        failing('write', { type: 'journal', nth: 2, effect: 'torn-write' }),
      ],
    });
    await expect(engine!.flush()).rejects.toMatchObject({ code: ErrorCode.IoError });
    expect(engine!.stats().memtables.frozen).toBe(1);
    expect(await store.write()).toBe(false);
    expect(store.errors.at(-1)).toMatchObject({ code: ErrorCode.WriteOutcomeUnknown });
    expect(await store.write([], true)).toBe(true);
    // The one that failed was empty but for the write of unknown outcome, which is in no arena.
    expect(engine!.stats().memtables.frozen).toBe(0);
    expect(tables(engine!)).toBe(1);
    await expectWhole(store);
  });

  test('lets asynchronous writes wait and refuses blocking ones, of which nothing is written', async () => {
    const store = await openedWith(3);
    store.install({ rules: [failing('write', { type: 'journal' })] });
    const failed = store.write();
    const waiting = store.write();
    // The turn ends: the journal fails, healing begins.
    await Promise.resolve();
    await new Promise((resolve) => process.nextTick(resolve));
    expect(store.writeSync()).toBe(false);
    expect(store.errors.at(-1)).toMatchObject({ code: ErrorCode.WritesStopped });
    expect(await failed).toBe(false);
    // It was gathered in the turn of the one that failed: one group, one fate.
    await waiting;
    expect(await store.write([], true)).toBe(true);
    expect(store.writeSync([], true)).toBe(true);
    await expectWhole(store);
  });

  test('of a sync that failed never syncs that journal again, and cuts nothing off it', async () => {
    const store = await openedWith(3);
    store.install({ rules: [failing('sync', { type: 'journal', effect: 'lost-sync' })] });
    const [journal] = names(store, /\.log$/);
    // The write is in an arena, from which it comes to a synced table.
    expect(await store.write([], true)).toBe(true);
    expect(events(store, new RegExp(`^sync ${journal}`))).toHaveLength(1);
    expect(events(store, /^truncate/)).toEqual([]);
    expect(tables(store.store!)).toBe(1);
    await expectWhole(store);
  });

  test('cuts off what was not written whole, so that replay meets no tear', async () => {
    const store = await openedWith(3);
    store.install({ rules: [failing('write', { type: 'journal', effect: 'torn-write' })] });
    expect(await store.write()).toBe(false);
    expect(await store.write()).toBe(true);
    expect(events(store, /^truncate .*log/)).toHaveLength(1);
    await expectWhole(store);
  });
});

describe('a store that has stopped taking writes', () => {
  async function stopped(): Promise<FaultyStore> {
    const store = await openedWith(3);
    store.install({ rules: [failing('create', { type: 'temp', errno: 'EACCES', ...FOR_GOOD })] });
    expect(await store.flush()).toBe(false);
    expect(await store.write()).toBe(true);
    // The second attempt is the last.
    await store.passTime();
    expect(await store.write()).toBe(false);
    expect(store.errors.at(-1)).toMatchObject({ code: ErrorCode.WritesStopped });
    return store;
  }

  test('goes on reading, and says why it has stopped', async () => {
    const store = await stopped();
    store.checkLive();
    const { cause } = store.errors.at(-1) as EngineError;
    expect(cause).toMatchObject({ code: ErrorCode.IoError, file: expect.stringMatching(/dbtmp$/) });
    expect(store.writeSync()).toBe(false);
    expect(await store.resume()).toBe(false);
    expect(await store.write()).toBe(false);
    store.checkLive();
    store.install({ rules: [] });
    await store.close();
    expect(store.problems).toEqual([]);
  });

  test('takes them again when it is asked to and the cause has gone', async () => {
    const store = await stopped();
    store.install({ rules: [] });
    expect(await store.write()).toBe(false);
    expect(await store.resume()).toBe(true);
    expect(await store.write([], true)).toBe(true);
    expect(store.writeSync([], true)).toBe(true);
    expect(await store.flush()).toBe(true);
    await expectWhole(store);
  });

  test('takes them again by itself where the cause is one that passes', async () => {
    const store = await openedWith(3);
    store.install({
      rules: [
        failing('write', { type: 'journal', errno: 'ENOSPC' }),
        failing('create', { type: 'journal', errno: 'ENOSPC', times: 3 }),
      ],
    });
    expect(await store.write()).toBe(false);
    expect(await store.write()).toBe(false);
    for (let tries = 0; !(await store.write([], true)); tries++) {
      expect(tries).toBeLessThan(4);
      await store.passTime();
    }
    await expectWhole(store);
  });

  test('closes durably where its journal works', async () => {
    const store = await stopped();
    expect(await store.close()).toBe(true);
    expect(await store.open()).toBe(false);
    store.install({ rules: [] });
    expect(await store.open()).toBe(true);
    store.checkLive();
    await store.close();
    expect(store.problems).toEqual([]);
  });

  test('says on close that it could not make everything durable, where its journal had failed', async () => {
    const store = await openedWith(3);
    store.install({
      rules: [
        failing('write', { type: 'journal', ...FOR_GOOD }),
        failing('create', { type: 'temp', ...FOR_GOOD }),
      ],
    });
    expect(await store.write()).toBe(false);
    expect(await store.write()).toBe(false);
    expect(await store.close()).toBe(false);
    store.install({ rules: [] });
    // The process is alive, and with it what it wrote: nothing is lost but the promise.
    expect(await store.open()).toBe(true);
    store.checkLive();
    await store.close();
    expect(store.problems).toEqual([]);
  });
});
