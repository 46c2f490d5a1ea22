import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ErrorCode } from '@arena-level/common/base/errors';
import { ClassicLevel } from 'classic-level';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { lockHere, Opener } from './opener.ts';

const root = mkdtempSync(join(tmpdir(), 'arena-classic-lock-'));
afterAll(() => rmSync(root, { recursive: true }));

let directory: string;
let openers: Opener[] = [];
beforeEach(() => {
  directory = mkdtempSync(join(root, 'store-'));
});
afterEach(async () => {
  await Promise.all(openers.map((opener) => opener.kill()));
  openers = [];
});

async function startProcess(): Promise<Opener> {
  const opener = await Opener.start('process', true);
  openers.push(opener);
  return opener;
}

const lockedByKernel: unknown = expect.objectContaining({
  code: ErrorCode.Locked,
  message: expect.stringContaining('LOCK file locked'),
});

describe.each([
  ['with the native package', true],
  ['without the native package', false],
])('a store that classic-level has open, %s', (_, native) => {
  test('in another process is refused to us, and given when classic-level has closed it', async () => {
    const other = await startProcess();
    expect((await other.ask('open-classic', directory)).outcome).toBe('done');
    expect(() => lockHere(directory, native)).toThrow(lockedByKernel);
    expect(() => lockHere(directory, native, true)).toThrow(lockedByKernel);
    await other.ask('close-classic');
    lockHere(directory, native).release();
  });

  test('in this process is refused to us, and stays locked for everybody else', async () => {
    const classic = new ClassicLevel(directory);
    await classic.open();
    for (let i = 0; i < 3; i++) expect(() => lockHere(directory, native)).toThrow(lockedByKernel);
    expect(() => lockHere(directory, native)).toThrow(/this process/);
    const other = await startProcess();
    expect((await other.ask('open-classic', directory)).outcome).toBe(ErrorCode.Locked);
    expect((await other.ask('lock', directory)).outcome).toBe(ErrorCode.Locked);
    await classic.close();
    lockHere(directory, native).release();
    expect((await other.ask('open-classic', directory)).outcome).toBe('done');
  });
});

describe('a store that we have open, with the native package', () => {
  test('is refused to classic-level in this process and in another, and given to it afterwards', async () => {
    const lock = lockHere(directory, true);
    const other = await startProcess();
    for (let i = 0; i < 2; i++) {
      expect((await other.ask('open-classic', directory)).outcome).toBe(ErrorCode.Locked);
      await expect(new ClassicLevel(directory).open()).rejects.toMatchObject({
        cause: { code: ErrorCode.Locked },
      });
    }
    lock.release();
    expect((await other.ask('open-classic', directory)).outcome).toBe('done');
  });

  test('stays refused to everybody after attempts from this process have failed', async () => {
    const lock = lockHere(directory, true);
    await expect(new ClassicLevel(directory).open()).rejects.toThrow();
    expect(() => lockHere(directory, true)).toThrow(expect.objectContaining({ code: ErrorCode.Locked }));
    const inode = /:(\d+) 0 EOF/.exec(readFileSync('/proc/locks', 'utf8'));
    expect(inode).not.toBeNull();
    const other = await startProcess();
    expect((await other.ask('open-classic', directory)).outcome).toBe(ErrorCode.Locked);
    expect((await other.ask('lock', directory)).outcome).toBe(ErrorCode.Locked);
    lock.release();
  });
});
