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

/** Round after round, in each of which everyone has a turn and another one begins: A B C, B C A, … */
export function turns<T>(
  all: readonly T[],
  repeat: number,
): { readonly one: T; readonly repetition: number }[] {
  return Array.from({ length: repeat }, (_, repetition) =>
    all.map((_, turn) => ({ one: all[(turn + repetition) % all.length]!, repetition })),
  ).flat();
}

/** Case after case; within one, engines take turns. Whatever the machine does meanwhile meets all of them alike. */
export function interleaved(
  cases: readonly Case[],
  engines: readonly string[],
  repeat: number,
): PlannedRun[] {
  return cases.flatMap((one) =>
    turns(engines, repeat).map(({ one: engine, repetition }): PlannedRun => ({ ...one, engine, repetition })),
  );
}
