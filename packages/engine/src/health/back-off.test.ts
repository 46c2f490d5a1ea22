import { EngineError, ErrorCode, ioError } from '@arena-level/common/base/errors';
import { ManualClock } from '@arena-level/common/base/manual-clock.test-support';
import { beforeEach, describe, expect, test } from 'vitest';
import { BackOff } from './back-off.ts';

const failed = (errno: string) =>
  ioError('writing', '000001.dbtmp', Object.assign(new Error(errno), { code: errno, errno: -1 }));

let clock: ManualClock;
let backOff: BackOff;
let retries: number;
const retry = (): void => {
  retries++;
};
beforeEach(() => {
  clock = new ManualClock();
  backOff = new BackOff(clock);
  retries = 0;
});

describe('a cause that passes', () => {
  test.each<[string, unknown]>([
    ['a full disk', failed('ENOSPC')],
    ['a dead worker', new EngineError(ErrorCode.WorkerFailed, 'died')],
    ['no memory for an arena', new EngineError(ErrorCode.MemoryBudget, 'full')],
  ])('%s is tried again after 1, 2, 4, 8, 8 s, for ever', (_what, error) => {
    for (const seconds of [1, 2, 4, 8, 8]) {
      expect(backOff.fail(error, retry)).toBe(seconds * 1000);
      expect(backOff.isWaiting).toBe(true);
      const before = retries;
      clock.advance(seconds * 1000 - 1);
      expect(retries).toBe(before);
      clock.advance(1);
      expect(retries).toBe(before + 1);
      expect(backOff.isWaiting).toBe(false);
    }
    expect(backOff.isStopped).toBe(false);
  });

  test('is told of from the second time on', () => {
    const error = failed('ENOSPC');
    backOff.fail(error, retry);
    expect(backOff.failure).toBeUndefined();
    expect(backOff.lastFailure).toBe(error);
    clock.advance(1000);
    backOff.fail(error, retry);
    expect(backOff.failure).toBe(error);
  });
});

describe('a cause that stays', () => {
  test('is tried again once, and then only when that is asked for', () => {
    expect(backOff.fail(failed('EIO'), retry)).toBe(1000);
    clock.advance(1000);
    expect(backOff.fail(failed('EIO'), retry)).toBe(Number.POSITIVE_INFINITY);
    expect(backOff.isStopped).toBe(true);
    clock.advance(1_000_000);
    expect(retries).toBe(1);
    backOff.end();
    expect(retries).toBe(2);
  });
});

test('a success is a new beginning', () => {
  backOff.fail(failed('ENOSPC'), retry);
  clock.advance(1000);
  backOff.fail(failed('ENOSPC'), retry);
  clock.advance(2000);
  backOff.succeed();
  expect(backOff.failure).toBeUndefined();
  expect(backOff.fail(failed('ENOSPC'), retry)).toBe(1000);
});

test('ending the wait tries again at once, and not a second time', () => {
  backOff.fail(failed('ENOSPC'), retry);
  backOff.end();
  backOff.end();
  clock.advance(10_000);
  expect(retries).toBe(1);
  expect(clock.pendingTimers).toBe(0);
});
