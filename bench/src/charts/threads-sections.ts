import type { ThreadsReport } from '../report/bench-report.ts';
import {
  ENTRIES,
  IN_FLIGHT,
  inFlightText,
  ingestRateOf,
  ownerCpuUsOf,
  PRODUCERS,
  producersText,
  READERS,
  readersText,
  stageFigureOf,
  TRANSPORTS,
} from '../threads/figures.ts';
import type { ThreadIngest } from '../threads/ingest-run.ts';
import type { HandOver, Transport } from '../threads/jobs.ts';
import type { ReadStage, ReadStageName } from '../threads/read-run.ts';
import { GOAL_HEADER, goalRows } from '../threads/threads-table.ts';
import { barOf, barsOf } from './bars.ts';
import type { Bar, BarChart, Section } from './chart.ts';

export function threadsSections(report: ThreadsReport): Section[] {
  return [
    goalSection(report),
    ingestSection(report),
    readSection(report),
    ...(report.handOvers.length === 0 ? [] : [handOverSection(report)]),
  ];
}

function goalSection(report: ThreadsReport): Section {
  return {
    title: 'Goals',
    text:
      `Medians of all repetitions, on ${report.machine.cores} cores: threads beyond them, those of flushes and ` +
      'compactions among them, take turns.',
    charts: [],
    table: { header: GOAL_HEADER, rows: goalRows(report) },
  };
}

function ingestSection({ batchRecords, engines, ingests, settings }: ThreadsReport): Section {
  const chart = (
    title: string,
    unit: string,
    better: BarChart['better'],
    figure: (run: ThreadIngest) => number,
  ): BarChart => ({
    kind: 'bar',
    title,
    unit,
    better,
    groups: PRODUCERS.map((producers) => ({
      name: producers === 0 ? 'by the owner itself' : `by ${producersText(producers)}`,
      bars: barsOf(
        engines.map(({ name }) => {
          const own = ingests.filter((run) => run.engine === name && run.producers === producers);
          return [name, own.map(figure)] as const;
        }),
      ),
    })),
  });
  return {
    title: 'Lines of JSON, parsed and written',
    text:
      `${settings.records.toLocaleString('en-US')} lines in shared memory, written in batches of ${batchRecords} by those ` +
      'who parse them: the owner of the store, or other threads, each with its part of the lines.',
    charts: [
      chart('Records until acknowledged', 'records per second', 'more', ingestRateOf),
      chart("CPU of the owner's thread", 'microseconds per record', 'less', ownerCpuUsOf),
    ],
  };
}

function readSection({ engines, reads, settings }: ThreadsReport): Section {
  const chart = (
    title: string,
    unit: string,
    stage: ReadStageName,
    figure: (stage: ReadStage) => number | undefined,
    ofNone: string,
  ): BarChart => ({
    kind: 'bar',
    title,
    unit,
    better: 'more',
    groups: READERS.map((readers) => ({
      name: readers === 0 ? ofNone : readersText(readers),
      bars: barsOf(
        engines.map(({ name }) => {
          const own = reads.filter((run) => run.engine === name && run.readers === readers);
          return [name, own.map((run) => stageFigureOf(run, stage, figure))] as const;
        }),
      ),
    })),
  });
  const rate = settings.writeRate.toLocaleString('en-US');
  const ofReads = ({ readsPerSecond }: ReadStage): number | undefined => readsPerSecond;
  return {
    title: 'Reads in other threads',
    text:
      'Blocking gets of random records, those of all threads together: while the owner of the store writes nothing, while it ' +
      `overwrites ${rate} records per second, and while it overwrites as many as it can.`,
    charts: [
      chart('Reads, the owner idle', 'reads per second', 'idle', ofReads, 'the owner itself'),
      chart('Reads, the owner writing', 'reads per second', 'paced', ofReads, 'the owner itself'),
      chart(
        'Writes of the owner beside reads',
        'records per second',
        'flat-out',
        ({ writesPerSecond }) => writesPerSecond,
        'nobody reads',
      ),
    ],
  };
}

function handOverSection({ handOvers }: ThreadsReport): Section {
  const charts = IN_FLIGHT.flatMap((inFlight) => [
    handOverChart(handOvers, inFlight, 'How long a batch keeps its thread', ({ callUs }) => callUs),
    handOverChart(handOvers, inFlight, 'CPU of a batch, answer included', ({ cpuUs }) => cpuUs),
  ]);
  return {
    title: 'A batch on its way to the owner',
    text:
      'From a thread to the one that has the store open, which writes it and answers: through the ring in shared memory, by a ' +
      'postMessage of the operations, and by one of a single buffer that they were copied into and that is transferred. ' +
      'While each is awaited the owner sleeps in between and has to be woken.',
    charts,
  };
}

function handOverChart(
  handOvers: ThreadsReport['handOvers'],
  inFlight: number,
  title: string,
  figure: (cost: HandOver) => number,
): BarChart {
  const costs = handOvers.flatMap((run) => run.costs).filter((one) => one.inFlight === inFlight);
  const barOfTransport = (transport: Transport, entries: number): Bar | undefined => {
    const own = costs.filter((one) => one.transport === transport && one.entries === entries);
    const color = transport === 'ring' ? handOvers[0]!.engine : transport;
    return barOf(color, own.map(figure), TRANSPORTS[transport]);
  };
  return {
    kind: 'bar',
    title: `${title}, ${inFlightText(inFlight)}`,
    unit: 'microseconds',
    better: 'less',
    groups: ENTRIES.map((entries) => ({
      name: entries === 1 ? '1 entry' : `${entries} entries`,
      bars: (Object.keys(TRANSPORTS) as Transport[])
        .map((transport) => barOfTransport(transport, entries))
        .filter((bar) => bar !== undefined),
    })),
  };
}
