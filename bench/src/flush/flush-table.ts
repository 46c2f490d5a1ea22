/** The comparison of flushes in the terminal. Pure. */
import { type Latency, PERCENTILES, percentileUs } from '../driver/meter.ts';
import type { RunResult } from '../driver/run.ts';
import type { FlushReport } from '../report/bench-report.ts';
import {
  acknowledgedRateOf,
  groupBy,
  mainCpuUsOf,
  otherCpuUsOf,
  rateOf,
  roundsText,
  spreadOf,
  writeAmplificationOf,
} from '../report/summaries.ts';
import type { Spread } from '../support/statistics.ts';
import { count, decimal, textTable } from '../support/text-table.ts';
import type { Arrivals } from './arrivals.ts';
import type { Overlap } from './overlap.ts';
import { overlapFigures } from './overlap-figures.ts';

/** A figure of runs of one kind: a row of the table. */
interface Figure<T> {
  readonly name: string;
  readonly of: (run: T) => number | undefined;
  readonly format?: (value: number) => string;
}

const MIB = 2 ** 20;
export const WITHOUT_ENGINE = 'no engine';

const STREAM_FIGURES: readonly Figure<RunResult>[] = [
  { name: 'records/s until acknowledged', of: acknowledgedRateOf, format: count },
  { name: 'records/s until settled', of: rateOf, format: count },
  { name: 'main-thread CPU per record, us', of: mainCpuUsOf },
  { name: 'CPU of workers per record, us', of: otherCpuUsOf },
  { name: 'event loop busy, %', of: (run) => run.loopUtilization * 100 },
  { name: 'event loop delay p50, ms', of: (run) => run.loopDelay.p50Ms },
  { name: 'event loop delay p99, ms', of: (run) => run.loopDelay.p99Ms },
  { name: 'event loop delay p99.9, ms', of: (run) => run.loopDelay.p999Ms },
  { name: 'event loop delay max, ms', of: (run) => run.loopDelay.maxMs },
  { name: 'rotations', of: (run) => run.facts.rotations?.count, format: count },
  { name: 'longest rotation, ms', of: (run) => run.facts.rotations?.maxMs },
  { name: 'writers held up, ms', of: stalledMs },
  { name: 'flushes', of: (run) => run.facts.flushes?.count, format: count },
  { name: 'memory of the process, MiB', of: (run) => run.rssBytes / MIB, format: count },
  {
    name: 'memory of arenas, MiB',
    of: (run) => run.facts.arenaBytes && run.facts.arenaBytes / MIB,
    format: count,
  },
  { name: 'bytes written, MiB', of: (run) => run.writtenBytes && run.writtenBytes / MIB, format: count },
  { name: 'bytes written per byte', of: writeAmplificationOf },
  { name: 'table bytes per byte flushed', of: (run) => run.facts.writeAmplification },
];

const ARRIVAL_FIGURES: readonly Figure<Arrivals>[] = [
  { name: 'records/s', of: (run) => (run.records * 1000) / run.elapsedMs, format: count },
  ...latencyFigures<Arrivals>((run) => run.latency),
  { name: 'event loop delay p50, ms', of: (run) => run.loopDelay.p50Ms },
  { name: 'event loop delay p99, ms', of: (run) => run.loopDelay.p99Ms },
  { name: 'event loop delay p99.9, ms', of: (run) => run.loopDelay.p999Ms },
  { name: 'event loop delay max, ms', of: (run) => run.loopDelay.maxMs },
  { name: 'event loop busy, %', of: (run) => run.loopUtilization * 100 },
  { name: 'main-thread CPU per record, us', of: (run) => (run.mainCpuMs * 1000) / run.records },
  { name: 'rotations', of: (run) => run.facts.rotations?.count, format: count },
  { name: 'longest rotation, ms', of: (run) => run.facts.rotations?.maxMs },
  { name: 'most batches waiting', of: (run) => run.mostWaiting, format: count },
];

const OVERLAP_FIGURES: readonly Figure<Overlap>[] = [
  { name: 'inserts alone, ms', of: (run) => overlapFigures(run).insertMs, format: count },
  { name: 'flushes alone, ms', of: (run) => overlapFigures(run).flushMs, format: count },
  { name: 'one after the other, ms', of: (run) => overlapFigures(run).serialMs, format: count },
  { name: 'best possible, ms', of: (run) => overlapFigures(run).idealMs, format: count },
  { name: 'together, ms', of: (run) => run.togetherMs, format: count },
  { name: 'share of the ideal overlap, %', of: sharePercent },
];

export function latencyFigures<T>(latencyOf: (run: T) => Latency): Figure<T>[] {
  const shown = PERCENTILES.filter((percentile) => [50, 90, 99, 99.9].includes(percentile));
  return [
    ...shown.map((percentile) => ({
      name: `latency p${percentile}, ms`,
      of: (run: T) => percentileUs(latencyOf(run), percentile) / 1000,
    })),
    { name: 'latency max, ms', of: (run: T) => latencyOf(run).maxUs / 1000 },
  ];
}

export function flushTables(report: FlushReport): string {
  const { arrivals, batchRecords, overlaps, rate, repeat, streams } = report;
  const first = streams[0]!;
  return [
    `${roundsText(repeat)}\n`,
    `${count(first.records)} records in awaited batches of ${batchRecords}, as fast as they are taken`,
    figureTable(STREAM_FIGURES, streams),
    stallText(streams),
    `\nBatches of ${batchRecords} arriving at ${count(rate)} records/s; latencies count from when a batch was due`,
    figureTable(ARRIVAL_FIGURES, arrivals),
    '\nFlushes beside writes: each alone, the best that can come of both at once, and what did',
    figureTable(OVERLAP_FIGURES, overlaps),
  ].join('\n');
}

/** Medians, and in brackets the range where there is more than one run. */
export function figureTable<T extends { readonly engine: string | undefined }>(
  figures: readonly Figure<T>[],
  runs: readonly T[],
): string {
  const engines = [...groupBy(runs, ({ engine }) => engine ?? WITHOUT_ENGINE)];
  const rows = figures.map(({ format = decimal, name, of }) => [
    `  ${name}`,
    ...engines.map(([, own]) => rangeText(spreadOf(own, of), own.length, format)),
  ]);
  return textTable(['', ...engines.map(([engine]) => engine)], rows);
}

function rangeText(
  figures: Spread | undefined,
  repetitions: number,
  format: (value: number) => string,
): string {
  if (figures === undefined) return '';
  const { max, median, min } = figures;
  return repetitions === 1 ? format(median) : `${format(median)} (${format(min)}-${format(max)})`;
}

/** Stalls by reason, of all repetitions together. */
function stallText(runs: readonly RunResult[]): string {
  const lines = runs.flatMap(({ engine, facts }) =>
    Object.entries(facts.stalls ?? {}).map(
      ([reason, { count: times, maxMs, totalMs }]) =>
        `  ${engine}: ${reason}, ${count(times)} times, ${decimal(totalMs)} ms in all, ${decimal(maxMs)} ms at most`,
    ),
  );
  return lines.length === 0 ? '  no writer was held up' : `Writers held up:\n${lines.join('\n')}`;
}

function stalledMs({ facts }: RunResult): number | undefined {
  if (facts.stalls === undefined) return undefined;
  return Object.values(facts.stalls).reduce((sum, { totalMs }) => sum + totalMs, 0);
}

function sharePercent(run: Overlap): number | undefined {
  const { shareReached } = overlapFigures(run);
  return shareReached === undefined ? undefined : shareReached * 100;
}
