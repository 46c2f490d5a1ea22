/**
 * Instructions per record, as the slope between a short run and a longer one: what a process needs to start is in both, and
 * so is what V8 compiles, if the short one is not too short. The warm-up, a tenth of a run, is in them for every engine alike.
 */
import { caseName } from '../driver/plan.ts';
import { count, decimal, textTable } from '../support/text-table.ts';
import type { Mode } from '../workloads/mode.ts';
import { GUARD_ENGINE, GUARD_PEER } from './engines.ts';

export interface InstructionCount {
  readonly name: string;
  readonly engine: string;
  readonly perRecord: number;
}

export interface CountedRun {
  readonly workload: string;
  readonly mode: Mode;
  readonly engine: string;
  readonly records: number;
  readonly reads: number;
}

const CASES: readonly (readonly [workload: string, mode: Mode])[] = [
  ['fillrandom', { kind: 'batch', size: 1000 }],
  ['fillrandom', { kind: 'single' }],
  ['readrandom', { kind: 'sync' }],
  ['readrandom-warm', { kind: 'sync' }],
];

/** Operations of the short and of the long run. Changing them makes committed figures worthless. */
const SHORT = 100_000;
const LONG = 300_000;
/** Single puts write a tenth of the records. */
const SINGLE_SHARE = 0.1;

export const COUNTED_RUNS: number = CASES.length * 4;

/** `runCounted` runs the workload in a process of its own and tells the instructions of that process. */
export async function countInstructions(
  runCounted: (run: CountedRun) => Promise<number>,
): Promise<InstructionCount[]> {
  const counts: InstructionCount[] = [];
  for (const [workload, mode] of CASES) {
    for (const engine of [GUARD_ENGINE, GUARD_PEER]) {
      const isRead = mode.kind === 'sync';
      const of = (operations: number): Promise<number> =>
        runCounted({ workload, mode, engine, records: isRead ? SHORT : operations, reads: operations });
      const short = await of(SHORT);
      const long = await of(LONG);
      const operations = (LONG - SHORT) * (mode.kind === 'single' ? SINGLE_SHARE : 1);
      counts.push({ name: caseName(workload, mode), engine, perRecord: (long - short) / operations });
    }
  }
  return counts;
}

/** How many times as many the peer needs, now and when figures were committed. */
export function instructionTable(
  now: readonly InstructionCount[],
  committed: readonly InstructionCount[] = [],
): string {
  const names = [...new Set(now.map(({ name }) => name))];
  return textTable(
    ['instructions per record', GUARD_ENGINE, GUARD_PEER, 'times as few', 'committed'],
    names.map((name) => [
      `  ${name}`,
      count(perRecord(now, name, GUARD_ENGINE)),
      count(perRecord(now, name, GUARD_PEER)),
      decimal(timesAsFew(now, name)),
      committed.some((one) => one.name === name) ? decimal(timesAsFew(committed, name)) : '',
    ]),
  );
}

function timesAsFew(counts: readonly InstructionCount[], name: string): number {
  return perRecord(counts, name, GUARD_PEER) / perRecord(counts, name, GUARD_ENGINE);
}

function perRecord(counts: readonly InstructionCount[], name: string, engine: string): number {
  return counts.find((one) => one.name === name && one.engine === engine)?.perRecord ?? Number.NaN;
}
