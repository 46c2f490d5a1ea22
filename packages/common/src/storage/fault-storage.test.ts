import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { ErrorCode, errnoOf } from '../base/errors.ts';
import { Prng } from '../base/prng.ts';
import { LOSS_MODELS } from './crash-replay.ts';
import type { FaultRule, StorageOperation } from './fault-plan.ts';
import { FaultStorage } from './fault-storage.ts';
import { CURRENT_FILE, FileType, journalFile, tableFile, tempFile } from './file-desc.ts';
import { MemoryStorage } from './memory-storage.ts';
import { NodeStorage } from './node-storage.ts';
import { openStorage } from './open-storage.ts';
import type { Storage } from './storage.ts';
import { testStorage } from './storage-conformance.test-support.ts';
import { formatTrace } from './storage-trace.ts';

const directory = mkdtempSync(join(tmpdir(), 'arena-fault-'));
afterAll(() => rmSync(directory, { recursive: true }));

const JOURNAL = journalFile(3);
const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const rule = (operation: StorageOperation, details: Partial<FaultRule> = {}): FaultRule => ({
  operation,
  nth: 1,
  times: 1,
  effect: 'error',
  errno: 'EIO',
  ...details,
});
const withRules = (inner: Storage, ...rules: FaultRule[]): FaultStorage => new FaultStorage(inner, { rules });

testStorage('FaultStorage without faults', () => new FaultStorage(new MemoryStorage()));

/** Does each operation once, in both variants where there are two, and tells which failed. */
async function doEverything(storage: Storage): Promise<[StorageOperation, boolean][]> {
  const results: [StorageOperation, boolean][] = [];
  const attempt = async <T>(
    operation: StorageOperation,
    act: () => T | Promise<T>,
  ): Promise<T | undefined> => {
    try {
      const value = await act();
      results.push([operation, true]);
      return value;
    } catch (error) {
      expect(error).toMatchObject({ code: ErrorCode.IoError });
      expect(errnoOf(error)).toBe('EIO');
      results.push([operation, false]);
      return undefined;
    }
  };
  await attempt('list', () => storage.listNow());
  const file = await attempt('create', () => storage.createNow(JOURNAL));
  if (file === undefined) return results;
  await attempt('write', () => file.writeNow(text('ab'), 0, 2, 0));
  await attempt('write', () => file.write(text('ab'), 0, 2, 2));
  await attempt('sync', () => file.syncNow());
  await attempt('sync', () => file.sync());
  await attempt('truncate', () => file.truncateNow(3));
  file.closeNow();
  await attempt('size', () => storage.sizeNow(JOURNAL));
  await attempt('open-write', () => storage.openWriteNow(JOURNAL).closeNow());
  const readers = [
    await attempt('open-read', () => storage.openReadNow(JOURNAL)),
    await attempt('open-read', () => storage.openRead(JOURNAL)),
  ];
  for (const reader of readers) {
    if (reader === undefined) continue;
    await attempt('read', () => reader.readNow(new Uint8Array(1), 0, 1, 0));
    await attempt('read', () => reader.read(new Uint8Array(1), 0, 1, 0));
    reader.closeNow();
  }
  let name = JOURNAL;
  await attempt('rename', () => {
    storage.renameNow(JOURNAL, journalFile(5));
    name = journalFile(5);
  });
  await attempt('quarantine', () => storage.quarantineNow(name));
  await attempt('remove', () => storage.removeNow(journalFile(5)));
  await attempt('remove', () => storage.remove(journalFile(5)));
  await attempt('sync-directory', () => storage.syncDirectoryNow());
  await attempt('sync-directory', () => storage.syncDirectory());
  return results;
}

describe('FaultStorage', () => {
  const OPERATIONS: StorageOperation[] = [
    'list',
    'size',
    'create',
    'open-write',
    'open-read',
    'read',
    'write',
    'sync',
    'truncate',
    'rename',
    'remove',
    'quarantine',
    'sync-directory',
  ];

  test.each(OPERATIONS)(
    'lets each %s in turn fail, and nothing else, until a run passes',
    async (operation) => {
      for (let nth = 1; ; nth++) {
        const storage = withRules(new MemoryStorage(), rule(operation, { nth }));
        const results = await doEverything(storage);
        const seen = results.filter(([name]) => name === operation);
        const failed = results.filter(([, ok]) => !ok).map(([name]) => name);
        if (nth > seen.length) {
          expect(failed.filter((name) => name === operation)).toEqual([]);
          expect(storage.firedCount).toBe(0);
          expect(nth).toBeGreaterThan(1);
          break;
        }
        expect(seen[nth - 1]).toEqual([operation, false]);
        expect(failed.filter((name) => name === operation)).toHaveLength(1);
        expect(storage.firedCount).toBe(1);
        expect(storage.countOf(operation)).toBe(seen.length);
      }
    },
  );

  test('counts blocking and asynchronous variants together, and by type of file', async () => {
    const storage = new FaultStorage(new MemoryStorage());
    const journal = storage.createNow(JOURNAL);
    const table = storage.createNow(tableFile(4));
    journal.writeNow(text('a'), 0, 1, 0);
    await journal.write(text('b'), 0, 1, 1);
    await table.write(text('c'), 0, 1, 0);
    expect(storage.countOf('write')).toBe(3);
    expect(storage.countOf('write', FileType.Journal)).toBe(2);
    expect(storage.countOf('write', FileType.Manifest)).toBe(0);
    expect(storage.countOf('create')).toBe(2);
  });

  test('fails on one type of file, as often in a row as asked; a rename has the type of its target', () => {
    const storage = withRules(
      new MemoryStorage(),
      rule('write', { type: FileType.Journal, nth: 2, times: 2, errno: 'ENOSPC' }),
      rule('rename', { type: FileType.Current, times: Number.POSITIVE_INFINITY }),
    );
    const table = storage.createNow(tableFile(4));
    const journal = storage.createNow(JOURNAL);
    const outcomes = [1, 2, 3, 4].map(() => {
      table.writeNow(text('a'), 0, 1, 0);
      try {
        return journal.writeNow(text('a'), 0, 1, 0);
      } catch (error) {
        return errnoOf(error);
      }
    });
    expect(outcomes).toEqual([1, 'ENOSPC', 'ENOSPC', 1]);
    storage.createNow(tempFile(5));
    for (let i = 0; i < 3; i++) expect(() => storage.renameNow(tempFile(5), CURRENT_FILE)).toThrow('EIO');
    storage.renameNow(tempFile(5), tempFile(6));
    expect(storage.listNow()).toContainEqual(tempFile(6));
  });

  test('cuts writes in half, telling by a short count or by an error', async () => {
    for (const effect of ['short-write', 'torn-write'] as const) {
      const inner = new MemoryStorage();
      const storage = withRules(inner, rule('write', { times: 2, effect, errno: 'ENOSPC' }));
      const file = storage.createNow(JOURNAL);
      const outcome = async (act: () => number | Promise<number>): Promise<unknown> => {
        try {
          return await act();
        } catch (error) {
          return errnoOf(error);
        }
      };
      const expected = effect === 'short-write' ? 3 : 'ENOSPC';
      expect(await outcome(() => file.writeNow(text('.abcdef'), 1, 7, 0))).toBe(expected);
      expect(await outcome(() => file.write(text('ghijkl'), 0, 6, 3))).toBe(expected);
      expect(new TextDecoder().decode(inner.readAllNow(JOURNAL, 100))).toBe('abcghi');
      expect(storage.transcript).toBe(
        `create 000003.log\nwrite 000003.log 0+6 -> ${expected}\nwrite 000003.log 3+6 -> ${expected}\n`,
      );
    }
  });

  test('loses with a sync what it should have made durable, though the next sync succeeds', async () => {
    for (const blocking of [true, false]) {
      const inner = new MemoryStorage();
      const storage = withRules(inner, rule('sync', { effect: 'lost-sync' }));
      const file = storage.createNow(JOURNAL);
      storage.syncDirectoryNow();
      file.writeNow(text('ab'), 0, 2, 0);
      if (blocking) expect(() => file.syncNow()).toThrow('EIO');
      else await expect(file.sync()).rejects.toThrow('EIO');
      file.syncNow();
      expect(new TextDecoder().decode(storage.readAllNow(JOURNAL, 10))).toBe('ab');
      expect(inner.crashClone(LOSS_MODELS.posix, new Prng(1)).sizeNow(JOURNAL)).toBe(0);
    }
  });

  test('leaves the pages dirty where a sync only fails', () => {
    const inner = new MemoryStorage();
    const storage = withRules(inner, rule('sync'));
    const file = storage.createNow(JOURNAL);
    storage.syncDirectoryNow();
    file.writeNow(text('ab'), 0, 2, 0);
    expect(() => file.syncNow()).toThrow('EIO');
    expect(inner.crashClone(LOSS_MODELS.dropped, new Prng(1)).sizeNow(JOURNAL)).toBe(0);
    file.syncNow();
    expect(inner.crashClone(LOSS_MODELS.dropped, new Prng(1)).sizeNow(JOURNAL)).toBe(2);
  });

  test('lets the first of several rules take effect and counts for all', () => {
    const storage = withRules(
      new MemoryStorage(),
      rule('write', { nth: 1, errno: 'EIO' }),
      rule('write', { nth: 1, times: 2, errno: 'ENOSPC' }),
    );
    const file = storage.createNow(JOURNAL);
    const write = (): number => file.writeNow(text('a'), 0, 1, 0);
    expect(write).toThrow('EIO');
    expect(write).toThrow('ENOSPC');
    expect(write()).toBe(1);
  });

  test('follows a plan installed later, from its own beginning', () => {
    const storage = new FaultStorage(new MemoryStorage());
    const file = storage.createNow(JOURNAL);
    file.syncNow();
    storage.install({ rules: [rule('sync', { nth: 2 })] });
    file.syncNow();
    expect(() => file.syncNow()).toThrow('EIO');
    storage.install({ rules: [] });
    file.syncNow();
    expect(storage.countOf('sync')).toBe(4);
  });

  test('crosses threads as data over a directory, and does not over memory', async () => {
    const plan = { rules: [rule('sync', { times: Number.POSITIVE_INFINITY })] };
    const storage = new FaultStorage(new NodeStorage(directory), plan);
    expect(storage.spec).toEqual({ kind: 'fault', directory, plan });
    const other = openStorage(structuredClone(storage.spec!));
    const file = other.createNow(JOURNAL);
    await expect(file.sync()).rejects.toThrow('EIO');
    file.closeNow();
    other.removeNow(JOURNAL);
    expect(new FaultStorage(new MemoryStorage()).spec).toBeUndefined();
  });

  test('writes the same transcript over a directory as memory writes by itself', async () => {
    const memory = new MemoryStorage();
    const disk = new FaultStorage(new NodeStorage(mkdtempSync(join(directory, 'transcript-'))));
    await doEverything(memory);
    await doEverything(disk);
    const expected = formatTrace(memory.trace.entries);
    // A removal of a file that is gone is an operation to the decorator and nothing to the memory.
    expect(disk.transcript.replace(/^remove .*\n/gm, '')).toBe(expected);
  });
});
