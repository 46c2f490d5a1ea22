import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { LatencyHistogram, Meter, percentileUs, SLICE_MS } from './meter.ts';

describe('a meter', () => {
  let now = 1000;
  beforeEach(() => {
    now = 1000;
    vi.spyOn(performance, 'now').mockImplementation(() => now);
  });
  afterEach(() => {
    vi.restoreAllMocks();
  });

  test('counts records in the slice in which their operation ended', () => {
    const meter = new Meter();
    meter.start();
    now += 10;
    meter.timed(1000, 5);
    now += 2 * SLICE_MS;
    meter.timed(1010, 7);
    expect(meter.timeline().records).toEqual([5, 0, 7]);
    expect(meter.records).toBe(12);
  });

  test('counts what was not timed with the next that was', () => {
    const meter = new Meter();
    meter.start();
    meter.untimed(3);
    now += 1;
    meter.timed(1000, 1);
    expect(meter.timeline().records).toEqual([4]);
    expect(meter.records).toBe(4);
  });

  test('is over when its duration is', () => {
    const meter = new Meter(50);
    meter.start();
    now += 49;
    meter.timed(1000, 1);
    expect(meter.isOver).toBe(false);
    now += 1;
    meter.timed(1049, 1);
    expect(meter.isOver).toBe(true);
  });
});

describe('latencies', () => {
  test('come out as percentiles in microseconds', () => {
    const histogram = new LatencyHistogram();
    for (let ms = 1; ms <= 1000; ms++) histogram.record(ms);
    const summary = histogram.summary();
    expect(summary.count).toBe(1000);
    expect(summary.meanUs).toBeCloseTo(500_500, -1);
    expect(percentileUs(summary, 50) / 500_000).toBeCloseTo(1, 2);
    expect(percentileUs(summary, 99) / 990_000).toBeCloseTo(1, 2);
    expect(summary.maxUs / 1_000_000).toBeCloseTo(1, 2);
  });

  test('that are none are zeros', () => {
    const { maxUs, meanUs, percentilesUs } = new LatencyHistogram().summary();
    expect([maxUs, meanUs, ...percentilesUs].every((value) => value === 0)).toBe(true);
  });
});
