import { ErrorCode } from '@arena-level/common/base/errors';
import { expect, test } from 'vitest';
import { Health } from './health.ts';

test('a store is healthy, heals, and is healthy again', () => {
  const health = new Health();
  expect(health.state).toBe('healthy');
  health.heal(new Error('EIO'));
  expect(health.state).toBe('healing');
  expect(health.cause).toMatchObject({ message: 'EIO' });
  health.recover();
  expect(health.state).toBe('healthy');
  expect(health.cause).toBeUndefined();
});

test('what a refused write is told names the state and the cause', () => {
  const health = new Health();
  const cause = new Error('EIO: sync 000007.log');
  health.heal(cause);
  expect(health.refusal()).toMatchObject({
    code: ErrorCode.WritesStopped,
    message: expect.stringMatching(/healing.*EIO: sync 000007\.log/),
    cause,
  });
  health.stop(cause);
  expect(health.refusal()).toMatchObject({
    code: ErrorCode.WritesStopped,
    message: expect.stringMatching(/writes are stopped.*000007\.log/),
  });
  health.close();
  expect(health.refusal()).toMatchObject({ code: ErrorCode.DatabaseNotOpen });
});

test('a closed store stays closed, whatever ends late', () => {
  const health = new Health();
  health.checkOpen();
  health.close();
  health.heal(new Error('late'));
  expect(health.state).toBe('closed');
  health.stop(new Error('late'));
  expect(health.state).toBe('closed');
  health.recover();
  expect(health.state).toBe('closed');
  expect(() => health.checkOpen()).toThrow(expect.objectContaining({ code: ErrorCode.DatabaseNotOpen }));
});
