import { EngineError, ErrorCode, ioError } from '@arena-level/common/base/errors';
import { FileType } from '@arena-level/common/storage/file-desc';
import { describe, expect, test } from 'vitest';
import { requireWholeWrite } from '../journal/whole-write.ts';
import { describeError } from './errors.ts';

function systemError(code: string, message: string): Error {
  return Object.assign(new Error(message), { code, errno: -1 });
}

function caught(run: () => void): unknown {
  try {
    run();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}

describe('an error in one line', () => {
  test('has the code of the engine, and no second line', () => {
    expect(describeError(new EngineError(ErrorCode.Locked, 'it is open\nhere'))).toBe(
      'it is open (LEVEL_LOCKED)',
    );
    expect(describeError(new Error('other\nthings'))).toBe('other');
    expect(describeError('text')).toBe('text');
  });

  test('says that the disk is full when a write ended early, however deep the cause', () => {
    const short = caught(() => requireWholeWrite(3912, 228_068, { type: FileType.Journal, number: 4 }));
    expect(describeError(short)).toBe(
      'write 000004.log failed: 3912 of 228068 bytes were written: there is no space left on the disk (LEVEL_IO_ERROR)',
    );
    const stopped = new EngineError(ErrorCode.WritesStopped, 'writes have stopped', { cause: short });
    expect(describeError(stopped)).toBe(
      'writes have stopped: there is no space left on the disk (ARENA_WRITES_STOPPED)',
    );
  });

  test('does not say it twice', () => {
    const full = systemError('ENOSPC', 'ENOSPC: no space left on device, write');
    expect(describeError(full)).toBe('ENOSPC: no space left on device, write');
    expect(describeError(ioError('write', '000004.log', full))).toMatch(
      /no space left[^:]*\(LEVEL_IO_ERROR\)$/,
    );
  });

  test('says that a quota is used up', () => {
    expect(describeError(systemError('EDQUOT', 'write failed'))).toBe(
      'write failed: the disk quota is used up',
    );
  });
});
