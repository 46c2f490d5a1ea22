/** Medians over repetitions, by case and engine. Pure. */
import { percentileUs } from '../driver/meter.ts';
import { caseName } from '../driver/plan.ts';
import type { RunResult } from '../driver/run.ts';
import { type Spread, spread } from '../support/statistics.ts';

export interface Summary {
  readonly engine: string;
  readonly runs: readonly RunResult[];
  /** Records per second: settled where something was written. */
  readonly rate: Spread;
}

export interface CaseSummary {
  readonly name: string;
  readonly writes: boolean;
  readonly engines: readonly Summary[];
}

export const rateOf = (run: RunResult): number => (run.records * 1000) / run.settledMs;
export const acknowledgedRateOf = (run: RunResult): number => (run.records * 1000) / run.elapsedMs;
/** Records per second written beside reads. */
export const besideRateOf = (run: RunResult): number | undefined =>
  run.besideRecords === undefined ? undefined : (run.besideRecords * 1000) / run.elapsedMs;
export const mainCpuUsOf = (run: RunResult): number => (run.mainCpuMs * 1000) / run.records;
export const otherCpuUsOf = (run: RunResult): number =>
  (Math.max(0, run.processCpuMs - run.mainCpuMs) * 1000) / run.records;
export const p99UsOf = (run: RunResult): number => percentileUs(run.latency, 99);
/** Of bytes handed to write calls; undefined where nothing was written, or nobody counts. */
export const writeAmplificationOf = (run: RunResult): number | undefined =>
  run.writtenBytes === undefined || run.settledMs === run.elapsedMs
    ? undefined
    : run.writtenBytes / run.bytes;

/** In the order in which cases and engines first occur. */
export function summarize(runs: readonly RunResult[]): CaseSummary[] {
  const byCase = groupBy(runs, (run) => caseName(run.workload, run.mode));
  return [...byCase].map(([name, ofCase]) => ({
    name,
    writes: ofCase.some((run) => run.settledMs !== run.elapsedMs),
    engines: [...groupBy(ofCase, (run) => run.engine)].map(([engine, own]) => ({
      engine,
      runs: own,
      rate: spread(own.map(rateOf)),
    })),
  }));
}

export function medianOf<T>(
  items: readonly T[],
  figure: (item: T) => number | undefined,
): number | undefined {
  return spreadOf(items, figure)?.median;
}

export function spreadOf<T>(
  items: readonly T[],
  figure: (item: T) => number | undefined,
): Spread | undefined {
  const known = items.map(figure).filter((value) => value !== undefined);
  return known.length === 0 ? undefined : spread(known);
}

/** What the figures of a table are of, in words. */
export function roundsText(repeat: number): string {
  return repeat === 1 ? 'One run each' : `Medians of ${repeat} runs`;
}

export function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return groups;
}
