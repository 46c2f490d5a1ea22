/** The figures of workloads in the terminal. Pure. */
import type { RunResult } from '../driver/run.ts';
import { count, decimal, textTable } from '../support/text-table.ts';
import {
  acknowledgedRateOf,
  besideRateOf,
  type CaseSummary,
  mainCpuUsOf,
  medianOf,
  otherCpuUsOf,
  p99UsOf,
  type Summary,
  summarize,
  writeAmplificationOf,
} from './summaries.ts';

const HEADER = [
  '',
  'records/s',
  'range',
  'relative',
  'acknowledged/s',
  'main CPU us',
  'other CPU us',
  'p99 us',
  'loop p99 ms',
  'loop max ms',
  'written',
];

export function runTable(runs: readonly RunResult[]): string {
  const rows = summarize(runs).flatMap((one) => [
    [headingOf(one)],
    ...one.engines.map((engine) => rowOf(one, engine)),
    ...besideOf(one),
  ]);
  return textTable(HEADER, rows);
}

/** Whether engines that are read were written to at the same rate. */
function besideOf({ engines }: CaseSummary): string[][] {
  const rates = engines.flatMap(({ engine, runs }) => {
    const rate = medianOf(runs, besideRateOf);
    return rate === undefined ? [] : [`${engine} ${count(rate)}`];
  });
  return rates.length === 0 ? [] : [[`  records/s written beside: ${rates.join(', ')}`]];
}

function headingOf({ engines, name, writes }: CaseSummary): string {
  const records = engines[0]!.runs[0]!.records;
  return `${name}: ${count(records)} records${writes ? ', until settled' : ''}`;
}

function rowOf(one: CaseSummary, { engine, rate, runs }: Summary): string[] {
  const first = one.engines[0]!.rate.median;
  const text = (figure: (run: RunResult) => number | undefined): string => {
    const median = medianOf(runs, figure);
    return median === undefined ? '' : decimal(median);
  };
  return [
    `  ${engine}`,
    count(rate.median),
    runs.length > 1 ? `${count(rate.min)}-${count(rate.max)}` : '',
    rate.median === first ? '1' : decimal(rate.median / first),
    one.writes ? count(medianOf(runs, acknowledgedRateOf)!) : '',
    text(mainCpuUsOf),
    text(otherCpuUsOf),
    text(p99UsOf),
    text((run) => run.loopDelay.p99Ms),
    text((run) => run.loopDelay.maxMs),
    text(writeAmplificationOf),
  ];
}

export const RUN_TABLE_NOTE: string =
  'relative: to the first engine. CPU per record, of the main thread and of all others. p99: of one call,\n' +
  'a batch where batches are written. loop: delay of the event loop over idle. written: bytes handed to write calls\n' +
  'per byte of keys and values.';
