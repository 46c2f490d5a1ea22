import { ErrorCode } from '@arena-level/common/base/errors';
import { Running, runLater, runNow } from '@arena-level/common/base/steps';
import { FaultStorage } from '@arena-level/common/storage/fault-storage';
import { MemoryStorage } from '@arena-level/common/storage/memory-storage';
import { describe, expect, test } from 'vitest';
import { adding, internalKey, picture, table } from './table.test-support.ts';
import { create, flushed, recover, stateOf } from './version-set.test-support.ts';
import type { VersionSetOptions } from './version-set.ts';

describe('VersionSet, a new store', () => {
  test('is created in the order that leaves nothing half made: manifest, its name, CURRENT, its name', () => {
    const storage = new FaultStorage(new MemoryStorage());
    const set = create(storage);
    expect(storage.transcript).toBe(
      [
        'remove MANIFEST-000001',
        'remove 000001.dbtmp',
        'create MANIFEST-000001',
        'write MANIFEST-000001 0+43',
        'sync MANIFEST-000001',
        'sync-directory',
        'create 000001.dbtmp',
        'write 000001.dbtmp 0+16',
        'sync 000001.dbtmp',
        'rename 000001.dbtmp CURRENT',
        'sync-directory',
        '',
      ].join('\n'),
    );
    expect(set.nextFileNumber).toBe(2);
    expect(stateOf(recover(storage))).toEqual(stateOf(set));
  });

  test('is created over what a crash left of an earlier creation', () => {
    const leftovers = ['MANIFEST-000001', '000001.dbtmp'].map((name) => [name, new Uint8Array(100)] as const);
    const storage = new MemoryStorage({ files: new Map(leftovers) });
    create(storage);
    expect(storage.fileNames()).toEqual(['CURRENT', 'MANIFEST-000001']);
    expect(picture(recover(storage).current.levels)).toEqual([]);
  });

  test('is not created where there is one, nor recovered where there is none', () => {
    const storage = new MemoryStorage();
    expect(() => recover(storage)).toThrow(expect.objectContaining({ code: ErrorCode.StoreMissing }));
    create(storage);
    expect(() => create(storage)).toThrow(/invariant/);
  });
});

describe('VersionSet.commit', () => {
  test('appends the edit, syncs, and installs the version', () => {
    const storage = new FaultStorage(new MemoryStorage());
    const set = create(storage);
    const before = storage.transcript.length;
    const version = runNow(set.commit(flushed(set.newFileNumber(), 20, 3)));
    expect(storage.transcript.slice(before)).toBe('write MANIFEST-000001 43+40\nsync MANIFEST-000001\n');
    expect(set.current).toBe(version);
    expect(picture(version.levels)).toEqual(['L0: 2[a..m]']);
    expect(set).toMatchObject({ lastSequence: 20, logNumber: 3, isHealthy: true });
    expect(stateOf(recover(storage))).toEqual(stateOf(set));
  });

  test('keeps the numbers that an edit does not state', () => {
    const set = create(new MemoryStorage());
    runNow(set.commit(flushed(set.newFileNumber(), 20, 3)));
    runNow(set.commit({ deletedTables: [{ level: 0, number: 2 }] }));
    expect(set).toMatchObject({ lastSequence: 20, logNumber: 3 });
  });

  test('keeps compaction pointers, through a new manifest, too', () => {
    const storage = new MemoryStorage();
    const set = create(storage);
    runNow(set.commit({ compactPointers: [{ level: 1, key: internalKey('g#5') }] }));
    runNow(set.commit({ compactPointers: [{ level: 2, key: internalKey('h#6') }] }));
    const again = recover(storage);
    runNow(again.commit({ compactPointers: [{ level: 1, key: internalKey('i#7') }] }));
    expect(again.compactPointer(1)).toEqual(internalKey('i#7'));
    expect(stateOf(recover(storage))).toEqual(stateOf(again));
  });

  test('writes a whole new manifest after a recovery, and only then removes the old one', () => {
    const memory = new MemoryStorage();
    const first = create(memory);
    runNow(first.commit(flushed(first.newFileNumber(), 20, 2)));
    const storage = new FaultStorage(memory);
    const set = recover(storage);
    expect(storage.transcript).toBe('');
    runNow(set.commit(flushed(set.newFileNumber(), 30, 3)));
    expect(storage.transcript.split('\n')).toEqual([
      'create MANIFEST-000004',
      expect.stringMatching(/^write MANIFEST-000004 0\+/),
      'sync MANIFEST-000004',
      'sync-directory',
      'create 000004.dbtmp',
      'write 000004.dbtmp 0+16',
      'sync 000004.dbtmp',
      'rename 000004.dbtmp CURRENT',
      'sync-directory',
      'remove MANIFEST-000001',
      '',
    ]);
    expect(stateOf(recover(storage))).toEqual(stateOf(set));
    runNow(set.commit({}));
    expect(storage.transcript).toMatch(/write MANIFEST-000004 \d+\+\d+\nsync MANIFEST-000004\n$/);
  });

  test('begins a new manifest when the open one is too large, but not before it has doubled', () => {
    const storage = new FaultStorage(new MemoryStorage());
    const set = create(storage, { maxManifestBytes: 100 });
    const manifests = new Map<number, number>();
    for (let i = 0; i < 60; i++) {
      runNow(set.commit(flushed(set.newFileNumber(), i, 0)));
      const { number, sizeBytes } = set.manifest!;
      if (!manifests.has(number)) manifests.set(number, sizeBytes);
    }
    const firstSizes = [...manifests.values()];
    expect(firstSizes.length).toBeGreaterThan(3);
    for (let i = 2; i < firstSizes.length; i++)
      expect(firstSizes[i]).toBeGreaterThan(1.4 * firstSizes[i - 1]!);
    expect(stateOf(recover(storage))).toEqual(stateOf(set));
  });

  test('announces its steps, each when it is done', () => {
    const steps: string[] = [];
    const options: VersionSetOptions = { onStep: (step) => steps.push(JSON.stringify(step)) };
    const set = create(new MemoryStorage(), options);
    steps.length = 0;
    runNow(set.commit(flushed(set.newFileNumber(), 20, 3)));
    expect(steps).toEqual([
      '{"step":"edit-appended","manifest":1,"bytes":33}',
      '{"step":"manifest-synced","manifest":1}',
      '{"step":"version-installed","version":3,"tables":1,"lastSequence":20}',
    ]);
  });

  test('announces a new manifest', () => {
    const storage = new MemoryStorage();
    create(storage);
    const steps: string[] = [];
    runNow(recover(storage, { onStep: ({ step }) => steps.push(step) }).commit({}));
    expect(steps).toEqual([
      'manifest-created',
      'edit-appended',
      'manifest-synced',
      'directory-synced',
      'current-switched',
      'manifest-removed',
      'version-installed',
    ]);
  });

  test('tells of tables that are obsolete when no version that has them is held', () => {
    const obsolete: number[] = [];
    const set = create(new MemoryStorage(), { onObsolete: ({ number }) => obsolete.push(number) });
    const reader = runNow(set.commit(adding({ 0: [table(5, 'a', 'm'), table(6, 'a', 'm')] })));
    reader.retain();
    runNow(set.commit({ deletedTables: [{ level: 0, number: 5 }], ...adding({ 1: [table(7, 'a', 'm')] }) }));
    runNow(set.commit({ deletedTables: [{ level: 1, number: 7 }], ...adding({ 2: [table(7, 'a', 'm')] }) }));
    runNow(set.commit({ deletedTables: [{ level: 2, number: 7 }] }));
    expect(obsolete).toEqual([7]);
    expect(set.liveFiles()).toEqual({ tables: new Set([5, 6]), manifests: new Set([1]) });
    reader.release();
    expect(obsolete).toEqual([7, 5]);
    expect(set.liveFiles().tables).toEqual(new Set([6]));
  });

  test('is one at a time', async () => {
    const set = create(new MemoryStorage());
    const first = runLater(set.commit({}));
    expect(() => runNow(set.commit({}))).toThrow(/one commit at a time/);
    expect(() => set.closeNow()).toThrow(/invariant/);
    await first;
    runNow(set.commit({}));
    set.closeNow();
  });

  test.each([
    { id: 'deletes what is not there', edit: { deletedTables: [{ level: 0, number: 77 }] } },
    { id: 'sets the journal number back', edit: { logNumber: 2 } },
    { id: 'sets the last sequence number back', edit: { lastSequence: 19 } },
    { id: 'has a sequence number above the limit', edit: { lastSequence: 2 ** 53 } },
  ])('refuses an edit that $id, before anything is written', ({ edit }) => {
    const storage = new FaultStorage(new MemoryStorage());
    const set = create(storage);
    runNow(set.commit(flushed(set.newFileNumber(), 20, 3)));
    const { transcript } = storage;
    expect(() => runNow(set.commit(edit))).toThrow(expect.objectContaining({ code: ErrorCode.Internal }));
    expect(storage.transcript).toBe(transcript);
    expect(set.isHealthy).toBe(true);
    runNow(set.commit({ lastSequence: 21 }));
    expect(recover(storage).lastSequence).toBe(21);
  });

  test('does the same work when a blocking caller takes over after any step', async () => {
    for (let steps = 0; steps < 12; steps++) {
      const held: (() => void)[] = [];
      const memory = new MemoryStorage({ schedule: (complete) => void held.push(complete) });
      create(memory);
      const set = recover(memory);
      const running = new Running(set.commit(flushed(set.newFileNumber(), 20, 3)));
      for (let i = 0; i < steps; i++) {
        held.shift()?.();
        await new Promise((resolve) => setImmediate(resolve));
      }
      running.finishNow();
      runNow(set.commit(flushed(set.newFileNumber(), 30, 3)));
      expect(picture(recover(memory).current.levels), `after ${steps} steps`).toEqual([
        'L0: 4[a..m] 2[a..m]',
      ]);
      expect(memory.fileNames()).toEqual(['CURRENT', 'MANIFEST-000003']);
    }
  });
});

describe('VersionSet.recover', () => {
  test('reads the next manifest when a writer has replaced the one that CURRENT named', () => {
    const storage = new MemoryStorage();
    const writer = create(storage, { maxManifestBytes: 1 });
    const beside = new FaultStorage(storage);
    const sizeNow = beside.sizeNow.bind(beside);
    let replacements = 0;
    beside.sizeNow = (file) => {
      // Between CURRENT and the manifest it named.
      if (file.type === 'manifest' && replacements < 3) {
        const reopened = recover(storage);
        runNow(reopened.commit({ lastSequence: 10 + replacements++ }));
        reopened.closeNow();
      }
      return sizeNow(file);
    };
    expect(recover(beside).lastSequence).toBe(12);
    expect(replacements).toBe(3);
    writer.closeNow();
  });

  test('refuses a store whose manifest is missing', () => {
    const storage = new MemoryStorage({ files: new Map([['CURRENT', Buffer.from('MANIFEST-000007\n')]]) });
    expect(() => recover(storage)).toThrow(
      expect.objectContaining({ code: ErrorCode.Corruption, file: 'MANIFEST-000007' }),
    );
  });
});

describe('VersionSet, file numbers', () => {
  test('are given out once, and not when they were reserved', () => {
    const set = create(new MemoryStorage());
    expect([set.newFileNumber(), set.newFileNumber()]).toEqual([2, 3]);
    set.reserveFileNumber(9);
    set.reserveFileNumber(5);
    expect(set.newFileNumber()).toBe(10);
  });

  test('are above all that the manifest names, whatever it says of the next one', () => {
    const storage = new MemoryStorage();
    const set = create(storage);
    runNow(set.commit({ ...adding({ 3: [table(50, 'a', 'b')] }), logNumber: 40 }));
    expect(set.nextFileNumber).toBe(51);
    expect(recover(storage).nextFileNumber).toBe(51);
  });

  test('that were given out before a commit are not given out again after a reopen', () => {
    const storage = new MemoryStorage();
    const set = create(storage);
    const given = [set.newFileNumber(), set.newFileNumber(), set.newFileNumber()];
    runNow(set.commit({}));
    expect(recover(storage).newFileNumber()).toBeGreaterThan(Math.max(...given));
  });
});
