/** `pnpm bench [workloads]`: workloads on all engines, taking turns. */
import { existsSync } from 'node:fs';
import { caseName, casesOf, interleaved, type PlannedRun } from '../driver/plan.ts';
import type { RunResult } from '../driver/run.ts';
import { engineNamed } from '../engines/all-engines.ts';
import type { WorkloadReport } from '../report/bench-report.ts';
import { RUN_TABLE_NOTE, runTable } from '../report/run-table.ts';
import { roundsText } from '../report/summaries.ts';
import { WORKLOADS, workloadNamed } from '../workloads/all-workloads.ts';
import type { Workload } from '../workloads/workload.ts';
import {
  type Arguments,
  argumentsOf,
  COMMON_OPTIONS,
  type CommandLine,
  type Defaults,
  OptionError,
} from './arguments.ts';
import type { Command } from './command.ts';
import { reportHead, writeReports } from './reports.ts';
import type { Session } from './session.ts';

const DEFAULT_WORKLOADS = [
  'fillrandom',
  'overwrite',
  'readrandom',
  'readrandom-reopened',
  'readrandom-warm',
  'readmissing',
  'readseq',
];

const DEFAULTS: Defaults = {
  records: 300_000,
  engines: ['all'],
  batches: [1, 64, 1000],
  repeat: 3,
};

export const runCommand: Command = {
  name: 'run',
  about: 'workloads on all engines: the default command, whose name may be left out',
  help: `Usage: pnpm bench [workload ...] [options]

Runs workloads on all engines that are installed. Each run is a process of its own with a fresh directory; engines take
turns, and medians are reported. What is read back is compared with what was written: a wrong result ends the run.

Workloads (default: ${DEFAULT_WORKLOADS.join(' ')}; \`all\` is all but file):
${WORKLOADS.map(({ about, name }) => `  ${name.padEnd(20)} ${about}`).join('\n')}

  --engine NAME,...    of ${'`pnpm bench list`'}; default all
  --batch N,...        writes: 1 awaits each put, 64 keeps 64 puts in flight, others are awaited batches of N.
                       Default 1,64,1000. Modes of single puts write a tenth of the records
  --read KIND,...      gets: sync (getSync), await. Default both
  --records N          default 300000
  --reads N            gets of read workloads, operations of mixed ones; default as many as records
  --key-size BYTES     default 16         --value-size BYTES   default 100
  --compressible X     share of a value that compression could save, 0 to 1; default 0.5
  --write-buffer MIB   default 32         --cache MIB          default 64
  --duration SECONDS   ends each measured stretch then, even if records are left; readseq and readreverse go to the end
  --write-rate N       records per second beside the reads of readwhilewriting; default 20000
  --file PATH          ndjson, csv or tsv for the workload \`file\`, its keys made of the fields --key F (repeatable)
  --repeat N           rounds; default 3  --seed N             default 1
  --dir DIR            where stores lie; default .bench in the checkout. Removed at the end
  --out DIR            where reports are written; default bench/reports

Examples:
  pnpm bench
  pnpm bench fillrandom readrandom --engine arena,classic-level --records 1000000
  pnpm bench ycsb-a ycsb-b --batch 64 --repeat 5
  pnpm bench cities --batch 100
  pnpm bench file --file people.csv --key country --key id --batch 1000
`,
  options: [...COMMON_OPTIONS, 'records', 'reads', 'read', 'duration', 'write-rate', 'file', 'key'],
  prepare(line) {
    const args = argumentsOf(line.values, DEFAULTS);
    const workloads = chosenWorkloads(line, args);
    return { dir: args.dir, measure: (session) => run(session, args, workloads) };
  },
};

function chosenWorkloads({ positionals }: CommandLine, { settings }: Arguments): Workload[] {
  const named = [...new Set(positionals.flatMap((text) => text.split(',')))];
  for (const name of named) {
    if (name !== 'all' && !WORKLOADS.some((one) => one.name === name)) {
      throw new OptionError(`there is no workload or command '${name}'; see --help`);
    }
  }
  if (named.includes('file') && settings.file === undefined) {
    throw new OptionError('the workload `file` needs --file');
  }
  if (settings.file === undefined && settings.keyFields.length > 0) {
    throw new OptionError('--key means nothing without --file');
  }
  if (settings.file !== undefined && settings.keyFields.length === 0) {
    throw new OptionError('--file needs --key: the field, or fields, that make its keys');
  }
  if (settings.file !== undefined && !existsSync(settings.file)) {
    throw new OptionError(`there is no file '${settings.file}'`);
  }
  if (named.includes('all')) return WORKLOADS.filter(({ name }) => name !== 'file');
  if (named.length === 0 && settings.file !== undefined) return [workloadNamed('file')];
  return (named.length === 0 ? DEFAULT_WORKLOADS : named).map(workloadNamed);
}

async function run(session: Session, args: Arguments, workloads: readonly Workload[]): Promise<void> {
  const { engines, missing } = await session.begin(args);
  const cases = casesOf(workloads, args.batches, args.reads);
  const names = engines.map(({ name }) => name);
  const runs = await measure(session, args, await possible(session, interleaved(cases, names, args.repeat)));
  session.print(`\n${runTable(runs)}\n\n${roundsText(args.repeat)}\n${RUN_TABLE_NOTE}\n`);
  const report: WorkloadReport = { ...reportHead(session, args, engines, missing), command: 'run', runs };
  writeReports(session, args.out, report);
}

/** Without the runs that an engine has no way to do; each such engine is named once. */
async function possible(session: Session, runs: readonly PlannedRun[]): Promise<PlannedRun[]> {
  const told = new Set<string>();
  return runs.filter(({ engine, mode, workload }) => {
    const { lacks } = engineNamed(engine);
    const lack = mode.kind === 'sync' ? lacks?.sync : workload.reopens === true ? lacks?.disk : undefined;
    if (lack === undefined) return true;
    const text = `${engine}: left out of ${caseName(workload.name, mode)}, ${lack}`;
    if (!told.has(text)) session.print(text);
    told.add(text);
    return false;
  });
}

export async function measure(
  session: Session,
  { seed, settings }: Arguments,
  planned: readonly PlannedRun[],
): Promise<RunResult[]> {
  const results: RunResult[] = [];
  session.progress.begin(planned.length);
  for (const { engine, mode, repetition, workload } of planned) {
    const label = `${caseName(workload.name, mode)}: ${engine}`;
    session.progress.next(label);
    const locations = { warmUpLocation: session.folder.newStore(), location: session.folder.newStore() };
    const request = {
      engine,
      workload: workload.name,
      mode,
      settings,
      seed: seed + repetition,
      ...locations,
    };
    results.push(await session.run('workload', label, request));
    for (const location of Object.values(locations)) session.folder.removeStore(location);
  }
  session.progress.end();
  return results;
}
