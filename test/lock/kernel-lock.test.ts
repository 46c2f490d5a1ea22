import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ErrorCode } from '@arena-level/common/base/errors';
import { ClassicLevel } from 'classic-level';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { lockLevelFile } from '../../packages/engine/src/lock/kernel-lock.ts';

const root = mkdtempSync(join(tmpdir(), 'arena-kernel-lock-'));
afterAll(() => rmSync(root, { recursive: true }));

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(root, 'store-'));
});

const lockedLines = (): string[] => {
  const { ino } = statSync(join(directory, 'LOCK'), { bigint: true });
  return readFileSync('/proc/locks', 'utf8')
    .split('\n')
    .filter((line) => line.includes(`:${ino} `));
};

const openDescriptors = (): number =>
  readdirSync('/proc/self/fd').filter((number) => {
    try {
      return readlinkSync(`/proc/self/fd/${number}`) === join(directory, 'LOCK');
    } catch {
      return false;
    }
  }).length;

/** As on a system that does not list its locks. */
const blind = (): undefined => undefined;

describe('the lock on LOCK', () => {
  test('is an open-file-description lock, gone when released', () => {
    const lock = lockLevelFile(directory)!;
    expect(lockedLines()).toEqual([expect.stringContaining('OFDLCK')]);
    lock.release();
    expect(lockedLines()).toEqual([]);
    expect(openDescriptors()).toBe(0);
  });

  test('where locks are not listed: never unlocks a classic-level in this process, at the price of one descriptor', async () => {
    const classic = new ClassicLevel(directory);
    await classic.open();
    const before = openDescriptors();
    for (let i = 0; i < 5; i++) {
      expect(() => lockLevelFile(directory, blind)).toThrow(
        expect.objectContaining({ code: ErrorCode.Locked }),
      );
      expect(lockedLines()).toEqual([expect.stringContaining(`POSIX  ADVISORY  WRITE ${process.pid} `)]);
      expect(openDescriptors()).toBe(before + 1);
    }
    await classic.close();
    const lock = lockLevelFile(directory, blind)!;
    expect(lockedLines()).toEqual([expect.stringContaining('OFDLCK')]);
    lock.release();
    expect(openDescriptors()).toBe(0);
  });

  test('does not open LOCK at all where the list says who has it', async () => {
    const classic = new ClassicLevel(directory);
    await classic.open();
    const before = openDescriptors();
    expect(() => lockLevelFile(directory)).toThrow(/open in this process/);
    expect(openDescriptors()).toBe(before);
    await classic.close();
  });

  test('is not taken on what LOCK links to', () => {
    symlinkSync(join(root, 'outside'), join(directory, 'LOCK'));
    expect(() => lockLevelFile(directory)).toThrow(
      expect.objectContaining({ code: ErrorCode.IoError, message: expect.stringContaining('ELOOP') }),
    );
  });

  test('is taken anew on a LOCK that was removed while another is refused', () => {
    const first = lockLevelFile(directory)!;
    expect(() => lockLevelFile(directory, blind)).toThrow(
      expect.objectContaining({ code: ErrorCode.Locked }),
    );
    rmSync(join(directory, 'LOCK'));
    const second = lockLevelFile(directory, blind)!;
    expect(second.lockFile).not.toBe(first.lockFile);
    second.release();
    first.release();
  });
});
