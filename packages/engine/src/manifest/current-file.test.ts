import { ErrorCode, hasCode } from '@arena-level/common/base/errors';
import { runLater, runNow, type Steps } from '@arena-level/common/base/steps';
import { FaultStorage } from '@arena-level/common/storage/fault-storage';
import { MemoryStorage } from '@arena-level/common/storage/memory-storage';
import type { Storage } from '@arena-level/common/storage/storage';
import { describe, expect, test } from 'vitest';
import { readCurrentNow, switchCurrent, writeCurrentTemp } from './current-file.ts';

/** Both halves, as a manifest that rolls over takes them. */
function* setCurrent(storage: Storage, manifestNumber: number, tempNumber: number): Steps<void> {
  yield* writeCurrentTemp(storage, manifestNumber, tempNumber);
  yield* switchCurrent(storage, tempNumber);
}

const withCurrent = (content: string | Uint8Array): MemoryStorage =>
  new MemoryStorage({ files: new Map([['CURRENT', Buffer.from(content)]]) });

describe('CURRENT', () => {
  test.each([
    { content: 'MANIFEST-000001\n', number: 1 },
    { content: 'MANIFEST-000000\n', number: 0 },
    { content: 'MANIFEST-1234567\n', number: 1_234_567 },
  ])('$content names manifest $number', ({ content, number }) => {
    expect(readCurrentNow(withCurrent(content))).toBe(number);
  });

  test('is undefined where there is none', () => {
    expect(readCurrentNow(new MemoryStorage())).toBeUndefined();
  });

  test.each([
    '',
    '\n',
    'MANIFEST-000001',
    'MANIFEST-000001\r\n',
    'MANIFEST-000001\n\n',
    'MANIFEST-\n',
    'MANIFEST-1\n',
    'MANIFEST-0000001\n',
    'MANIFEST--00001\n',
    'MANIFEST-99999999999999999999\n',
    ' MANIFEST-000001\n',
    '../MANIFEST-000001\n',
    '/tmp/MANIFEST-000001\n',
    'MANIFEST-000001/../../etc/passwd\n',
    'manifest-000001\n',
    'MANIFEST-00000１\n',
    '000005.ldb\n',
    `${'0'.repeat(70)}\n`,
  ])('is corruption when it says %j', (content) => {
    let error: unknown;
    try {
      readCurrentNow(withCurrent(content));
    } catch (caught) {
      error = caught;
    }
    expect(error).toMatchObject({ code: ErrorCode.Corruption, file: 'CURRENT' });
  });

  test('is corruption, and is not read, when it is large', () => {
    const storage = new FaultStorage(withCurrent(new Uint8Array(10_000_000)));
    expect(() => readCurrentNow(storage)).toThrow(/too many/);
    expect(storage.countOf('read')).toBe(0);
  });
});

describe('switching CURRENT', () => {
  test('writes, syncs, renames and syncs the directory, in this order, blocking or not', async () => {
    const storage = new FaultStorage(new MemoryStorage());
    runNow(setCurrent(storage, 5, 6));
    await runLater(setCurrent(storage, 7, 8));
    expect(readCurrentNow(storage)).toBe(7);
    expect(storage.transcript).toBe(
      [5, 7]
        .map(
          (n) =>
            `create 00000${n + 1}.dbtmp\nwrite 00000${n + 1}.dbtmp 0+16\nsync 00000${n + 1}.dbtmp\nrename 00000${n + 1}.dbtmp CURRENT\nsync-directory\n`,
        )
        .join(''),
    );
  });

  test.each([
    { operation: 'create', effect: 'error' },
    { operation: 'write', effect: 'error' },
    { operation: 'write', effect: 'short-write' },
    { operation: 'sync', effect: 'error' },
    { operation: 'rename', effect: 'error' },
  ] as const)('leaves the old one in force when its $operation fails ($effect)', ({ operation, effect }) => {
    const memory = withCurrent('MANIFEST-000001\n');
    const storage = new FaultStorage(memory, {
      rules: [{ operation, nth: 1, times: 1, effect, errno: 'EIO' }],
    });
    let error: unknown;
    try {
      runNow(setCurrent(storage, 2, 3));
    } catch (caught) {
      error = caught;
    }
    expect(hasCode(error, ErrorCode.IoError)).toBe(true);
    expect(readCurrentNow(storage)).toBe(1);
    expect(memory.fileNames()).toEqual(operation === 'rename' ? ['000003.dbtmp', 'CURRENT'] : ['CURRENT']);
  });
});
