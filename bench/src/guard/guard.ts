/** Ratios of this engine to a peer in the same minutes, and how they stand to those of an earlier commit. Pure. */
import { caseName } from '../driver/plan.ts';
import type { RunResult } from '../driver/run.ts';
import type { WorkloadReport } from '../report/bench-report.ts';
import { LEAST_REPETITIONS } from '../report/compare.ts';
import { acknowledgedRateOf, groupBy, mainCpuUsOf, rateOf } from '../report/summaries.ts';
import { type Spread, spread } from '../support/statistics.ts';
import { decimal, textTable } from '../support/text-table.ts';
import { GUARD_ENGINE, GUARD_PEER } from './engines.ts';

export interface Ratio {
  readonly name: string;
  /** How many times as good as the peer: 2 is twice the records per second, or half the CPU. */
  readonly times: Spread;
  readonly pairs: number;
}

/** Of neighbours: the n-th run of the one is compared with the n-th of the other. */
export function ratiosOf(runs: readonly RunResult[]): Ratio[] {
  return [...groupBy(runs, (run) => caseName(run.workload, run.mode))].flatMap(([name, ofCase]) => {
    const own = ofCase.filter(({ engine }) => engine === GUARD_ENGINE);
    const peer = ofCase.filter(({ engine }) => engine === GUARD_PEER);
    const pairs = own.slice(0, peer.length).map((run, at) => [run, peer[at]!] as const);
    if (pairs.length === 0) return [];
    const rates = (figure: (run: RunResult) => number): Spread =>
      spread(pairs.map(([run, other]) => figure(run) / figure(other)));
    const isSettled = pairs.some(([run]) => run.settledMs !== run.elapsedMs);
    const ratio = (figure: string, times: Spread): Ratio => ({
      name: `${name}: ${figure}`,
      times,
      pairs: pairs.length,
    });
    return [
      ...(isSettled ? [ratio('records/s until settled', rates(rateOf))] : []),
      ratio('records/s', rates(acknowledgedRateOf)),
      ratio('main-thread CPU', spread(pairs.map(([run, other]) => mainCpuUsOf(other) / mainCpuUsOf(run)))),
    ];
  });
}

export interface GuardLine extends Ratio {
  readonly committed: Spread | undefined;
  readonly verdict: 'better' | 'worse' | 'as before' | 'new';
}

export function guardLines(now: WorkloadReport, committed: WorkloadReport | undefined): GuardLine[] {
  const earlier = committed === undefined ? [] : ratiosOf(committed.runs);
  return ratiosOf(now.runs).map((ratio) => {
    const before = earlier.find((one) => one.name === ratio.name);
    return {
      ...ratio,
      committed: before?.times,
      verdict: before === undefined ? 'new' : verdictOf(before, ratio),
    };
  });
}

/** Beyond noise: the ranges of the pairs do not touch. Of one or two pairs nobody knows the range. */
function verdictOf(before: Ratio, now: Ratio): GuardLine['verdict'] {
  if (Math.min(before.pairs, now.pairs) < LEAST_REPETITIONS) return 'as before';
  if (now.times.min > before.times.max) return 'better';
  return now.times.max < before.times.min ? 'worse' : 'as before';
}

export function guardTable(lines: readonly GuardLine[]): string {
  const range = ({ max, median, min }: Spread): string =>
    `${decimal(median)} (${decimal(min)}-${decimal(max)})`;
  return textTable(
    [`${GUARD_ENGINE} against ${GUARD_PEER}, times as good`, 'now', 'committed', ''],
    lines.map(({ committed, name, times, verdict }) => [
      `  ${name}`,
      range(times),
      committed === undefined ? '' : range(committed),
      verdict === 'as before' ? '' : verdict,
    ]),
  );
}
