import { PERCENTILES } from '../driver/meter.ts';
import type { RunResult } from '../driver/run.ts';
import { ENTRIES, IN_FLIGHT, PRODUCERS, READERS } from '../threads/figures.ts';
import type { ThreadReads } from '../threads/read-run.ts';
import {
  type BenchReport,
  type FlushReport,
  REPORT_FORMAT,
  REPORT_VERSION,
  type ReportHead,
  type ScaleReport,
  type ServerReport,
  type ThreadsReport,
  type WorkloadReport,
} from './bench-report.ts';

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

/** A report of runs, with a head that says nothing in particular. */
export function reportOf(runs: readonly RunResult[], command: 'run' | 'guard' = 'run'): WorkloadReport {
  return { ...HEAD, command, runs };
}

const HEAD: ReportHead = {
  format: REPORT_FORMAT,
  version: REPORT_VERSION,
  machine: {
    cpu: 'a processor',
    cores: 2,
    memoryGiB: 8,
    system: 'a system',
    node: '20.0.0',
    v8: '11',
    crc32c: 'native',
    commit: 'abcdef0',
    time: '2026-01-02T03:04:05.000Z',
  },
  settings: {
    records: 1000,
    reads: 1000,
    keyBytes: 16,
    valueBytes: 100,
    compressible: 0.5,
    writeBufferBytes: 2 ** 25,
    cacheBytes: 2 ** 26,
    durationMs: undefined,
    writeRate: 20_000,
    file: undefined,
    keyFields: [],
  },
  seed: 1,
  repeat: 1,
  engines: [
    {
      name: 'arena',
      kind: 'own',
      version: '0.1.0',
      note: 'engine & API',
      configuration: { writeBufferSize: 1024 },
    },
  ],
  missing: [{ name: 'sqlite', why: 'there is <none>' }],
};

const MARKS: RunResult['marks'] = [
  { kind: 'rotation', startMs: 100, durationMs: 1, label: '' },
  { kind: 'flush', startMs: 101, durationMs: 80, label: '' },
  { kind: 'compaction', startMs: 200, durationMs: 150, label: 'level 0 to 1' },
  { kind: 'stall', startMs: 210, durationMs: 30, label: 'frozen-memtables' },
];

export function flushReport(): FlushReport {
  const engines = ['arena', 'arena-inline'] as const;
  const { latency, loopDelay } = runResult();
  return {
    ...HEAD,
    command: 'flush',
    batchRecords: 100,
    rate: 1000,
    streams: engines.map((engine) =>
      runResult({
        engine,
        marks: MARKS,
        facts: { rotations: { count: 1, totalMs: 1, maxMs: 1 }, arenaBytes: 2 ** 25 },
      }),
    ),
    arrivals: [undefined, ...engines].map((engine) => ({
      engine,
      rate: 1000,
      records: 1000,
      elapsedMs: 1000,
      latency,
      slowest: { sliceMs: 100, maxUs: [1000, 5000, 2000] },
      loopDelay,
      loopUtilization: 0.2,
      mainCpuMs: 5,
      processCpuMs: 9,
      rssBytes: 1e8,
      writtenBytes: 2e5,
      mostWaiting: 3,
      marks: engine === undefined ? [] : MARKS,
      facts: {},
      checked: 5,
    })),
    overlaps: engines.map((engine) => ({
      engine,
      workers: 1,
      insertMs: [10, 10],
      flushMs: [5, 5],
      togetherMs: engine === 'arena' ? 25 : 30,
    })),
  };
}

export function serverReport(): ServerReport {
  const { latency, loopDelay } = runResult();
  return {
    ...HEAD,
    command: 'server',
    workUs: 300,
    runs: ['arena', 'classic-level'].map((engine) => ({
      engine,
      requestRate: 300,
      ingestRate: 50_000,
      requests: 300,
      latency,
      slowest: { sliceMs: 100, maxUs: [900, 1200, 800] },
      ingested: 50_000,
      elapsedMs: 1000,
      ingestLatency: latency,
      loopDelay,
      loopUtilization: 0.5,
      mainCpuMs: 400,
      rssBytes: 1e8,
      facts: {},
      marks: MARKS,
      checked: 100,
    })),
  };
}

export function scaleReport(): ScaleReport {
  return {
    ...HEAD,
    command: 'scale',
    leftOut: [],
    points: [1_000_000, 4_000_000].flatMap((records) =>
      ['arena', 'arena-inline'].map((engine) => ({
        engine,
        records,
        filledMs: records / 500,
        settledMs: records / 300,
        openMs: 12,
        readsPerSecond: 200_000,
        fillRssBytes: 2e8,
        readRssBytes: 3e8,
        diskBytes: records * 120,
        writeAmplification: 3.5,
        checked: 10,
      })),
    ),
  };
}

const PEER: ReportHead['engines'][number] = {
  name: 'classic-level',
  kind: 'peer',
  version: '3.0.0',
  note: 'LevelDB',
  configuration: { multithreading: true },
};

/** Reads of an engine whose threads read and write so much per second, with nothing else in particular. */
export function threadReads(
  engine: string,
  readers: number,
  rates: {
    readonly idle: number;
    readonly paced: number;
    readonly written: number;
    readonly crowded?: number;
  },
): ThreadReads {
  const isRead = readers > 0;
  return {
    engine,
    readers,
    checked: 10,
    stages: [
      {
        name: 'idle',
        readsPerSecond: rates.idle,
        writesPerSecond: undefined,
        ownerCpuUs: undefined,
        checked: 9,
      },
      {
        name: 'paced',
        readsPerSecond: rates.paced,
        writesPerSecond: 20_000,
        ownerCpuUs: isRead ? 1.5 : undefined,
        checked: 9,
      },
      {
        name: 'flat-out',
        readsPerSecond: isRead ? rates.paced : undefined,
        writesPerSecond: rates.written,
        ownerCpuUs: 1.4,
        checked: isRead ? 9 : 0,
      },
      ...(rates.crowded === undefined
        ? []
        : [
            {
              name: 'crowded' as const,
              readsPerSecond: undefined,
              writesPerSecond: rates.crowded,
              ownerCpuUs: 1.4,
              checked: 0,
            },
          ]),
    ],
  };
}

export function threadsReport(differing: Partial<ThreadsReport> = {}): ThreadsReport {
  const engines = ['arena', 'classic-level'];
  return {
    ...HEAD,
    engines: [...HEAD.engines, PEER],
    command: 'threads',
    batchRecords: 100,
    ingests: engines.flatMap((engine) =>
      PRODUCERS.map((producers) => ({
        engine,
        producers,
        records: 1000,
        elapsedMs: 4,
        settledMs: 5,
        ownerCpuMs: 2,
        processCpuMs: 6,
        checked: 10,
      })),
    ),
    reads: engines.flatMap((engine) =>
      READERS.map((readers) =>
        threadReads(engine, readers, { idle: 400_000, paced: 300_000, written: 500_000 }),
      ),
    ),
    handOvers: [
      {
        engine: 'arena',
        costs: IN_FLIGHT.flatMap((inFlight) =>
          ENTRIES.flatMap((entries) =>
            (['ring', 'message', 'packed'] as const).map((transport, at) => ({
              transport,
              entries,
              inFlight,
              batches: 100,
              callUs: entries * (at + 1),
              cpuUs: entries * (at + 2),
              checked: entries,
            })),
          ),
        ),
      },
    ],
    ...differing,
  };
}

/** One of each command. */
export function allReports(): BenchReport[] {
  const read = { workload: 'readseq', mode: { kind: 'only' }, elapsedMs: 300, settledMs: 300 } as const;
  const runs = ['arena', 'classic-level'].flatMap((engine) => [
    runResult({ engine }),
    runResult({ engine, ...read }),
  ]);
  return [reportOf(runs), flushReport(), serverReport(), scaleReport(), threadsReport()];
}
