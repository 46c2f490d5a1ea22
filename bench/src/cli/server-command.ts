/** `pnpm bench server`: an HTTP server that works, reads and ingests, over each engine. */
import { WARM_UP_BATCHES } from '../flush/arrivals.ts';
import { figureTable, latencyFigures } from '../flush/flush-table.ts';
import type { ServerReport } from '../report/bench-report.ts';
import { roundsText } from '../report/summaries.ts';
import { runServer, type ServerRun } from '../server/server-run.ts';
import { hashesFor } from '../server/work.ts';
import { count } from '../support/text-table.ts';
import {
  type Arguments,
  argumentsOf,
  COMMON_OPTIONS,
  checkOneBatch,
  type Defaults,
  refusePositionals,
} from './arguments.ts';
import type { Command } from './command.ts';
import { reportHead, writeReports } from './reports.ts';
import type { Session } from './session.ts';

/** Without memory-level: it writes nothing to disk, and falls behind for good. */
const SERVED = [
  'arena-inline',
  'arena',
  'arena-2',
  'ArenaLevel',
  'classic-level',
  'lmdb',
  'rocksdb',
  'sqlite',
];
const DEFAULTS: Defaults = { records: 100_000, engines: SERVED, batches: [100], repeat: 3, duration: 10 };
const DEFAULT_INGEST_RATE = 50_000;
const MIB = 2 ** 20;

export const serverCommand: Command = {
  name: 'server',
  about: 'latencies of an HTTP server that computes, reads and ingests over each engine',
  help: `Usage: pnpm bench server [options]

An HTTP server in a process of its own does a fixed amount of CPU work for each request and reads a record from the
store, while it ingests batches at a fixed rate. Requests arrive at a fixed rate, too, whether those before them have
been answered or not; latencies count from when a request was due.

  --engine NAME,...   default ${SERVED.join(',')}
  --requests N        requests per second, default 300
  --work US           CPU of a request in microseconds, default 300
  --rate N            records per second that are ingested, default ${DEFAULT_INGEST_RATE}
  --batch N           records of one batch, default 100
  --duration SECONDS  default 10
  --key-size, --value-size, --compressible, --write-buffer, --cache, --repeat, --seed, --dir, --out
                      as \`pnpm bench --help\` has them

Examples:
  pnpm bench server
  pnpm bench server --engine arena-inline,arena,lmdb --rate 100000 --work 1000 --requests 200
`,
  options: [...COMMON_OPTIONS, 'requests', 'work', 'rate', 'duration'],
  prepare(line) {
    refusePositionals(line);
    const args = argumentsOf(line.values, DEFAULTS);
    checkOneBatch(args);
    return { dir: args.dir, measure: (session) => run(session, args) };
  },
};

async function run(session: Session, args: Arguments): Promise<void> {
  const { engines, missing } = await session.begin(args);
  const names = engines.map(({ name }) => name);
  const hashes = hashesFor(args.workUs);
  const ingestRate = args.rate ?? DEFAULT_INGEST_RATE;
  const batchRecords = args.batches[0]!;
  const plan = {
    rate: args.requestRate,
    durationMs: args.settings.durationMs!,
    records: WARM_UP_BATCHES * batchRecords,
  };
  const runs: ServerRun[] = [];
  session.progress.begin(names.length * args.repeat);
  for (let repetition = 0; repetition < args.repeat; repetition++) {
    for (const turn of names.keys()) {
      const engine = names[(turn + repetition) % names.length]!;
      session.progress.next(`server: ${engine}`);
      const location = session.folder.newStore();
      const request = { engine, settings: args.settings, batchRecords, ingestRate, hashes, location };
      runs.push(await runServer(request, plan, session.interrupt));
      session.folder.removeStore(location);
    }
  }
  session.progress.end();
  session.print(
    `\n${count(plan.rate)} requests/s of ${count(args.workUs)} us of CPU (${count(hashes)} hashes) and one get each, ` +
      `beside ${count(ingestRate)} records/s`,
  );
  session.print(`${roundsText(args.repeat)}\n${serverTable(runs)}\n`);
  const report: ServerReport = {
    ...reportHead(session, args, engines, missing),
    command: 'server',
    workUs: args.workUs,
    runs,
  };
  writeReports(session, args.out, report);
}

function serverTable(runs: readonly ServerRun[]): string {
  return figureTable<ServerRun>(
    [
      ...latencyFigures<ServerRun>((one) => one.latency),
      { name: 'event loop delay p99, ms', of: (one) => one.loopDelay.p99Ms },
      { name: 'event loop delay max, ms', of: (one) => one.loopDelay.maxMs },
      { name: 'event loop busy, %', of: (one) => one.loopUtilization * 100 },
      { name: 'records/s ingested', of: (one) => (one.ingested * 1000) / one.elapsedMs, format: count },
      { name: 'memory of the process, MiB', of: (one) => one.rssBytes / MIB, format: count },
    ],
    runs,
  );
}
