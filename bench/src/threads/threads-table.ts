/** The runs with several threads in the terminal. Pure. */
import type { ThreadsReport } from '../report/bench-report.ts';
import { count, decimal, textTable } from '../support/text-table.ts';
import {
  ENTRIES,
  handOverFigure,
  IN_FLIGHT,
  inFlightText,
  ingestFigure,
  ingestRateOf,
  ownerCpuUsOf,
  PRODUCERS,
  processCpuUsOf,
  producersText,
  READERS,
  readersText,
  settledRateOf,
  stageFigure,
  TRANSPORTS,
} from './figures.ts';
import { goalsOf } from './goals.ts';
import type { ThreadIngest } from './ingest-run.ts';
import type { HandOver, Transport } from './jobs.ts';
import type { ReadStage, ReadStageName } from './read-run.ts';

type Format = (value: number) => string;

const INGEST_FIGURES: readonly (readonly [string, (run: ThreadIngest) => number, Format])[] = [
  ['records/s until acknowledged, parsed and written by', ingestRateOf, count],
  ['records/s until settled', settledRateOf, count],
  ["CPU of the owner's thread per record, us", ownerCpuUsOf, decimal],
  ['CPU of all threads per record, us', processCpuUsOf, decimal],
];

const READ_FIGURES: readonly (readonly [
  string,
  ReadStageName,
  (stage: ReadStage) => number | undefined,
  Format,
])[] = [
  ['reads/s in all, the owner idle, by', 'idle', (stage) => stage.readsPerSecond, count],
  [
    'reads/s in all, the owner writing at the fixed rate, by',
    'paced',
    (stage) => stage.readsPerSecond,
    count,
  ],
  ['records/s that it wrote beside', 'paced', (stage) => stage.writesPerSecond, count],
  ["CPU of the owner's thread per record written, us", 'paced', (stage) => stage.ownerCpuUs, decimal],
  [
    'records/s written as fast as they go, beside reads of',
    'flat-out',
    (stage) => stage.writesPerSecond,
    count,
  ],
  ['reads/s in all meanwhile', 'flat-out', (stage) => stage.readsPerSecond, count],
  ["CPU of the owner's thread per record written, us", 'flat-out', (stage) => stage.ownerCpuUs, decimal],
  [
    'records/s written as fast as they go, beside computing of',
    'crowded',
    (stage) => stage.writesPerSecond,
    count,
  ],
  ["CPU of the owner's thread per record written, us", 'crowded', (stage) => stage.ownerCpuUs, decimal],
];

const HAND_OVER_FIGURES: readonly (readonly [string, (cost: HandOver) => number])[] = [
  ['how long a batch keeps its thread, us (median)', ({ callUs }) => callUs],
  ['CPU of its thread per batch, answer included, us', ({ cpuUs }) => cpuUs],
];

export function threadsTables(report: ThreadsReport): string {
  const { batchRecords, handOvers, settings } = report;
  return [
    `1. ${count(settings.records)} lines of JSON parsed and written in batches of ${batchRecords}`,
    ingestTable(report),
    `\n2. Random reads of ${count(settings.records)} records; fixed rate: ${count(settings.writeRate)} records/s`,
    readTable(report),
    ...(handOvers.length === 0
      ? []
      : ['\n3. A batch handed to the thread that has the store open', handOverTable(report)]),
    '\nGoals',
    goalTable(report),
  ].join('\n');
}

function ingestTable({ engines, ingests }: ThreadsReport): string {
  const rows = INGEST_FIGURES.flatMap(([heading, figure, format]) => [
    [heading],
    ...PRODUCERS.map((producers) => [
      `  ${producersText(producers)}`,
      ...engines.map(({ name }) => shown(ingestFigure(ingests, name, producers, figure), format)),
    ]),
  ]);
  return textTable(['', ...engines.map(({ name }) => name)], rows);
}

function readTable({ engines, reads }: ThreadsReport): string {
  const rows = READ_FIGURES.flatMap(([heading, stage, figure, format]) => {
    const found = READERS.map((readers) => [
      `  ${stage === 'flat-out' && readers === 0 ? 'nobody' : readersText(readers)}`,
      ...engines.map(({ name }) => shown(stageFigure(reads, name, readers, stage, figure), format)),
    ]).filter(hasFigures);
    return found.length === 0 ? [] : [[heading], ...found];
  });
  return textTable(['', ...engines.map(({ name }) => name)], rows);
}

function handOverTable({ handOvers }: ThreadsReport): string {
  const transports = Object.keys(TRANSPORTS) as Transport[];
  const rows = HAND_OVER_FIGURES.flatMap(([heading, figure]) =>
    IN_FLIGHT.flatMap((inFlight) => [
      [`${heading}, ${inFlightText(inFlight)}`],
      ...ENTRIES.map((entries) => [
        `  ${count(entries)} ${entries === 1 ? 'entry' : 'entries'}`,
        ...transports.map((transport) =>
          shown(handOverFigure(handOvers, transport, entries, inFlight, figure), decimal),
        ),
      ]),
    ]),
  );
  return textTable(['', ...transports.map((transport) => TRANSPORTS[transport])], rows);
}

export const GOAL_HEADER: readonly string[] = ['goal', 'wanted', 'found', ''];

export function goalRows(report: ThreadsReport): string[][] {
  return goalsOf(report).map(({ found, isMet, wanted, what }) => [
    what,
    wanted,
    found,
    isMet ? 'met' : 'not met',
  ]);
}

function goalTable(report: ThreadsReport): string {
  return textTable(GOAL_HEADER, goalRows(report));
}

/** Who reads cannot write meanwhile, nor tell what writing costs. */
function hasFigures([, ...cells]: readonly string[]): boolean {
  return cells.some((cell) => cell !== '');
}

function shown(value: number | undefined, format: Format): string {
  return value === undefined ? '' : format(value);
}
