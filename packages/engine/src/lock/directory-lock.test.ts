import { ErrorCode } from '@arena-level/common/base/errors';
import { FaultStorage } from '@arena-level/common/storage/fault-storage';
import { MemoryStorage } from '@arena-level/common/storage/memory-storage';
import { describe, expect, test } from 'vitest';
import { lockDirectory } from './directory-lock.ts';

describe.each([
  ['a memory storage', () => new MemoryStorage()],
  ['a decorated memory storage', () => new FaultStorage(new MemoryStorage())],
])('the lock of %s', (_, make) => {
  test('admits one opener of the object at a time, and leaves no trace in it', () => {
    const storage = make();
    const first = lockDirectory(storage, 'anywhere');
    expect(() => lockDirectory(storage, 'elsewhere')).toThrow(
      expect.objectContaining({ code: ErrorCode.Locked, message: '(memory) is open already' }),
    );
    const other = lockDirectory(make(), 'anywhere');
    first.release();
    const second = lockDirectory(storage, 'anywhere');
    first.release();
    expect(() => lockDirectory(storage, 'anywhere')).toThrow();
    second.release();
    other.release();
    expect(storage.listNow()).toEqual([]);
  });

  test('is replaced by force, and the replaced one releases nothing of its successor', () => {
    const storage = make();
    const replaced = lockDirectory(storage, '');
    const successor = lockDirectory(storage, '', { force: true });
    replaced.release();
    expect(() => lockDirectory(storage, '')).toThrow();
    successor.release();
    lockDirectory(storage, '').release();
  });
});
