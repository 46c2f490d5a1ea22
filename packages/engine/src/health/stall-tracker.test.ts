import { ManualClock } from '@arena-level/common/base/manual-clock.test-support';
import { beforeEach, expect, test } from 'vitest';
import { EventSink } from '../events/event-sink.ts';
import { StallTracker } from './stall-tracker.ts';

let clock: ManualClock;
let told: string[];
let stalls: StallTracker;
beforeEach(() => {
  clock = new ManualClock();
  told = [];
  stalls = new StallTracker(
    clock,
    new EventSink((name, details) => told.push(`${name} ${JSON.stringify(details)}`)),
  );
});

test('a stall is told of and counted once, however often writers find that they wait', () => {
  stalls.begin('frozen-memtables');
  clock.advance(5);
  stalls.begin('frozen-memtables');
  clock.advance(7);
  stalls.end();
  stalls.end();
  expect(told).toEqual([
    'stall-begin {"reason":"frozen-memtables"}',
    'stall-end {"reason":"frozen-memtables","durationMs":12}',
  ]);
  expect(stalls.stats['frozen-memtables']).toEqual({ count: 1, totalMs: 12, maxMs: 12 });
});

test('another reason ends the one before', () => {
  stalls.begin('slow-journal');
  clock.advance(1);
  stalls.begin('healing');
  clock.advance(2);
  stalls.begin('slow-journal');
  clock.advance(4);
  stalls.end();
  expect(told.map((line) => line.split(' ')[0])).toEqual([
    'stall-begin',
    'stall-end',
    'stall-begin',
    'stall-end',
    'stall-begin',
    'stall-end',
  ]);
  expect(stalls.stats).toEqual({
    'frozen-memtables': { count: 0, totalMs: 0, maxMs: 0 },
    healing: { count: 1, totalMs: 2, maxMs: 2 },
    'slow-journal': { count: 2, totalMs: 5, maxMs: 4 },
    'level0-slowdown': { count: 0, totalMs: 0, maxMs: 0 },
    'level0-pause': { count: 0, totalMs: 0, maxMs: 0 },
    'bulk-commit': { count: 0, totalMs: 0, maxMs: 0 },
  });
});

test('the statistics are copies', () => {
  const before = stalls.stats;
  stalls.begin('healing');
  expect(before.healing.count).toBe(0);
});
