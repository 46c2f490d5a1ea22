import type { ServerReport } from '../report/bench-report.ts';
import { groupBy } from '../report/summaries.ts';
import { barsOf } from './bars.ts';
import type { BarChart, LineChart, Section } from './chart.ts';
import { latencyChart } from './latency-chart.ts';
import { colorOf } from './palette.ts';
import { marksOf, middleRun } from './timelines.ts';

export function serverSections({ runs, workUs }: ServerReport): Section[] {
  const engines = [...groupBy(runs, ({ engine }) => engine)];
  const { ingestRate, requestRate } = runs[0]!;
  const group = (
    name: string,
    figure: (run: (typeof runs)[number]) => number,
  ): BarChart['groups'][number] => ({
    name,
    bars: barsOf(engines.map(([engine, own]) => [engine, own.map(figure)] as const)),
  });
  return [
    {
      title: 'An HTTP server on each engine',
      text:
        `${requestRate.toLocaleString('en-US')} requests per second, each with ${workUs.toLocaleString('en-US')} us of ` +
        `CPU and one get, while ${ingestRate.toLocaleString('en-US')} records per second are ingested. Latencies count ` +
        'from when a request was due.',
      charts: [
        latencyChart(
          'Latency of a request',
          engines.map(([engine, own]) => ({
            name: engine,
            color: colorOf(engine),
            latencies: own.map(({ latency }) => latency),
          })),
        ),
        {
          kind: 'bar',
          title: 'Delay of the event loop of the server, over idle',
          unit: 'milliseconds',
          better: 'less',
          groups: [
            group('p99', ({ loopDelay }) => loopDelay.p99Ms),
            group('p99.9', ({ loopDelay }) => loopDelay.p999Ms),
            group('max', ({ loopDelay }) => loopDelay.maxMs),
          ],
        },
        ...engines.map(([, own]) => slowestChart(middleRun(own, ({ latency }) => latency.maxUs))),
      ],
    },
  ];
}

function slowestChart({ elapsedMs, engine, marks, slowest }: ServerReport['runs'][number]): LineChart {
  return {
    kind: 'line',
    title: `${engine}: the slowest request of each tenth of a second`,
    xLabel: 'seconds',
    yLabel: 'milliseconds',
    x: slowest.maxUs.map((_, slice) => ((slice + 0.5) * slowest.sliceMs) / 1000),
    series: [{ name: engine, color: colorOf(engine), y: slowest.maxUs.map((us) => us / 1000) }],
    marks: marksOf(marks, elapsedMs),
  };
}
