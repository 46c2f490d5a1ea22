import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import type { BenchStore } from '../engines/engine.ts';
import { SMALL_SETTINGS } from '../workloads/small-settings.test-support.ts';
import { ArrivalLoop, BatchRing, runArrivals } from './arrivals.ts';
import { runOverlap } from './overlap.ts';

const folder = mkdtempSync(join(tmpdir(), 'bench-flush-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('arrivals at a fixed rate', () => {
  test.each(['arena', 'arena-inline', undefined] as const)('are all answered: %s', async (engine) => {
    const result = await runArrivals({
      engine,
      settings: SMALL_SETTINGS,
      batchRecords: 100,
      rate: 20_000,
      durationMs: 1000,
      location: join(folder, `arrivals-${engine}`),
    });
    expect(result.records).toBeGreaterThan(0);
    expect(result.latency.count).toBe(result.records / 100);
    // The histogram keeps three digits.
    expect(Math.max(...result.slowest.maxUs) / result.latency.maxUs).toBeCloseTo(1, 2);
    expect(result.checked > 0).toBe(engine !== undefined);
  });
});

describe('an engine that is behind', () => {
  test('is handed all that was due, and its latencies count', { timeout: 10_000 }, async () => {
    const request = { batchRecords: 1, rate: 200_000, durationMs: 50 };
    let held: (() => void)[] = [];
    // Nobody is answered before 500 wait.
    const store = {
      batch: () =>
        new Promise<void>((answered) => {
          if (held.push(answered) < 500) return;
          for (const answer of held) answer();
          held = [];
        }),
    } as unknown as BenchStore;
    const loop = new ArrivalLoop(
      request,
      store,
      new BatchRing({ batchRecords: 1, settings: SMALL_SETTINGS }),
      () => undefined,
    );
    await loop.run();
    expect(loop.figures().records).toBe(10_000);
    expect(loop.figures().latency.count).toBe(10_000);
  });
});

describe('overlap', () => {
  test.each(['arena', 'arena-2', 'arena-inline'] as const)(
    'has a time for each buffer: %s',
    async (engine) => {
      const at = (name: string): string => join(folder, `overlap-${engine}-${name}`);
      const result = await runOverlap({
        engine,
        settings: SMALL_SETTINGS,
        batchRecords: 100,
        buffers: 3,
        locations: [at('a'), at('b'), at('c'), at('d')],
      });
      expect(result.insertMs.length).toBe(3);
      expect(result.flushMs.every((ms) => ms > 0)).toBe(true);
      expect(result.togetherMs).toBeGreaterThan(0);
      expect(result.workers).toBe(engine === 'arena-2' ? 2 : 1);
    },
  );
});
