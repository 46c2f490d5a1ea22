import { ErrorCode, hasCode } from '@arena-level/common/base/errors';
import { runNow } from '@arena-level/common/base/steps';
import { FaultStorage } from '@arena-level/common/storage/fault-storage';
import { MemoryStorage } from '@arena-level/common/storage/memory-storage';
import { describe, expect, test } from 'vitest';
import type { VersionEdit } from '../manifest/version-edit.ts';
import { internalKey, picture } from './table.test-support.ts';
import { create, flushed, recover, stateOf } from './version-set.test-support.ts';

/** Makes the first manifest large enough to be followed by another, where `maxManifestBytes` is small. */
const LARGE: VersionEdit = {
  lastSequence: 5,
  compactPointers: [{ level: 5, key: internalKey('k'.repeat(200)) }],
};

describe('VersionSet, failures', () => {
  test.each([
    { operation: 'write', effect: 'error' },
    { operation: 'write', effect: 'short-write' },
    { operation: 'sync', effect: 'error' },
  ] as const)(
    'of an append ($operation, $effect): nothing is appended behind it, and the next commit heals',
    ({ operation, effect }) => {
      const memory = new MemoryStorage();
      const storage = new FaultStorage(memory);
      const set = create(storage);
      runNow(set.commit(flushed(set.newFileNumber(), 20, 2)));
      const before = stateOf(set);
      storage.install({ rules: [{ operation, type: 'manifest', nth: 1, times: 1, effect, errno: 'EIO' }] });
      const edit = flushed(set.newFileNumber(), 30, 3);
      expect(() => runNow(set.commit(edit))).toThrow(expect.objectContaining({ code: ErrorCode.IoError }));
      expect(set.isHealthy).toBe(false);
      expect(stateOf(set)).toEqual(before);
      expect(memory.fileNames()).toEqual(['CURRENT', 'MANIFEST-000001']);

      const { transcript } = storage;
      runNow(set.commit(edit));
      expect(set.isHealthy).toBe(true);
      expect(storage.transcript.slice(transcript.length)).not.toMatch(/(write|sync) MANIFEST-000001/);
      expect(memory.fileNames()).toEqual(['CURRENT', 'MANIFEST-000004']);
      expect(stateOf(recover(storage))).toEqual(stateOf(set));
    },
  );

  test('of an append are healed by another edit, without the failed one', () => {
    const storage = new FaultStorage(new MemoryStorage());
    const set = create(storage);
    storage.install({
      rules: [{ operation: 'sync', type: 'manifest', nth: 1, times: 1, effect: 'error', errno: 'EIO' }],
    });
    expect(() => runNow(set.commit(flushed(7, 30, 3)))).toThrow();
    runNow(set.commit(flushed(8, 40, 4)));
    expect(picture(recover(storage).current.levels)).toEqual(['L0: 8[a..m]']);
  });

  test('of a roll-over before CURRENT is switched leave the old manifest in force, and open', () => {
    for (const [operation, type, nth] of [
      ['create', 'manifest', 1],
      ['write', 'manifest', 1],
      ['sync', 'manifest', 1],
      ['sync-directory', undefined, 1],
      ['create', 'temp', 1],
      ['write', 'temp', 1],
      ['sync', 'temp', 1],
    ] as const) {
      const memory = new MemoryStorage();
      const storage = new FaultStorage(memory);
      const set = create(storage, { maxManifestBytes: 1 });
      runNow(set.commit(LARGE));
      const { number } = set.manifest!;
      const rule = {
        operation,
        ...(type === undefined ? {} : { type }),
        nth,
        times: 1,
        effect: 'error',
        errno: 'EIO',
      } as const;
      storage.install({ rules: [rule] });
      const message = `${operation} ${type}`;
      expect(() => runNow(set.commit({ lastSequence: 6 })), message).toThrow();
      expect(set.isHealthy, message).toBe(true);
      expect(memory.fileNames(), message).toEqual(['CURRENT', `MANIFEST-00000${number}`]);
      expect(recover(storage).lastSequence, message).toBe(5);
      runNow(set.commit({ lastSequence: 7 }));
      expect(recover(storage).lastSequence, message).toBe(7);
    }
  });

  test('of the switch itself leave both manifests, and the next commit replaces both', () => {
    for (const operation of ['rename', 'sync-directory'] as const) {
      const memory = new MemoryStorage();
      const storage = new FaultStorage(memory);
      const set = create(storage, { maxManifestBytes: 1 });
      runNow(set.commit(LARGE));
      const old = set.manifest!.number;
      const nth = operation === 'rename' ? 1 : 2;
      storage.install({ rules: [{ operation, nth, times: 1, effect: 'error', errno: 'EIO' }] });
      expect(() => runNow(set.commit({ lastSequence: 6 })), operation).toThrow();
      expect(set.isHealthy, operation).toBe(false);
      expect(set.lastSequence, operation).toBe(5);
      expect(set.liveFiles().manifests, operation).toEqual(new Set([old, old + 1]));
      expect(memory.fileNames(), operation).toEqual(
        expect.arrayContaining([`MANIFEST-00000${old}`, `MANIFEST-00000${old + 1}`]),
      );
      runNow(set.commit({ lastSequence: 6 }));
      expect(set.isHealthy, operation).toBe(true);
      expect(
        memory.fileNames().filter((name) => name.startsWith('MANIFEST')),
        operation,
      ).toEqual([`MANIFEST-00000${old + 2}`]);
      expect(recover(storage).lastSequence, operation).toBe(6);
    }
  });

  test('to remove an old manifest are announced, and are no failure of the commit', () => {
    const memory = new MemoryStorage();
    create(memory);
    const storage = new FaultStorage(memory, {
      rules: [{ operation: 'remove', nth: 1, times: 1, effect: 'error', errno: 'EACCES' }],
    });
    const steps: string[] = [];
    const set = recover(storage, { onStep: ({ step }) => steps.push(step) });
    runNow(set.commit({ lastSequence: 9 }));
    expect(steps).toContain('manifest-left-over');
    expect(set.isHealthy).toBe(true);
    expect(recover(storage).lastSequence).toBe(9);
  });

  test('that last leave every try with a number of its own', () => {
    const storage = new FaultStorage(new MemoryStorage());
    const set = create(storage);
    storage.install({
      rules: [{ operation: 'sync', type: 'manifest', nth: 1, times: 4, effect: 'error', errno: 'EIO' }],
    });
    for (let i = 0; i < 4; i++) {
      try {
        runNow(set.commit({ lastSequence: 9 }));
        expect.unreachable();
      } catch (error) {
        expect(hasCode(error, ErrorCode.IoError)).toBe(true);
      }
    }
    runNow(set.commit({ lastSequence: 9 }));
    const created = storage.transcript.match(/create MANIFEST-\d+/g)!;
    expect(new Set(created).size).toBe(created.length);
    expect(set.manifest!.number).toBe(5);
  });
});
