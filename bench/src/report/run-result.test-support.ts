import { PERCENTILES } from '../driver/meter.ts';
import type { RunResult } from '../driver/run.ts';

/** A result whose figures are all there; a test names those that it is about. */
export function runResult(differing: Partial<RunResult> = {}): RunResult {
  return {
    engine: 'arena',
    workload: 'fillrandom',
    mode: { kind: 'batch', size: 1000 },
    records: 1000,
    bytes: 116_000,
    elapsedMs: 400,
    settledMs: 500,
    mainCpuMs: 2,
    processCpuMs: 3,
    loopUtilization: 0.5,
    loopDelay: { idleMs: 1, p50Ms: 0.1, p99Ms: 1, p999Ms: 2, maxMs: 3 },
    latency: {
      count: 10,
      meanUs: 100,
      maxUs: 900,
      percentilesUs: PERCENTILES.map((_, at) => 100 * (at + 1)),
    },
    timeline: { sliceMs: 100, records: [300, 300, 200, 200], rss: [1e8, 1.1e8, 1.2e8, 1.2e8] },
    marks: [],
    facts: {},
    rssBytes: 1e8,
    diskBytes: 120_000,
    writtenBytes: 232_000,
    checked: 100,
    ...differing,
  };
}
