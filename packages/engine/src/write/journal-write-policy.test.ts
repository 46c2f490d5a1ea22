import { expect, test } from 'vitest';
import { JournalWritePolicy } from './journal-write-policy.ts';

const KIB = 1024;

test('writes stay on the thread while they are fast for their size', () => {
  const policy = new JournalWritePolicy();
  for (const [bytes, durationMs] of [
    [100, 0.002],
    [100, 4],
    [1024 * KIB, 12],
  ] as const) {
    policy.recordDirect(bytes, durationMs);
    expect(policy.useThread, `${bytes} bytes in ${durationMs} ms`).toBe(true);
  }
});

test('one slow write sends the next 32 to the pool, then the thread is tried again', () => {
  const policy = new JournalWritePolicy();
  policy.recordDirect(100, 4.1);
  for (let i = 0; i < 32; i++) {
    expect(policy.useThread).toBe(false);
    policy.recordPooled();
  }
  expect(policy.useThread).toBe(true);
  // Writes of blocking calls may end in between.
  policy.recordPooled();
  expect(policy.useThread).toBe(true);
  policy.recordDirect(1024 * KIB, 13);
  expect(policy.useThread).toBe(false);
});
