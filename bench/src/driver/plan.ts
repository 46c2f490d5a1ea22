/** Which runs there are, and in which order. Pure. */
import { type Mode, modeName, modesOf } from '../workloads/mode.ts';
import type { Workload } from '../workloads/workload.ts';

/** What is measured once for every engine and repetition. */
export interface Case {
  readonly workload: Workload;
  readonly mode: Mode;
}

export interface PlannedRun extends Case {
  readonly engine: string;
  readonly repetition: number;
}

export function caseName(workload: string, mode: Mode): string {
  return mode.kind === 'only' ? workload : `${workload}, ${modeName(mode)}`;
}

export function casesOf(
  workloads: readonly Workload[],
  batches: readonly number[],
  reads: readonly ('sync' | 'await')[],
): Case[] {
  return workloads.flatMap((workload) =>
    modesOf(workload.modes, batches, reads).map((mode): Case => ({ workload, mode })),
  );
}

/**
 * Case after case; within one, round after round, in each of which every engine has its turn: A B C, B C A, … Whatever
 * the machine does meanwhile meets all of them alike.
 */
export function interleaved(
  cases: readonly Case[],
  engines: readonly string[],
  repeat: number,
): PlannedRun[] {
  const rounds = Array.from({ length: repeat }, (_, repetition) => repetition);
  return cases.flatMap((one) =>
    rounds.flatMap((repetition) =>
      engines.map(
        (_, turn): PlannedRun => ({
          ...one,
          engine: engines[(turn + repetition) % engines.length]!,
          repetition,
        }),
      ),
    ),
  );
}
