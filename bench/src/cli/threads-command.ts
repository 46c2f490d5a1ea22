/** `pnpm bench threads`: one store used by several threads. */
import { engineNamed } from '../engines/all-engines.ts';
import type { ThreadsReport } from '../report/bench-report.ts';
import {
  ENTRIES,
  IN_FLIGHT,
  PRODUCERS,
  producersText,
  READERS,
  readersText,
  TRANSPORTS,
} from '../threads/figures.ts';
import type { HandOverRun } from '../threads/hand-over-run.ts';
import type { ThreadIngest } from '../threads/ingest-run.ts';
import type { HandOverCase, Transport } from '../threads/jobs.ts';
import type { ThreadReads } from '../threads/read-run.ts';
import { threadsTables } from '../threads/threads-table.ts';
import {
  type Arguments,
  argumentsOf,
  COMMON_OPTIONS,
  checkOneBatch,
  type Defaults,
  OptionError,
  refusePositionals,
} from './arguments.ts';
import type { Command } from './command.ts';
import { inTurns } from './in-turns.ts';
import { reportHead, writeReports } from './reports.ts';
import type { Session } from './session.ts';

const DEFAULTS: Defaults = {
  records: 500_000,
  engines: ['arena', 'classic-level', 'lmdb'],
  batches: [100],
  repeat: 3,
  duration: 2,
};
/** Of `--duration`, for one case of a batch that is handed over. */
const CASE_SHARE = 0.1;

export const threadsCommand: Command = {
  name: 'threads',
  about: 'one store, several threads: ingestion, reads, and what handing over a batch costs',
  help: `Usage: pnpm bench threads [options]

Several threads of one process on the same store:
  1. lines of JSON parsed and written by the thread that has the store open, and by 1 to 3 others;
  2. reads by the owner, by 1 and by 2 other threads, while the owner writes nothing, at a fixed rate, and as fast
     as it can, which it does beside as many threads that only compute, too: what it loses to them are cores;
  3. what it costs a thread to hand a batch to the owner, through shared memory and by postMessage.
The goals are printed beside the figures. Each run is a process of its own; engines and numbers of threads take turns.

  --engine NAME,...   default ${DEFAULTS.engines.join(',')}; the first of ours takes part in 3
  --records N         lines, and records that are read, default ${DEFAULTS.records}
  --batch N           records of one batch, default 100
  --write-rate N      records per second that the owner writes beside reads, default 20000
  --duration SECONDS  of each stage of reads, default 2; a case of 3 takes a tenth of it
  --key-size, --value-size, --compressible, --write-buffer, --cache, --repeat, --seed, --dir, --out
                      as \`pnpm bench --help\` has them

Examples:
  pnpm bench threads
  pnpm bench threads --engine arena,classic-level --records 100000 --duration 1
`,
  options: [...COMMON_OPTIONS, 'records', 'write-rate', 'duration'],
  prepare(line) {
    refusePositionals(line);
    const args = argumentsOf(line.values, DEFAULTS);
    checkOneBatch(args);
    const alone = args.engines.find((name) => engineNamed(name).attach === undefined);
    if (alone !== undefined) throw new OptionError(`threads cannot share a store of '${alone}'`);
    return { dir: args.dir, measure: (session) => run(session, args) };
  },
};

async function run(session: Session, args: Arguments): Promise<void> {
  const { engines, missing } = await session.begin(args, { threads: true });
  const names = engines.map(({ name }) => name);
  session.print('1. Lines of JSON, parsed and written');
  const ingests = await measureIngests(session, args, names);
  session.print('2. Reads');
  const reads = await measureReads(session, args, names);
  const ours = engines.find(({ kind }) => kind === 'own');
  session.print(`3. Batches handed over${ours === undefined ? ': left out, by engines of ours only' : ''}`);
  const handOvers = ours === undefined ? [] : await measureHandOvers(session, args, ours.name);
  const report: ThreadsReport = {
    ...reportHead(session, args, engines, missing),
    command: 'threads',
    batchRecords: args.batches[0]!,
    ingests,
    reads,
    handOvers,
  };
  session.print(`\n${threadsTables(report)}\n`);
  writeReports(session, args.out, report);
}

async function measureIngests(
  session: Session,
  { batches, repeat, seed, settings }: Arguments,
  names: readonly string[],
): Promise<ThreadIngest[]> {
  const cases = PRODUCERS.flatMap((producers) => names.map((engine) => ({ engine, producers })));
  return await inTurns(session, cases, repeat, ({ engine, producers }, repetition, newStore) => {
    const label = `ingest: ${engine}, by ${producersText(producers)}`;
    const request = {
      engine,
      producers,
      settings,
      seed: seed + repetition,
      batchRecords: batches[0]!,
      location: newStore(),
    };
    return { label, measure: () => session.run('thread-ingest', label, request) };
  });
}

async function measureReads(
  session: Session,
  { batches, repeat, seed, settings }: Arguments,
  names: readonly string[],
): Promise<ThreadReads[]> {
  const cases = READERS.flatMap((readers) => names.map((engine) => ({ engine, readers })));
  return await inTurns(session, cases, repeat, ({ engine, readers }, repetition, newStore) => {
    const label = `reads: ${engine}, by ${readersText(readers)}`;
    const request = {
      engine,
      readers,
      settings,
      seed: seed + repetition,
      batchRecords: batches[0]!,
      durationMs: settings.durationMs!,
      location: newStore(),
    };
    return { label, measure: () => session.run('thread-reads', label, request) };
  });
}

/** All cases in one process, each repetition beginning with another one. */
async function measureHandOvers(
  session: Session,
  { repeat, seed, settings }: Arguments,
  engine: string,
): Promise<HandOverRun[]> {
  const cases = IN_FLIGHT.flatMap((inFlight) =>
    ENTRIES.flatMap((entries) =>
      (Object.keys(TRANSPORTS) as Transport[]).map((transport): HandOverCase => {
        return { transport, entries, inFlight };
      }),
    ),
  );
  const label = `hand-over: ${engine}`;
  return await inTurns(session, [engine], repeat, (_, repetition, newStore) => {
    const request = {
      engine,
      settings,
      seed: seed + repetition,
      cases: [...cases.slice(repetition), ...cases.slice(0, repetition)],
      caseMs: settings.durationMs! * CASE_SHARE,
      location: newStore(),
    };
    return { label, measure: () => session.run('hand-over', label, request) };
  });
}
