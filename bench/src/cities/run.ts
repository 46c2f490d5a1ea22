/** One measured ingest: what the child process does and reports. */
import type { StallReason } from 'arena-level/engine';
import { open } from 'arena-level/engine';
import { type LoopDelay, LoopDelayMonitor } from '../support/loop-delay.ts';
import { threadCpu } from '../support/thread-cpu.ts';
import { CityBatches, loadCities } from './city-records.ts';

export type FlushMode = 'inline' | 'worker';

export interface RunRequest {
  readonly mode: FlushMode;
  readonly location: string;
  readonly records: number;
  readonly batchRecords: number;
  readonly writeBufferBytes: number;
}

export interface RunProgress {
  readonly records: number;
  readonly elapsedMs: number;
}

export interface RunResult {
  readonly mode: FlushMode;
  readonly records: number;
  /** Bytes of keys and values. */
  readonly bytes: number;
  /** Until the last batch was acknowledged. */
  readonly acknowledgedMs: number;
  /** Until everything was in tables, too. */
  readonly flushedMs: number;
  /** Until no level was over its size any more, either. */
  readonly settledMs: number;
  /** CPU of the main thread until then. */
  readonly mainCpuMs: number;
  readonly mainCpuSource: string;
  readonly loopDelay: LoopDelay;
  readonly rotations: { readonly count: number; readonly totalMs: number; readonly maxMs: number };
  readonly flushes: {
    readonly count: number;
    readonly totalMs: number;
    readonly cpuMs: number;
    readonly bytes: number;
  };
  readonly compactions: {
    readonly count: number;
    readonly busyMs: number;
    readonly pausedMs: number;
    readonly bytesWritten: number;
    readonly writeAmplification: number;
  };
  readonly stalls: readonly {
    readonly reason: StallReason;
    readonly count: number;
    readonly totalMs: number;
    readonly maxMs: number;
  }[];
  readonly tables: number;
  readonly tableBytes: number;
  /** Hexadecimal. */
  readonly masterRoot: string;
  readonly sequence: number;
}

const PROGRESS_MS = 100;

export async function runIngest(
  request: RunRequest,
  report: (progress: RunProgress) => void,
): Promise<RunResult> {
  const batches = new CityBatches(loadCities(), request.batchRecords);
  const cpu = threadCpu();
  const store = await open(request.location, {
    errorIfExists: true,
    flush: request.mode,
    writeBufferSize: request.writeBufferBytes,
  });
  const monitor = await LoopDelayMonitor.start();
  const cpuBefore = cpu.read();
  const start = performance.now();
  let records = 0;
  let bytes = 0;
  let reportedMs = 0;
  for (const batch of batches.first(request.records)) {
    await store.batch(batch);
    records += batch.length;
    for (const { key, value } of batch) bytes += key.length + value.length;
    const elapsedMs = performance.now() - start;
    if (elapsedMs - reportedMs < PROGRESS_MS) continue;
    reportedMs = elapsedMs;
    report({ records, elapsedMs });
  }
  const acknowledgedMs = performance.now() - start;
  await store.flush();
  const flushedMs = performance.now() - start;
  await store.settled();
  const settledMs = performance.now() - start;
  const mainCpuMs = (cpu.read() - cpuBefore) / 1e6;
  const loopDelay = await monitor.stop();
  const stats = store.stats();
  const root = await store.masterRoot();
  await store.close();
  return {
    mode: request.mode,
    records,
    bytes,
    acknowledgedMs,
    flushedMs,
    settledMs,
    mainCpuMs,
    mainCpuSource: cpu.source,
    loopDelay,
    rotations: stats.rotations,
    flushes: stats.flushes,
    compactions: {
      count: sumOf(stats.levels, ({ compactions, moves }) => compactions + moves),
      busyMs: sumOf(stats.levels, ({ busyMs }) => busyMs),
      pausedMs: sumOf(stats.levels, ({ pausedMs }) => pausedMs),
      bytesWritten: sumOf(stats.levels, (level) => level.bytesWritten),
      writeAmplification: stats.writeAmplification,
    },
    stalls: Object.entries(stats.stalls).map(([reason, stall]) => ({
      reason: reason as StallReason,
      ...stall,
    })),
    tables: sumOf(stats.levels, ({ tables }) => tables),
    tableBytes: sumOf(stats.levels, (level) => level.bytes),
    masterRoot: Buffer.from(root.root).toString('hex'),
    sequence: root.sequence,
  };
}

function sumOf<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((sum, item) => sum + of(item), 0);
}
