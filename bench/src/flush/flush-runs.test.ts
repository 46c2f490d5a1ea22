import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { SMALL_SETTINGS } from '../workloads/small-settings.test-support.ts';
import { runArrivals } from './arrivals.ts';
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
