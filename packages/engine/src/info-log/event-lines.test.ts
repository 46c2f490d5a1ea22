import { corruption, ioError } from '@arena-level/common/base/errors';
import { expect, test } from 'vitest';
import type { StoreEventName, StoreEvents } from '../events/events.ts';
import { inWords, lineOfEvent } from './event-lines.ts';

const SECRET = 'passport-of-alice';
const DAMAGE = corruption(`key '${SECRET}' is behind the next`, '000007.ldb', 4096);

test.each([
  ['flush-failed', { journal: 2, attempt: 1, error: DAMAGE, retryInMs: 1000 }],
  ['rotation-failed', { reason: 'full', journal: 2, entries: 1, bytes: 1, error: DAMAGE }],
  ['compaction-failed', { level: 1, outputLevel: 2, error: DAMAGE, retryInMs: Number.POSITIVE_INFINITY }],
  ['clear-failed', { call: 1, reason: 'range', error: DAMAGE, durationMs: 3 }],
  ['cleanup-failed', { file: 'LOG', error: DAMAGE }],
  ['writes-stopped', { error: DAMAGE }],
  ['healing-started', { error: DAMAGE }],
] as [StoreEventName, StoreEvents[StoreEventName]][])(
  '%s says what failed and where, not what the message of the error quotes',
  (name, details) => {
    const line = lineOfEvent(name, details as never);
    expect(line).toContain('LEVEL_CORRUPTION in 000007.ldb at offset 4096');
    expect(line).not.toContain(SECRET);
  },
);

test('an error is named by code, system error, file and offset', () => {
  const cause = Object.assign(new Error(SECRET), { code: 'ENOSPC', errno: -28 });
  expect(inWords(ioError('writing', '000003.log', cause))).toBe('LEVEL_IO_ERROR (ENOSPC) in 000003.log');
  expect(inWords(new TypeError(SECRET))).toBe('TypeError');
  expect(inWords(SECRET)).toBe('an unknown error');
});

test('stalls that may come with every group of writes have a line from 10 ms on, others always two', () => {
  const lines = (reason: StoreEvents['stall-end']['reason'], durationMs: number): unknown[] => [
    lineOfEvent('stall-begin', { reason }),
    lineOfEvent('stall-end', { reason, durationMs }),
  ];
  expect(lines('slow-journal', 9)).toEqual([undefined, undefined]);
  expect(lines('level0-slowdown', 10)).toEqual([
    undefined,
    'stall: writers waited 10.0 ms (level0-slowdown)',
  ]);
  expect(lines('level0-pause', 1)).toEqual([
    'stall: writers wait (level0-pause)',
    'stall: writers waited 1.0 ms (level0-pause)',
  ]);
});
