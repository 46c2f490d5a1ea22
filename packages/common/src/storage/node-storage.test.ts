import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { ErrorCode, errnoOf } from '../base/errors.ts';
import { CURRENT_FILE, journalFile, tableFile, tempFile } from './file-desc.ts';
import { createDirectory } from './node-directory.ts';
import { NodeStorage } from './node-storage.ts';
import { openStorage } from './open-storage.ts';
import { testStorage } from './storage-conformance.test-support.ts';

const root = mkdtempSync(join(tmpdir(), 'arena-storage-'));
let count = 0;
function freshDirectory(): string {
  const directory = join(root, String(count++));
  mkdirSync(directory);
  return directory;
}
afterAll(() => rmSync(root, { recursive: true }));

testStorage('NodeStorage', () => new NodeStorage(freshDirectory()));

describe('NodeStorage', () => {
  let directory: string;
  let storage: NodeStorage;
  const write = (name: string, contents = ''): void => writeFileSync(join(directory, name), contents);
  beforeEach(() => {
    directory = freshDirectory();
    storage = new NodeStorage(directory);
  });

  const openDescriptors = (): string[] =>
    readdirSync('/proc/self/fd').flatMap((number) => {
      try {
        const target = readlinkSync(`/proc/self/fd/${number}`);
        return target.startsWith(directory) ? [target] : [];
      } catch {
        return [];
      }
    });

  test('links a table of another storage, under either of its names: one file with two names', async () => {
    write('000004.ldb', 'four');
    write('000005.sst', 'five');
    const other = new NodeStorage(freshDirectory());
    expect(await other.linkTable(storage.spec, tableFile(4))).toBe(true);
    expect(await other.linkTable(storage.spec, tableFile(5))).toBe(true);
    expect(readdirSync(other.location).sort()).toEqual(['000004.ldb', '000005.ldb']);
    expect(statSync(join(other.location, '000005.ldb')).ino).toBe(
      statSync(join(directory, '000005.sst')).ino,
    );
    await expect(other.linkTable(storage.spec, tableFile(4))).rejects.toMatchObject({
      code: ErrorCode.IoError,
      message: expect.stringContaining('linking 000004.ldb'),
    });
    await expect(other.linkTable(storage.spec, tableFile(6))).rejects.toMatchObject({ file: '000006.ldb' });
  });

  test('does not link across file systems', async (context) => {
    if (!existsSync('/dev/shm') || statSync('/dev/shm').dev === statSync(directory).dev)
      return context.skip();
    write('000004.ldb', 'four');
    const elsewhere = mkdtempSync('/dev/shm/arena-storage-');
    try {
      expect(await new NodeStorage(elsewhere).linkTable(storage.spec, tableFile(4))).toBe(false);
      expect(readdirSync(elsewhere)).toEqual([]);
    } finally {
      rmSync(elsewhere, { recursive: true });
    }
  });

  test('lists only names that lead back to themselves', () => {
    for (const name of [
      '000003.log',
      '3.log',
      '0000003.log',
      '000004.sst',
      '000005.tmp',
      'CURRENT',
      'CURRENT.bak',
      'notes',
    ]) {
      write(name);
    }
    mkdirSync(join(directory, 'lost'));
    const files = storage.listNow();
    expect(files).toHaveLength(4);
    expect(files).toEqual(expect.arrayContaining([journalFile(3), tableFile(4), tempFile(5), CURRENT_FILE]));
  });

  test('finds tables under LevelDB’s older suffix, and prefers the newer', async () => {
    write('000004.sst', 'old');
    expect(storage.sizeNow(tableFile(4))).toBe(3);
    for (const opened of [storage.openReadNow(tableFile(4)), await storage.openRead(tableFile(4))]) {
      expect(opened.size).toBe(3);
      opened.closeNow();
    }
    write('000004.ldb', 'newer');
    expect(storage.sizeNow(tableFile(4))).toBe(5);
    storage.removeNow(tableFile(4));
    expect(readdirSync(directory)).toEqual(['000004.sst']);
    expect(storage.quarantineNow(tableFile(4))).toBe('lost/000004.sst');
    write('000006.sst');
    await storage.remove(tableFile(6));
    expect(readdirSync(directory)).toEqual(['lost']);
  });

  test('refuses symbolic links inside the store, for whatever is asked', async () => {
    writeFileSync(join(root, 'outside'), 'secret');
    symlinkSync(join(root, 'outside'), join(directory, 'CURRENT'));
    const calls = [
      () => storage.sizeNow(CURRENT_FILE),
      () => storage.openReadNow(CURRENT_FILE),
      () => storage.openWriteNow(CURRENT_FILE),
      () => storage.readAllNow(CURRENT_FILE, 100),
      () => storage.createNow(CURRENT_FILE),
    ];
    for (const call of calls)
      expect(call).toThrow(expect.objectContaining({ code: ErrorCode.IoError, file: 'CURRENT' }));
    await expect(storage.openRead(CURRENT_FILE)).rejects.toMatchObject({ code: ErrorCode.IoError });
    symlinkSync(root, join(directory, 'lost'));
    write('000003.log');
    expect(() => storage.quarantineNow(journalFile(3))).toThrow(/EEXIST/);
    expect(openDescriptors()).toEqual([]);
  });

  test('refuses directories and pipes without waiting for them', async () => {
    mkdirSync(join(directory, '000003.log'));
    execFileSync('mkfifo', [join(directory, '000004.log')]);
    for (const file of [journalFile(3), journalFile(4)]) {
      expect(() => storage.openReadNow(file)).toThrow(/EISDIR|EINVAL/);
      expect(() => storage.openWriteNow(file)).toThrow(/EISDIR|ENXIO/);
      expect(() => storage.sizeNow(file)).toThrow(/EISDIR|EINVAL/);
      await expect(storage.openRead(file)).rejects.toThrow(/EISDIR|EINVAL/);
    }
    expect(() => storage.removeNow(journalFile(3))).toThrow(/EISDIR|EPERM/);
    expect(openDescriptors()).toEqual([]);
  });

  test('keeps the files of a store where the directory itself is a link', () => {
    symlinkSync(directory, join(root, 'link'));
    const linked = new NodeStorage(join(root, 'link'));
    linked.createNow(journalFile(3)).closeNow();
    linked.syncDirectoryNow();
    linked.closeNow();
    expect(existsSync(join(directory, '000003.log'))).toBe(true);
  });

  test('gives every descriptor back, also those of operations that outlive their file', async () => {
    const file = storage.createNow(journalFile(3));
    const pending = [file.sync(), file.sync(), storage.syncDirectory()];
    file.syncNow();
    storage.syncDirectoryNow();
    expect(openDescriptors().length).toBeGreaterThanOrEqual(4);
    file.closeNow();
    storage.closeNow();
    await Promise.all(pending);
    await new Promise((done) => setImmediate(done));
    await storage.openRead(journalFile(3)).then((opened) => opened.closeNow());
    expect(openDescriptors()).toEqual([]);
  });

  test('opens another description for blocking syncs before the first asynchronous one', async () => {
    const file = storage.createNow(journalFile(3));
    file.syncNow();
    expect(openDescriptors()).toHaveLength(1);
    const pending = file.sync();
    expect(openDescriptors()).toHaveLength(2);
    await pending;
    await file.sync();
    file.syncNow();
    expect(openDescriptors()).toHaveLength(2);
    file.closeNow();
    expect(openDescriptors()).toEqual([]);
  });

  test('never syncs another file that has taken the name', async () => {
    const file = storage.createNow(tempFile(3));
    storage.renameNow(tempFile(3), CURRENT_FILE);
    storage.createNow(tempFile(3)).closeNow();
    await expect(file.sync()).rejects.toThrow(/before its first asynchronous sync/);
    file.closeNow();
    expect(openDescriptors()).toEqual([]);
  });

  test('returns the short count of a disk that fills up', () => {
    const script = `
      const { openSync, writeSync } = require('node:fs');
      process.on('SIGXFSZ', () => {});
      console.log(writeSync(openSync(process.argv[1], 'wx'), new Uint8Array(10_000), 0, 10_000, 0));`;
    const path = join(directory, 'short');
    const output = execFileSync('bash', [
      '-c',
      'ulimit -f 4; exec "$0" -e "$1" "$2"',
      process.execPath,
      script,
      path,
    ]);
    expect(Number(output)).toBe(readFileSync(path).length);
    expect(Number(output)).toBeLessThan(10_000);
  });

  test('is opened elsewhere from its spec', () => {
    storage.createNow(journalFile(3)).closeNow();
    const other = openStorage(structuredClone(storage.spec));
    expect(other.listNow()).toEqual([journalFile(3)]);
    expect(other.location).toBe(directory);
  });

  test('names a directory that is not there', () => {
    const missing = new NodeStorage(join(directory, 'no'));
    expect(() => missing.listNow()).toThrow(/listing .*\/no failed: ENOENT/);
    expect(() => missing.syncDirectoryNow()).toThrow(/syncing directory .* failed: ENOENT/);
    expect(missing.sizeNow(CURRENT_FILE)).toBeUndefined();
  });
});

describe('createDirectory', () => {
  test('makes all that is missing, and takes what is there', () => {
    const path = join(freshDirectory(), 'a/b/c');
    createDirectory(path);
    createDirectory(path);
    createDirectory(`${path}/`);
    expect(readdirSync(path)).toEqual([]);
    createDirectory('/');
  });

  test('fails where a file or a dangling link is in the way', () => {
    const directory = freshDirectory();
    writeFileSync(join(directory, 'file'), '');
    symlinkSync(join(directory, 'nowhere'), join(directory, 'dangling'));
    for (const path of ['file', 'file/below', 'dangling', 'dangling/below']) {
      let caught: unknown;
      try {
        createDirectory(join(directory, path));
      } catch (error) {
        caught = error;
      }
      expect(caught, path).toMatchObject({ code: ErrorCode.IoError });
      expect(['EEXIST', 'ENOTDIR'], path).toContain(errnoOf(caught));
    }
  });
});
