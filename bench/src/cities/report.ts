/** The figures of inline and worker runs side by side. Pure. */
import { spread } from '../support/statistics.ts';
import { count, decimal, textTable } from '../support/text-table.ts';
import type { FlushMode, RunResult } from './run.ts';

interface Figure {
  readonly name: string;
  readonly of: (run: RunResult) => number;
  readonly format?: (value: number) => string;
}

const MB = 1e6;

const FIGURES: readonly (string | Figure)[] = [
  'Throughput',
  {
    name: 'records/s until acknowledged',
    of: (run) => (run.records * 1000) / run.acknowledgedMs,
    format: count,
  },
  {
    name: 'records/s until all is in tables',
    of: (run) => (run.records * 1000) / run.flushedMs,
    format: count,
  },
  {
    name: 'records/s until all levels are settled',
    of: (run) => (run.records * 1000) / run.settledMs,
    format: count,
  },
  { name: 'MB/s until all levels are settled', of: (run) => (run.bytes / MB / run.settledMs) * 1000 },
  { name: 'seconds in all', of: (run) => run.settledMs / 1000 },
  'Main thread',
  { name: 'CPU per record, us', of: (run) => (run.mainCpuMs * 1000) / run.records },
  { name: 'CPU, share of the time, %', of: (run) => (run.mainCpuMs / run.settledMs) * 100 },
  { name: 'event loop delay over idle, p50, ms', of: (run) => run.loopDelay.p50Ms },
  { name: 'event loop delay over idle, p99, ms', of: (run) => run.loopDelay.p99Ms },
  { name: 'event loop delay over idle, p99.9, ms', of: (run) => run.loopDelay.p999Ms },
  { name: 'event loop delay over idle, max, ms', of: (run) => run.loopDelay.maxMs },
  'Rotations and flushes',
  { name: 'rotations', of: (run) => run.rotations.count, format: count },
  { name: 'longest rotation, ms', of: (run) => run.rotations.maxMs },
  { name: 'flushes', of: (run) => run.flushes.count, format: count },
  { name: 'time of all flushes, ms', of: (run) => run.flushes.totalMs },
  'Compactions',
  { name: 'compactions', of: (run) => run.compactions.count, format: count },
  { name: 'time of all compactions, ms', of: (run) => run.compactions.busyMs },
  { name: '  of it paused for flushes, ms', of: (run) => run.compactions.pausedMs },
  { name: 'written, MB', of: (run) => run.compactions.bytesWritten / MB },
  { name: 'write amplification', of: (run) => run.compactions.writeAmplification },
  'Store',
  { name: 'tables', of: (run) => run.tables, format: count },
  { name: 'tables, MB', of: (run) => run.tableBytes / MB },
];

/** The table; medians where there is more than one run of a mode. */
export function reportTable(runs: readonly RunResult[]): string {
  const inline = runs.filter((run) => run.mode === 'inline');
  const worker = runs.filter((run) => run.mode === 'worker');
  const rows = [...FIGURES, 'Write stalls', ...stallFigures(runs)].map((figure) =>
    typeof figure === 'string' ? [figure] : row(figure, inline, worker),
  );
  return textTable(['', 'inline', 'worker', 'worker/inline'], rows);
}

function row(figure: Figure, inline: readonly RunResult[], worker: readonly RunResult[]): string[] {
  const format = figure.format ?? decimal;
  const left = spread(inline.map(figure.of)).median;
  const right = spread(worker.map(figure.of)).median;
  return [`  ${figure.name}`, format(left), format(right), left === 0 ? '' : decimal(right / left)];
}

/** Two rows for each reason that occurred in any run; one that says so when none did. */
function stallFigures(runs: readonly RunResult[]): Figure[] {
  const reasons = new Set(
    runs.flatMap((run) => run.stalls.filter((stall) => stall.count > 0).map((stall) => stall.reason)),
  );
  if (reasons.size === 0) return [{ name: 'all reasons', of: () => 0, format: count }];
  return [...reasons].flatMap((reason): Figure[] => {
    const of = (run: RunResult) => run.stalls.find((stall) => stall.reason === reason);
    return [
      { name: `${reason}: waits`, of: (run) => of(run)?.count ?? 0, format: count },
      { name: `${reason}: time, ms`, of: (run) => of(run)?.totalMs ?? 0 },
    ];
  });
}

/** `worker: 412,000 (398,000 to 420,000) records/s`, for a repeated job. */
export function spreadLine(mode: FlushMode, runs: readonly RunResult[]): string {
  const rates = runs.filter((run) => run.mode === mode).map((run) => (run.records * 1000) / run.settledMs);
  const { median, min, max } = spread(rates);
  return `  ${mode}: ${count(median)} records/s (${count(min)} to ${count(max)}) in ${rates.length} runs`;
}
