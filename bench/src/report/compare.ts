/** What got faster or slower between two sets of figures, and what is only noise. Pure. */
import { percentileUs } from '../driver/meter.ts';
import { caseName } from '../driver/plan.ts';
import { overlapFigures } from '../flush/overlap-figures.ts';
import { type Spread, spread } from '../support/statistics.ts';
import { count, decimal, textTable } from '../support/text-table.ts';
import { producersText, readersText } from '../threads/figures.ts';
import type { BenchReport, ThreadsReport } from './bench-report.ts';
import { mainCpuUsOf, rateOf } from './summaries.ts';

/** All repetitions of one figure of one engine. */
export interface Measured {
  /** What identifies it in both sets. */
  readonly name: string;
  readonly better: 'more' | 'less';
  readonly values: readonly number[];
}

export type Verdict = 'better' | 'worse' | 'noise';

export interface Comparison {
  readonly name: string;
  readonly before: Spread;
  readonly after: Spread;
  /** After divided by before, of the medians. */
  readonly ratio: number;
  readonly verdict: Verdict;
}

/** A smaller change than this is none, however steady the repetitions were. */
const LEAST_CHANGE = 0.05;
/** Of one repetition, or of two, nobody knows the range. */
export const LEAST_REPETITIONS = 3;

/** Every figure of a report that two runs can be compared by. */
export function measuredOf(report: BenchReport): Measured[] {
  const found = new Map<string, { better: Measured['better']; values: number[] }>();
  const add = (name: string, better: Measured['better'], value: number | undefined): void => {
    if (value === undefined) return;
    const known = found.get(name);
    if (known === undefined) found.set(name, { better, values: [value] });
    else known.values.push(value);
  };
  addFigures(report, add);
  return [...found].map(([name, { better, values }]) => ({ name, better, values }));
}

type Add = (name: string, better: Measured['better'], value: number | undefined) => void;

function addFigures(report: BenchReport, add: Add): void {
  switch (report.command) {
    case 'run':
    case 'guard':
      addRuns(report.runs, add);
      break;
    case 'flush':
      addRuns(report.streams, add);
      for (const { engine = 'no engine', latency, loopDelay } of report.arrivals) {
        add(`arrivals, ${engine}: latency p99, us`, 'less', percentileUs(latency, 99));
        add(`arrivals, ${engine}: event loop delay p99, ms`, 'less', loopDelay.p99Ms);
      }
      for (const run of report.overlaps) {
        add(`overlap, ${run.engine}: share of the ideal`, 'more', overlapFigures(run).shareReached);
      }
      break;
    case 'server':
      for (const { engine, latency } of report.runs) {
        add(`server, ${engine}: latency p50, us`, 'less', percentileUs(latency, 50));
        add(`server, ${engine}: latency p99, us`, 'less', percentileUs(latency, 99));
      }
      break;
    case 'scale':
      for (const { engine, readsPerSecond, records, settledMs } of report.points) {
        add(`${records} records, ${engine}: filled/s`, 'more', (records * 1000) / settledMs);
        add(`${records} records, ${engine}: read/s`, 'more', readsPerSecond);
      }
      break;
    case 'threads':
      addThreads(report, add);
  }
}

function addThreads({ handOvers, ingests, reads }: ThreadsReport, add: Add): void {
  for (const { elapsedMs, engine, producers, records } of ingests) {
    add(`ingest, ${producersText(producers)}, ${engine}: records/s`, 'more', (records * 1000) / elapsedMs);
  }
  for (const { engine, readers, stages } of reads) {
    for (const { name, readsPerSecond, writesPerSecond } of stages) {
      add(`${name}, ${readersText(readers)}, ${engine}: reads/s`, 'more', readsPerSecond);
      if (name === 'flat-out') {
        add(`${name}, ${readersText(readers)}, ${engine}: writes/s`, 'more', writesPerSecond);
      }
    }
  }
  for (const { callUs, entries, inFlight, transport } of handOvers.flatMap(({ costs }) => costs)) {
    add(`${transport}, ${entries} entries, ${inFlight} on their way: kept for, us`, 'less', callUs);
  }
}

function addRuns(runs: Extract<BenchReport, { command: 'run' | 'guard' }>['runs'], add: Add): void {
  for (const run of runs) {
    const name = `${caseName(run.workload, run.mode)}, ${run.engine}`;
    add(`${name}: records/s`, 'more', rateOf(run));
    add(`${name}: main CPU, us`, 'less', mainCpuUsOf(run));
  }
}

/**
 * What the two were not asked alike, or had other versions of, in words: figures of other records or other rates say nothing of
 * the program.
 */
export function differences(before: BenchReport, after: BenchReport): string[] {
  const [was, is] = [conditionsOf(before), conditionsOf(after)];
  return Object.keys(is)
    .filter((name) => name in was && was[name] !== is[name])
    .map((name) => `${name} ${was[name]} and ${is[name]}`);
}

function conditionsOf(report: BenchReport): Record<string, string> {
  const { keyFields, ...settings } = report.settings;
  // Sizes are in the names of figures there.
  const asked = report.command === 'scale' ? { ...settings, records: 0, reads: 0 } : settings;
  const conditions = { ...asked, keyFields: keyFields.join(), ...pacesOf(report) };
  const versions = report.engines.map(({ name, version }) => [`version of ${name}`, version]);
  return {
    durationMs: 'none',
    file: 'none',
    ...Object.fromEntries(
      Object.entries(conditions)
        .filter(([, value]) => value !== undefined)
        .map(([name, value]) => [name, typeof value === 'number' ? count(value) : String(value)]),
    ),
    ...Object.fromEntries(versions),
  };
}

function pacesOf(report: BenchReport): Readonly<Record<string, number | undefined>> {
  switch (report.command) {
    case 'flush':
      return { batchRecords: report.batchRecords, 'arrivals per second': report.rate };
    case 'server': {
      const { ingestRate, requestRate } = report.runs[0] ?? {};
      return { workUs: report.workUs, 'requests per second': requestRate, 'records per second': ingestRate };
    }
    case 'threads':
      return { batchRecords: report.batchRecords };
    default:
      return {};
  }
}

/** Figures that both have. A change is beyond noise when the ranges of the repetitions do not touch, and not tiny. */
export function compare(before: readonly Measured[], after: readonly Measured[]): Comparison[] {
  return after.flatMap(({ better, name, values }) => {
    const earlier = before.find((one) => one.name === name);
    if (earlier === undefined) return [];
    const [was, is] = [spread(earlier.values), spread(values)];
    const isKnown = Math.min(earlier.values.length, values.length) >= LEAST_REPETITIONS;
    const verdict = isKnown ? verdictOf(was, is, better) : 'noise';
    return [{ name, before: was, after: is, ratio: is.median / was.median, verdict }];
  });
}

function verdictOf(before: Spread, after: Spread, better: Measured['better']): Verdict {
  const isApart = after.min > before.max || after.max < before.min;
  const isMore = after.median > before.median;
  if (!isApart || Math.abs(after.median / before.median - 1) < LEAST_CHANGE) return 'noise';
  return isMore === (better === 'more') ? 'better' : 'worse';
}

/** Changes beyond noise first. */
export function comparisonTable(comparisons: readonly Comparison[]): string {
  const of = (verdict: Verdict): string[][] => {
    const rows = comparisons
      .filter((one) => one.verdict === verdict)
      .map(({ after, before, name, ratio }) => [
        `  ${name}`,
        decimal(before.median),
        `${decimal(before.min)}-${decimal(before.max)}`,
        decimal(after.median),
        `${decimal(after.min)}-${decimal(after.max)}`,
        `x ${decimal(ratio)}`,
      ]);
    const heading = verdict === 'noise' ? 'within noise' : verdict;
    return rows.length === 0 ? [] : [[`${heading} (${rows.length})`], ...rows];
  };
  return textTable(
    ['', 'before', 'range', 'after', 'range', 'ratio'],
    [...of('worse'), ...of('better'), ...of('noise')],
  );
}
