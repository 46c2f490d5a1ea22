import type { Arrivals } from '../flush/arrivals.ts';
import { WITHOUT_ENGINE } from '../flush/flush-table.ts';
import { overlapFigures } from '../flush/overlap-figures.ts';
import type { FlushReport } from '../report/bench-report.ts';
import { acknowledgedRateOf, groupBy, mainCpuUsOf, otherCpuUsOf, rateOf } from '../report/summaries.ts';
import { barsOf } from './bars.ts';
import type { BarChart, LineChart, Section } from './chart.ts';
import { latencyChart } from './latency-chart.ts';
import { colorOf } from './palette.ts';
import { marksOf, memoryChart, middleRun, throughputChart } from './timelines.ts';

const MIB = 2 ** 20;

export function flushSections(report: FlushReport): Section[] {
  return [streamSection(report), arrivalSection(report), overlapSection(report)];
}

function streamSection({ batchRecords, streams }: FlushReport): Section {
  const engines = [...groupBy(streams, ({ engine }) => engine)];
  const middle = engines.map(([, runs]) => middleRun(runs, rateOf));
  const most = Math.max(...middle.flatMap(({ timeline }) => timeline.records.map((records) => records * 10)));
  const untilMs = Math.max(...middle.map(({ settledMs }) => settledMs));
  const bars = (
    title: string,
    unit: string,
    better: BarChart['better'],
    groups: Readonly<Record<string, (run: (typeof streams)[number]) => number | undefined>>,
  ): BarChart => ({
    kind: 'bar',
    title,
    unit,
    better,
    groups: Object.entries(groups).map(([name, figure]) => ({
      name,
      bars: barsOf(engines.map(([engine, runs]) => [engine, runs.map(figure)] as const)),
    })),
  });
  return {
    title: 'As fast as it is taken',
    text:
      `${middle[0]!.records.toLocaleString('en-US')} records in awaited batches of ${batchRecords}. With each line: ` +
      'flushes and compactions while they run in lanes, rotations as ticks on the axis; writers are held up where the ' +
      'ground is red.',
    charts: [
      ...middle.map((run) => throughputChart(run, most, untilMs)),
      bars('Throughput', 'records per second', 'more', {
        'until acknowledged': acknowledgedRateOf,
        'until settled': rateOf,
      }),
      bars('CPU', 'microseconds per record', 'less', {
        'main thread': mainCpuUsOf,
        'all other threads': otherCpuUsOf,
      }),
      memoryChart(middle),
      bars('Memory and bytes written', 'MiB', 'less', {
        'memory of the process': (run) => run.rssBytes / MIB,
        'memory of arenas': (run) => run.facts.arenaBytes && run.facts.arenaBytes / MIB,
        'bytes written': (run) => run.writtenBytes && run.writtenBytes / MIB,
      }),
    ],
  };
}

function arrivalSection({ arrivals, batchRecords, rate }: FlushReport): Section {
  const engines = [...groupBy(arrivals, nameOf)];
  const middle = engines.map(([, runs]) => middleRun(runs, ({ latency }) => latency.maxUs));
  const delay = (name: string, figure: (run: Arrivals) => number): BarChart['groups'][number] => ({
    name,
    bars: barsOf(engines.map(([engine, runs]) => [engine, runs.map(figure)] as const)),
  });
  return {
    title: 'At a fixed arrival rate',
    text:
      `Batches of ${batchRecords} arrive at ${Math.round(rate).toLocaleString('en-US')} records per second, whether the ` +
      'engine is ready or not. Latencies count from when a batch was due.',
    charts: [
      latencyChart(
        'Latency of a batch, from when it was due',
        engines.map(([engine, runs]) => ({
          name: engine,
          color: colorOf(engine),
          dashed: engine === WITHOUT_ENGINE,
          latencies: runs.map(({ latency }) => latency),
        })),
      ),
      ...middle.filter(({ engine }) => engine !== undefined).map(slowestChart),
      {
        kind: 'bar',
        title: 'Delay of the event loop over idle',
        unit: 'milliseconds',
        better: 'less',
        groups: [
          delay('p50', ({ loopDelay }) => loopDelay.p50Ms),
          delay('p99', ({ loopDelay }) => loopDelay.p99Ms),
          delay('p99.9', ({ loopDelay }) => loopDelay.p999Ms),
          delay('max', ({ loopDelay }) => loopDelay.maxMs),
        ],
      },
    ],
  };
}

function slowestChart(run: Arrivals): LineChart {
  const { maxUs, sliceMs } = run.slowest;
  return {
    kind: 'line',
    title: `${nameOf(run)}: the slowest batch of each tenth of a second`,
    xLabel: 'seconds',
    yLabel: 'milliseconds',
    x: maxUs.map((_, slice) => ((slice + 0.5) * sliceMs) / 1000),
    series: [{ name: nameOf(run), color: colorOf(run.engine), y: maxUs.map((us) => us / 1000) }],
    marks: marksOf(run.marks, run.elapsedMs),
  };
}

function overlapSection({ overlaps }: FlushReport): Section {
  const engines = [...groupBy(overlaps, ({ engine }) => engine)];
  const groups = engines.map(([engine, runs]) => ({
    name: engine,
    bars: (
      [
        ['inserts alone', (figures) => figures.insertMs],
        ['flushes alone', (figures) => figures.flushMs],
        ['one by one', (figures) => figures.serialMs],
        ['best possible', (figures) => figures.idealMs],
        ['together', (figures) => figures.togetherMs],
      ] satisfies [string, (figures: ReturnType<typeof overlapFigures>) => number][]
    ).flatMap(([name, figure]) =>
      barsOf([[engine, runs.map((run) => figure(overlapFigures(run)))]]).map((bar) => ({ ...bar, name })),
    ),
  }));
  return {
    title: 'The ideal overlap',
    text:
      'The same buffers are filled and flushed one after the other, which times inserts and flushes alone; from these ' +
      'follows the best that can come of both at once. Together is what did come of it.',
    charts: [{ kind: 'bar', title: 'Inserts and flushes', unit: 'milliseconds', better: 'less', groups }],
  };
}

function nameOf({ engine }: Arrivals): string {
  return engine ?? WITHOUT_ENGINE;
}
