/** `pnpm bench flush`: the same stream with tables built inline and by workers. */
import { interleaved } from '../driver/plan.ts';
import type { RunResult } from '../driver/run.ts';
import type { Arrivals } from '../flush/arrivals.ts';
import { flushTables } from '../flush/flush-table.ts';
import type { Overlap, OverlapEngine } from '../flush/overlap.ts';
import type { FlushReport } from '../report/bench-report.ts';
import { acknowledgedRateOf, medianOf } from '../report/summaries.ts';
import { workloadNamed } from '../workloads/all-workloads.ts';
import {
  type Arguments,
  argumentsOf,
  COMMON_OPTIONS,
  type Defaults,
  OptionError,
  refusePositionals,
} from './arguments.ts';
import type { Command } from './command.ts';
import { inTurns } from './in-turns.ts';
import { reportHead, writeReports } from './reports.ts';
import { measure } from './run-command.ts';
import type { Session } from './session.ts';

const DEFAULTS: Defaults = {
  records: 1_500_000,
  engines: ['arena-inline', 'arena', 'arena-2'],
  batches: [100],
  repeat: 3,
  duration: 5,
};
const OVERLAP_ENGINES: readonly string[] = ['arena-inline', 'arena', 'arena-2'] satisfies OverlapEngine[];
/** Of a write buffer, per record: the burst is two of them. */
const RECORD_OVERHEAD = 24;
const OVERLAP_BUFFERS = 8;

export const flushCommand: Command = {
  name: 'flush',
  about: 'single thread against worker flush: throughput, latencies, event loop, ideal overlap',
  help: `Usage: pnpm bench flush [options]

Puts the same stream of records with tables built on the main thread and by one and two workers:
  1. as fast as it is taken, until all levels are settled;
  2. at a fixed arrival rate, latencies counted from when a batch was due, beside the same loop without an engine;
  3. inserts and flushes each alone, hence the best possible overlap, and the share of it that is reached.

  --engine NAME,...   default ${DEFAULTS.engines.join(',')}; peers can be added, and take no part in 3
  --records N         of the stream, default ${DEFAULTS.records}
  --batch N           records of one batch, default 100
  --rate N            records per second that arrive; default half of the burst rate of the first worker engine
  --duration SECONDS  of arrivals, default 5
  --key-size, --value-size, --compressible, --write-buffer, --cache, --repeat, --seed, --dir, --out
                      as \`pnpm bench --help\` has them

Examples:
  pnpm bench flush
  pnpm bench flush --write-buffer 8 --records 500000
  pnpm bench flush --engine arena-inline,arena,classic-level --rate 200000
`,
  options: [...COMMON_OPTIONS, 'records', 'rate', 'duration'],
  prepare(line) {
    refusePositionals(line);
    const args = argumentsOf(line.values, DEFAULTS);
    if (args.batches.length !== 1 || args.batches[0] === 64 || args.batches[0] === 1) {
      throw new OptionError('--batch must be one number of records here, and neither 1 nor 64');
    }
    return { dir: args.dir, measure: (session) => run(session, args) };
  },
};

async function run(session: Session, args: Arguments): Promise<void> {
  const { engines, missing } = await session.begin(args);
  const names = engines.map(({ name }) => name);
  const batchRecords = args.batches[0]!;
  session.print('1. The stream as fast as it is taken');
  const streams = await measureStreams(session, args, names, args.settings.records);
  const rate = args.rate ?? (await halfOfBurst(session, args, names));
  session.print(`2. Batches arriving at ${Math.round(rate)} records/s`);
  const arrivals = await measureArrivals(session, args, names, rate);
  session.print('3. Inserts and flushes alone and together');
  const overlaps = await measureOverlaps(session, args, names);
  const report: FlushReport = {
    ...reportHead(session, args, engines, missing),
    command: 'flush',
    batchRecords,
    streams,
    rate,
    arrivals,
    overlaps,
  };
  session.print(`\n${flushTables(report)}\n`);
  writeReports(session, args.out, report);
}

/** The whole stream: its length is what ends it, not the duration, which is of arrivals. */
function measureStreams(
  session: Session,
  args: Arguments,
  names: readonly string[],
  records: number,
  repeat: number = args.repeat,
): Promise<RunResult[]> {
  const settings = { ...args.settings, records, reads: records, durationMs: undefined };
  const mode = { kind: 'batch', size: args.batches[0]! } as const;
  const planned = interleaved([{ workload: workloadNamed('fillrandom'), mode }], names, repeat);
  return measure(session, { ...args, settings }, planned);
}

/** Half of what the first engine that flushes in a worker takes while two write buffers fill. */
async function halfOfBurst(session: Session, args: Arguments, names: readonly string[]): Promise<number> {
  const { keyBytes, valueBytes, writeBufferBytes } = args.settings;
  const records = Math.floor((2 * writeBufferBytes) / (keyBytes + valueBytes + RECORD_OVERHEAD));
  const name = names.find((one) => one !== 'arena-inline') ?? names[0]!;
  session.print('   the burst that half of is taken from');
  const bursts = await measureStreams(session, args, [name], records);
  return medianOf(bursts, acknowledgedRateOf)! / 2;
}

async function measureArrivals(
  session: Session,
  { batches, repeat, settings }: Arguments,
  names: readonly string[],
  rate: number,
): Promise<Arrivals[]> {
  return await inTurns(session, [undefined, ...names], repeat, (engine, _, newStore) => {
    const label = `arrivals: ${engine ?? 'no engine'}`;
    const request = {
      engine,
      settings,
      batchRecords: batches[0]!,
      rate,
      durationMs: settings.durationMs!,
      location: newStore(),
    };
    return { label, measure: () => session.run('arrivals', label, request) };
  });
}

async function measureOverlaps(
  session: Session,
  { batches, repeat, settings }: Arguments,
  names: readonly string[],
): Promise<Overlap[]> {
  const own = names.filter((name): name is OverlapEngine => OVERLAP_ENGINES.includes(name));
  return await inTurns(session, own, repeat, (engine, _, newStore) => {
    const label = `overlap: ${engine}`;
    const locations = [newStore(), newStore(), newStore(), newStore()] as const;
    const request = { engine, settings, batchRecords: batches[0]!, buffers: OVERLAP_BUFFERS, locations };
    return { label, measure: () => session.run('overlap', label, request) };
  });
}
