import { ManualClock } from '@arena-level/common/base/manual-clock.test-support';
import { beforeEach, describe, expect, test } from 'vitest';
import { LEVELDB_SIZES } from '../options/level-sizes.ts';
import { Level0Throttle } from './level0-throttle.ts';

const DRAIN_BYTES_PER_MS = 1000;
const { level0Trigger, level0Slowdown, level0Pause } = LEVELDB_SIZES;

let clock: ManualClock;
let level0: number;
let throttle: Level0Throttle;
beforeEach(() => {
  clock = new ManualClock();
  level0 = 0;
  throttle = new Level0Throttle(LEVELDB_SIZES, clock, () => ({
    level0,
    drainBytesPerMs: DRAIN_BYTES_PER_MS,
  }));
});

/** Writes as fast as it is let, for a while, in pieces; returns the bytes per millisecond. */
function rateOf(pieceBytes: number, pieces: number): number {
  const begin = clock.now();
  for (let i = 0; i < pieces; i++) {
    clock.advance(throttle.waitMs());
    throttle.charge(pieceBytes);
  }
  return (pieceBytes * pieces) / (clock.now() - begin);
}

describe('below the slowdown trigger', () => {
  test('nobody waits, whatever is written', () => {
    level0 = level0Slowdown - 1;
    for (let i = 0; i < 100; i++) {
      throttle.charge(1_000_000);
      expect(throttle.waitMs()).toBe(0);
    }
  });

  test('what was owed above it is forgiven', () => {
    level0 = level0Slowdown;
    throttle.charge(1_000_000);
    expect(throttle.waitMs()).toBeGreaterThan(0);
    level0 = level0Slowdown - 1;
    expect(throttle.waitMs()).toBe(0);
  });
});

describe('from the slowdown trigger on', () => {
  test('writers get half of what compaction drains, and less the nearer the pause trigger is', () => {
    const rates: number[] = [];
    for (level0 = level0Slowdown; level0 <= level0Pause; level0++) rates.push(rateOf(500, 10_000));
    expect(rates[0]).toBeGreaterThan(0.45 * DRAIN_BYTES_PER_MS);
    expect(rates[0]).toBeLessThan(0.55 * DRAIN_BYTES_PER_MS);
    for (let i = 1; i < rates.length; i++) expect(rates[i]).toBeLessThan(rates[i - 1]!);
    expect(rates.at(-1)).toBeGreaterThan(0);
  });

  test('large and small writes get the same rate', () => {
    level0 = level0Slowdown + 1;
    const small = rateOf(100, 100_000);
    const large = rateOf(100_000, 100);
    expect(large / small).toBeGreaterThan(0.95);
    expect(large / small).toBeLessThan(1.05);
  });

  test('a write waits for those before it, not for its own bytes', () => {
    level0 = level0Slowdown;
    expect(throttle.waitMs()).toBe(0);
    throttle.charge(50_000);
    expect(throttle.waitMs()).toBeCloseTo(100);
    clock.advance(99.5);
    expect(throttle.waitMs()).toBe(0);
  });

  test('no single write waits longer than a second', () => {
    level0 = level0Pause;
    for (let i = 0; i < 10; i++) {
      throttle.charge(10_000_000);
      expect(throttle.waitMs()).toBeLessThanOrEqual(1000);
    }
  });
});

test('who waits is called once, when the wait is over, unless nobody waits any more', () => {
  level0 = level0Slowdown;
  let calls = 0;
  const onOver = (): void => {
    calls++;
  };
  expect(throttle.holdsUp(onOver)).toBe(false);
  throttle.charge(50_000);
  expect(throttle.holdsUp(onOver)).toBe(true);
  expect(throttle.holdsUp(onOver)).toBe(true);
  clock.advance(100);
  expect(calls).toBe(1);
  throttle.charge(50_000);
  expect(throttle.holdsUp(onOver)).toBe(true);
  throttle.cancel();
  clock.advance(1000);
  expect(calls).toBe(1);
  expect(clock.pendingTimers).toBe(0);
});

test('the pressure goes from 0 at the compaction trigger to 1 at the pause trigger', () => {
  const pressures: number[] = [];
  for (level0 = 0; level0 <= 2 * level0Pause; level0++) pressures.push(throttle.pressure());
  expect(pressures[level0Trigger]).toBe(0);
  expect(pressures[level0Pause]).toBe(1);
  expect(pressures).toEqual([...pressures].sort((a, b) => a - b));
  expect(Math.max(...pressures)).toBe(1);
});
