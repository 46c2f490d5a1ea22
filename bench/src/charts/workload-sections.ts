import { caseName } from '../driver/plan.ts';
import type { RunResult } from '../driver/run.ts';
import type { WorkloadReport } from '../report/bench-report.ts';
import {
  acknowledgedRateOf,
  type CaseSummary,
  groupBy,
  mainCpuUsOf,
  p99UsOf,
  rateOf,
  summarize,
  writeAmplificationOf,
} from '../report/summaries.ts';
import { barsOf } from './bars.ts';
import type { BarChart, LineChart, Section } from './chart.ts';
import { latencyChart } from './latency-chart.ts';
import { colorOf } from './palette.ts';
import { memoryChart, middleRun, throughputChart } from './timelines.ts';

export function workloadSections({ runs }: WorkloadReport): Section[] {
  const cases = summarize(runs);
  return [
    {
      title: 'Engines side by side',
      text:
        'Medians of the repetitions. Where batches were written, the clock stops when the engine has settled: all in ' +
        'tables, and no level over its size.',
      charts: comparisonCharts(cases),
    },
    ...cases.map(caseSection),
  ];
}

/** Bars against peers: what a reader wants to see first. */
function comparisonCharts(cases: readonly CaseSummary[]): BarChart[] {
  const chart = (
    title: string,
    unit: string,
    better: BarChart['better'],
    figure: (run: RunResult) => number | undefined,
  ): BarChart => ({
    kind: 'bar',
    title,
    unit,
    better,
    groups: cases
      .map(({ engines, name }) => ({
        name,
        bars: barsOf(engines.map(({ engine, runs }) => [engine, runs.map(figure)] as const)),
      }))
      .filter(({ bars }) => bars.length > 0),
  });
  const charts = [
    chart('Throughput', 'records per second', 'more', rateOf),
    chart(
      'Throughput until acknowledged',
      'records per second, what is left to be done not counted',
      'more',
      (run) => (run.settledMs === run.elapsedMs ? undefined : acknowledgedRateOf(run)),
    ),
    chart('CPU of the main thread', 'microseconds per record', 'less', mainCpuUsOf),
    chart('Latency, 99th percentile', 'microseconds per call', 'less', p99UsOf),
    chart(
      'Bytes written',
      'bytes handed to write calls per byte of keys and values',
      'less',
      writeAmplificationOf,
    ),
  ];
  return charts.filter(({ groups }) => groups.length > 0);
}

function caseSection({ engines, name, writes }: CaseSummary): Section {
  const middle = engines.map(({ runs }) => middleRun(runs, rateOf));
  const untilMs = Math.max(...middle.map(({ settledMs }) => settledMs));
  const most = Math.max(...middle.flatMap(({ timeline }) => timeline.records.map((records) => records * 10)));
  const curves = engines.map(({ engine, runs }) => ({
    name: engine,
    color: colorOf(engine),
    latencies: runs.map(({ latency }) => latency),
  }));
  const own = middle.filter(({ marks }) => marks.length > 0);
  return {
    title: name,
    text: `${middle[0]!.records.toLocaleString('en-US')} records. Over time: the run of each engine whose rate is in the middle.`,
    charts: [
      overTime(middle),
      latencyChart('Latency of a call', curves),
      ...(writes ? own.map((run) => throughputChart(run, most, untilMs)) : []),
      memoryChart(middle),
    ],
  };
}

function overTime(runs: readonly RunResult[]): LineChart {
  const slices = Math.max(...runs.map(({ timeline }) => timeline.records.length));
  const { sliceMs } = runs[0]!.timeline;
  return {
    kind: 'line',
    title: `${caseName(runs[0]!.workload, runs[0]!.mode)}: throughput over time`,
    xLabel: 'seconds',
    yLabel: 'records per second',
    x: Array.from({ length: slices }, (_, slice) => ((slice + 0.5) * sliceMs) / 1000),
    points: slices < 30,
    series: [...groupBy(runs, ({ engine }) => engine)].map(([engine, [run]]) => ({
      name: engine,
      color: colorOf(engine),
      y: Array.from({ length: slices }, (_, slice) => {
        const records = run!.timeline.records;
        if (slice >= records.length) return null;
        const lastShare = Math.min(1, Math.max(0.2, run!.elapsedMs / sliceMs - slice));
        return (records[slice]! * 1000) / sliceMs / (slice === records.length - 1 ? lastShare : 1);
      }),
    })),
  };
}
