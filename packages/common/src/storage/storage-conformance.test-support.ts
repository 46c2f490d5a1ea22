import { beforeEach, describe, expect, test } from 'vitest';
import { type EngineError, ErrorCode, errnoOf } from '../base/errors.ts';
import { CURRENT_FILE, fileName, journalFile, manifestFile, tableFile, tempFile } from './file-desc.ts';
import type { Storage, WritableFile } from './storage.ts';

const JOURNAL = journalFile(3);
const text = (value: string): Uint8Array => new TextEncoder().encode(value);

function put(storage: Storage, file: Parameters<Storage['createNow']>[0], contents: string): void {
  const opened = storage.createNow(file);
  opened.writeNow(text(contents), 0, contents.length, 0);
  opened.closeNow();
}

const get = (storage: Storage, file: Parameters<Storage['createNow']>[0]): string =>
  new TextDecoder().decode(storage.readAllNow(file, 1 << 20));

function failure(act: () => unknown): EngineError {
  try {
    act();
  } catch (error) {
    return error as EngineError;
  }
  throw new Error('expected a failure');
}

/** What every storage must do, whatever it keeps its files in. `makeEmpty` gives one without files. */
export function testStorage(name: string, makeEmpty: () => Storage): void {
  describe(`${name} as a storage`, () => {
    let storage: Storage;
    beforeEach(() => {
      storage = makeEmpty();
    });

    const listed = (): string[] => storage.listNow().map(fileName).sort();

    test('creates, lists, measures, reads and removes files', async () => {
      put(storage, JOURNAL, 'hello');
      put(storage, manifestFile(2), '');
      expect(listed()).toEqual(['000003.log', 'MANIFEST-000002']);
      expect(storage.sizeNow(JOURNAL)).toBe(5);
      expect(storage.sizeNow(manifestFile(2))).toBe(0);
      expect(get(storage, JOURNAL)).toBe('hello');
      storage.removeNow(JOURNAL);
      await storage.remove(manifestFile(2));
      expect(listed()).toEqual([]);
      expect(storage.sizeNow(JOURNAL)).toBeUndefined();
    });

    test('does not create a file that exists, and says so', () => {
      put(storage, JOURNAL, 'kept');
      const error = failure(() => storage.createNow(JOURNAL));
      expect(error).toMatchObject({ code: ErrorCode.IoError, file: '000003.log' });
      expect(error.message).toContain('creating 000003.log');
      expect(errnoOf(error)).toBe('EEXIST');
      expect(get(storage, JOURNAL)).toBe('kept');
    });

    test('names action, file and cause where a file is missing', async () => {
      const calls: [string, () => unknown][] = [
        ['opening', () => storage.openReadNow(JOURNAL)],
        ['opening', () => storage.openWriteNow(JOURNAL)],
        ['opening', () => storage.readAllNow(JOURNAL, 10)],
        ['renaming', () => storage.renameNow(JOURNAL, journalFile(4))],
        ['quarantining', () => storage.quarantineNow(JOURNAL)],
      ];
      for (const [action, call] of calls) {
        const error = failure(call);
        expect(error.code).toBe(ErrorCode.IoError);
        expect(error.message).toContain(`${action} 000003.log`);
        expect(errnoOf(error)).toBe('ENOENT');
      }
      await expect(storage.openRead(JOURNAL)).rejects.toMatchObject({
        code: ErrorCode.IoError,
        message: expect.stringContaining('opening 000003.log'),
      });
    });

    test('takes a file that is already gone for removed', async () => {
      storage.removeNow(JOURNAL);
      storage.removeNow(tableFile(9));
      await storage.remove(JOURNAL);
      await storage.remove(tempFile(9));
    });

    test('writes at positions, blocking and not, from any part of the buffer', async () => {
      const file = storage.createNow(JOURNAL);
      expect(file.writeNow(text('..world'), 2, 7, 5)).toBe(5);
      expect(await file.write(text('hello...'), 0, 5, 0)).toBe(5);
      expect(file.writeNow(text('x'), 1, 1, 3)).toBe(0);
      expect(get(storage, JOURNAL)).toBe('helloworld');
      file.writeNow(text('!'), 0, 1, 12);
      expect(get(storage, JOURNAL)).toBe('helloworld\0\0!');
      file.closeNow();
    });

    test('writes from shared memory and reads into it', async () => {
      const shared = new Uint8Array(new SharedArrayBuffer(8));
      shared.set(text('abcdefgh'));
      const file = storage.createNow(JOURNAL);
      file.writeNow(shared, 0, 4, 0);
      await file.write(shared, 4, 8, 4);
      file.closeNow();
      const target = new Uint8Array(new SharedArrayBuffer(8));
      const opened = storage.openReadNow(JOURNAL);
      expect(opened.readNow(target, 0, 4, 0) + (await opened.read(target, 4, 4, 4))).toBe(8);
      opened.closeNow();
      expect(new TextDecoder().decode(target.slice())).toBe('abcdefgh');
    });

    test('reads any range, and only as much as there is', async () => {
      put(storage, JOURNAL, 'hello');
      for (const file of [storage.openReadNow(JOURNAL), await storage.openRead(JOURNAL)]) {
        expect(file.size).toBe(5);
        for (const [length, position, expected] of [
          [3, 1, 'ell'],
          [10, 3, 'lo'],
          [4, 5, ''],
          [4, 99, ''],
          [0, 0, ''],
        ] as const) {
          const target = new Uint8Array(12).fill(0x2e);
          expect(file.readNow(target, 2, length, position)).toBe(expected.length);
          expect(new TextDecoder().decode(target)).toBe(`..${expected}`.padEnd(12, '.'));
          expect(await file.read(target, 0, length, position)).toBe(expected.length);
        }
        file.closeNow();
      }
    });

    test('links tables only, and says so where it cannot', async () => {
      await expect(storage.linkTable(storage.spec, JOURNAL)).rejects.toThrow('only tables');
      expect(await storage.linkTable(undefined, tableFile(5))).toBe(false);
      expect(listed()).toEqual([]);
    });

    test('refuses to read all of a file beyond the limit', () => {
      put(storage, CURRENT_FILE, '12345');
      expect(get(storage, CURRENT_FILE)).toBe('12345');
      expect(storage.readAllNow(CURRENT_FILE, 5).length).toBe(5);
      expect(failure(() => storage.readAllNow(CURRENT_FILE, 4))).toMatchObject({
        code: ErrorCode.Corruption,
        file: 'CURRENT',
      });
    });

    test('opens an existing file for writing, cuts it and extends it with zeros', () => {
      put(storage, JOURNAL, 'hello');
      const file = storage.openWriteNow(JOURNAL);
      file.truncateNow(2);
      expect(get(storage, JOURNAL)).toBe('he');
      file.truncateNow(4);
      file.writeNow(text('!'), 0, 1, 4);
      file.closeNow();
      expect(get(storage, JOURNAL)).toBe('he\0\0!');
    });

    test('renames over an existing file', () => {
      put(storage, CURRENT_FILE, 'old');
      put(storage, tempFile(4), 'new');
      storage.renameNow(tempFile(4), CURRENT_FILE);
      expect(listed()).toEqual(['CURRENT']);
      expect(get(storage, CURRENT_FILE)).toBe('new');
    });

    test('reads a removed or replaced file through what was opened before', () => {
      put(storage, JOURNAL, 'old');
      const opened = storage.openReadNow(JOURNAL);
      storage.removeNow(JOURNAL);
      put(storage, JOURNAL, 'new');
      const target = new Uint8Array(3);
      opened.readNow(target, 0, 3, 0);
      expect(new TextDecoder().decode(target)).toBe('old');
      opened.closeNow();
    });

    test('moves files to lost/ under free names', () => {
      const targets: string[] = [];
      for (const contents of ['a', 'b', 'c']) {
        put(storage, JOURNAL, contents);
        targets.push(storage.quarantineNow(JOURNAL));
      }
      expect(targets).toEqual(['lost/000003.log', 'lost/000003.log.1', 'lost/000003.log.2']);
      expect(listed()).toEqual([]);
    });

    test('empties lost/ of what was moved there, and of nothing else', () => {
      expect(storage.emptyLostNow()).toEqual([]);
      for (const contents of ['a', 'b']) {
        put(storage, JOURNAL, contents);
        storage.quarantineNow(JOURNAL);
      }
      put(storage, tableFile(4), 'kept');
      expect(storage.emptyLostNow().sort()).toEqual(['lost/000003.log', 'lost/000003.log.1']);
      expect(storage.emptyLostNow()).toEqual([]);
      expect(listed()).toEqual(['000004.ldb']);
      put(storage, JOURNAL, 'c');
      expect(storage.quarantineNow(JOURNAL)).toBe('lost/000003.log');
    });

    test('syncs files and directory in any mixture of blocking and not', async () => {
      const file = storage.createNow(JOURNAL);
      file.syncNow();
      await file.sync();
      const pending = [file.sync(), file.sync(), storage.syncDirectory(), storage.syncDirectory()];
      file.syncNow();
      storage.syncDirectoryNow();
      await Promise.all(pending);
      await Promise.all([file.sync(), storage.syncDirectory()]);
      file.closeNow();
      storage.closeNow();
      storage.closeNow();
    });

    test('ends operations under way after their file was closed, in that file and no other', async () => {
      const file: WritableFile = storage.createNow(JOURNAL);
      file.writeNow(text('-----'), 0, 5, 0);
      const pending = [file.write(text('hello'), 0, 5, 0), file.sync()];
      file.closeNow();
      file.closeNow();
      const other = storage.createNow(journalFile(4));
      await Promise.all(pending);
      expect(get(storage, JOURNAL)).toBe('hello');
      expect(storage.sizeNow(journalFile(4))).toBe(0);
      other.closeNow();
    });

    test('does not touch a file through a handle that was closed', async () => {
      const file = storage.createNow(JOURNAL);
      file.closeNow();
      expect(() => file.writeNow(text('x'), 0, 1, 0)).toThrow();
      await expect(file.write(text('x'), 0, 1, 0)).rejects.toThrow();
      expect(() => file.syncNow()).toThrow();
      const opened = storage.openReadNow(JOURNAL);
      opened.closeNow();
      opened.closeNow();
      expect(() => opened.readNow(new Uint8Array(1), 0, 1, 0)).toThrow();
      expect(storage.sizeNow(JOURNAL)).toBe(0);
    });
  });
}
