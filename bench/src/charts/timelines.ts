/** Charts over time: what an engine took in, slice by slice, and what went on meanwhile. Pure. */
import type { RunResult } from '../driver/run.ts';
import type { Mark } from '../engines/engine.ts';
import type { ChartMark, LineChart } from './chart.ts';
import { colorOf } from './palette.ts';

/** The run whose rate is in the middle: a picture of all repetitions would show none. */
export function middleRun<T>(runs: readonly T[], figure: (run: T) => number): T {
  const sorted = [...runs].sort((a, b) => figure(a) - figure(b));
  return sorted[(sorted.length - 1) >> 1]!;
}

export function marksOf(marks: readonly Mark[], untilMs: number): ChartMark[] {
  return marks
    .filter(({ startMs }) => startMs <= untilMs)
    .map(({ durationMs, kind, label, startMs }) => ({
      kind,
      label,
      from: Math.max(0, startMs) / 1000,
      to: Math.min(untilMs, startMs + durationMs) / 1000,
    }));
}

/** Records per second in each slice, until the run had settled. */
export function throughputChart(run: RunResult, yMax: number, untilMs: number): LineChart {
  const { records, sliceMs } = run.timeline;
  const slices = Math.ceil(untilMs / sliceMs);
  const x = Array.from({ length: slices }, (_, slice) => ((slice + 0.5) * sliceMs) / 1000);
  // The last slice is not a whole one: what it took in counts for the part of it that there was.
  const lastShare = Math.max(0.2, run.elapsedMs / sliceMs - (records.length - 1));
  const rate = (slice: number): number =>
    (records[slice]! * 1000) / sliceMs / (slice === records.length - 1 ? Math.min(1, lastShare) : 1);
  return {
    kind: 'line',
    title: `${run.engine}: throughput`,
    xLabel: 'seconds; the line ends when the last record is acknowledged',
    yLabel: 'records per second',
    x,
    yMax,
    series: [
      {
        name: run.engine,
        color: colorOf(run.engine),
        y: x.map((_, slice) => (slice < records.length ? rate(slice) : null)),
      },
    ],
    marks: marksOf(run.marks, run.settledMs),
  };
}

export function memoryChart(runs: readonly RunResult[]): LineChart {
  const slices = Math.max(...runs.map((run) => run.timeline.rss.length));
  const { sliceMs } = runs[0]!.timeline;
  return {
    kind: 'line',
    title: 'Memory of the process',
    xLabel: 'seconds',
    yLabel: 'MiB resident',
    x: Array.from({ length: slices }, (_, slice) => ((slice + 1) * sliceMs) / 1000),
    series: runs.map(({ engine, timeline }) => ({
      name: engine,
      color: colorOf(engine),
      y: Array.from({ length: slices }, (_, slice) => {
        const bytes = timeline.rss[slice] ?? 0;
        return bytes === 0 ? null : bytes / 2 ** 20;
      }),
    })),
  };
}
