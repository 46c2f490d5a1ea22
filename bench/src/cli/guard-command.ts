/** `pnpm bench guard`: has the engine fallen back against its peer since the last committed figures? */
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Case, caseName, interleaved } from '../driver/plan.ts';
import { GUARD_ENGINE, GUARD_PEER } from '../guard/engines.ts';
import { guardLines, guardTable } from '../guard/guard.ts';
import {
  COUNTED_RUNS,
  countInstructions,
  type InstructionCount,
  instructionTable,
} from '../guard/instructions.ts';
import type { WorkloadReport } from '../report/bench-report.ts';
import { differences } from '../report/compare.ts';
import { readReport } from '../report/read-report.ts';
import { countedIn, countingLauncher, whyNotCounted } from '../support/instructions.ts';
import { machineText } from '../support/machine.ts';
import { workloadNamed } from '../workloads/all-workloads.ts';
import type { Mode } from '../workloads/mode.ts';
import { type Arguments, argumentsOf, type Defaults, refusePositionals } from './arguments.ts';
import type { Command } from './command.ts';
import { reportHead } from './reports.ts';
import { measure } from './run-command.ts';
import type { Session } from './session.ts';

const DEFAULTS: Defaults = {
  records: 200_000,
  engines: [GUARD_ENGINE, GUARD_PEER],
  batches: [],
  repeat: 5,
};

/** Short, and each for a part of the engine of its own. Changing them makes committed figures worthless. */
const CASES: readonly (readonly [string, Mode])[] = [
  ['fillrandom', { kind: 'batch', size: 1000 }],
  ['fillrandom', { kind: 'single' }],
  ['fillrandom', { kind: 'in-flight', size: 64 }],
  ['overwrite', { kind: 'batch', size: 1000 }],
  ['readrandom', { kind: 'sync' }],
  ['readrandom', { kind: 'await' }],
  ['readrandom-reopened', { kind: 'sync' }],
  ['readrandom-warm', { kind: 'sync' }],
  ['readmissing', { kind: 'sync' }],
  ['readseq', { kind: 'only' }],
];

const RESULTS: string = fileURLToPath(new URL('../../results/', import.meta.url));

export const guardCommand: Command = {
  name: 'guard',
  about: `ratios to ${GUARD_PEER} beside those that were committed last; it reports and does not fail`,
  help: `Usage: pnpm bench guard [options]

Runs a short fixed set of workloads on ${GUARD_ENGINE} and ${GUARD_PEER} in turns, and compares the ratios between them
with those of the newest file in bench/results. A ratio is better or worse when the ranges of its pairs,
three of them at least, do not touch.

  --instructions  counts the instructions of four of the cases as well, with valgrind, which takes minutes
  --write         writes the figures to bench/results, to be committed
  --repeat N      default ${DEFAULTS.repeat}      --records N   default ${DEFAULTS.records}; other numbers compare badly
  --dir DIR       where stores lie

Examples:
  pnpm bench guard
  pnpm bench guard --instructions --write
`,
  options: ['write', 'instructions', 'repeat', 'records', 'dir'],
  prepare(line) {
    refusePositionals(line);
    const args = argumentsOf(line.values, DEFAULTS);
    const committed = newestResult(RESULTS);
    return { dir: args.dir, measure: (session) => run(session, args, committed) };
  },
};

/** By the time at which it was measured; undefined when there is none. */
export function newestResult(folder: string): WorkloadReport | undefined {
  if (!existsSync(folder)) return undefined;
  return readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .map((name) => readReport(join(folder, name)))
    .filter((report): report is WorkloadReport => report.command === 'guard')
    .sort((a, b) => a.machine.time.localeCompare(b.machine.time))
    .at(-1);
}

async function run(session: Session, args: Arguments, committed: WorkloadReport | undefined): Promise<void> {
  const { engines, missing } = await session.begin(args);
  if (missing.length > 0) throw new Error('there is nothing to compare with');
  const cases = CASES.map(([workload, mode]): Case => ({ workload: workloadNamed(workload), mode }));
  const runs = await measure(session, args, interleaved(cases, args.engines, args.repeat));
  const instructions = args.instructions ? await counted(session, args) : undefined;
  const report: WorkloadReport = {
    ...reportHead(session, args, engines, missing),
    command: 'guard',
    runs: runs.map(withoutTimeline),
    ...(instructions === undefined ? {} : { instructions }),
  };
  session.print(`\n${guardTable(guardLines(report, committed))}\n`);
  if (instructions !== undefined) {
    session.print(`${instructionTable(instructions, committed?.instructions)}\n`);
  }
  const unlike = committed === undefined ? [] : differences(committed, report);
  if (unlike.length > 0) session.print(`The committed ones were not asked alike: ${unlike.join('; ')}.`);
  session.print(
    committed === undefined
      ? 'nothing is committed yet: --write makes a beginning'
      : `committed: ${machineText(committed.machine)}, ${committed.machine.time.slice(0, 10)}`,
  );
  if (args.write) session.print(`written to ${writeResult(report)}`);
}

/** Undefined, with a word, where the machine cannot. */
async function counted(
  session: Session,
  { seed, settings }: Arguments,
): Promise<readonly InstructionCount[] | undefined> {
  const obstacle = whyNotCounted();
  if (obstacle !== undefined) {
    session.print(`instructions are not counted: ${obstacle}`);
    return undefined;
  }
  const log = session.folder.newStore();
  session.progress.begin(COUNTED_RUNS);
  const counts = await countInstructions(async ({ engine, mode, reads, records, workload }) => {
    const label = `instructions of ${caseName(workload, mode)}: ${engine}`;
    session.progress.next(label);
    const locations = { warmUpLocation: session.folder.newStore(), location: session.folder.newStore() };
    const request = { engine, workload, mode, settings: { ...settings, records, reads }, seed, ...locations };
    await session.run('workload', label, request, countingLauncher(log));
    for (const location of Object.values(locations)) session.folder.removeStore(location);
    return countedIn(log);
  });
  session.progress.end();
  return counts;
}

/** What is committed is small: no figures over time. */
function withoutTimeline(run: WorkloadReport['runs'][number]): WorkloadReport['runs'][number] {
  return { ...run, timeline: { ...run.timeline, records: [], rss: [] }, marks: [] };
}

function writeResult(report: WorkloadReport): string {
  mkdirSync(RESULTS, { recursive: true });
  const { commit, time } = report.machine;
  const path = join(RESULTS, `guard-${time.slice(0, 10)}-${commit.replace(/\W/g, '')}.json`);
  writeFileSync(path, `${JSON.stringify(report, undefined, 1)}\n`);
  return relative('', path);
}
