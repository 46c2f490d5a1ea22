/** What a command writes as JSON: everything that was measured, and what is needed to make sense of it. */
import type { EngineInfo } from '../cli/session.ts';
import type { RunResult } from '../driver/run.ts';
import type { Arrivals } from '../flush/arrivals.ts';
import type { Overlap } from '../flush/overlap.ts';
import type { InstructionCount } from '../guard/instructions.ts';
import type { ScalePoint } from '../scale/scale-point.ts';
import type { ServerRun } from '../server/server-run.ts';
import type { Machine } from '../support/machine.ts';
import type { HandOverRun } from '../threads/hand-over-run.ts';
import type { ThreadIngest } from '../threads/ingest-run.ts';
import type { ThreadReads } from '../threads/read-run.ts';
import type { Settings } from '../workloads/workload.ts';

export const REPORT_FORMAT = 'arena-level-bench';
export const REPORT_VERSION = 1;

export interface ReportHead {
  readonly format: typeof REPORT_FORMAT;
  readonly version: typeof REPORT_VERSION;
  readonly machine: Machine;
  readonly settings: Settings;
  readonly seed: number;
  readonly repeat: number;
  readonly engines: readonly EngineInfo[];
  readonly missing: readonly { readonly name: string; readonly why: string }[];
}

export interface WorkloadReport extends ReportHead {
  readonly command: 'run' | 'guard';
  readonly runs: readonly RunResult[];
  /** Of a guard that counted them. */
  readonly instructions?: readonly InstructionCount[];
}

export interface FlushReport extends ReportHead {
  readonly command: 'flush';
  readonly batchRecords: number;
  /** The stream as fast as it is taken. */
  readonly streams: readonly RunResult[];
  /** Records per second of the fixed arrival rate. */
  readonly rate: number;
  readonly arrivals: readonly Arrivals[];
  readonly overlaps: readonly Overlap[];
}

export interface ServerReport extends ReportHead {
  readonly command: 'server';
  /** CPU of a request. */
  readonly workUs: number;
  readonly runs: readonly ServerRun[];
}

export interface ScaleReport extends ReportHead {
  readonly command: 'scale';
  readonly points: readonly ScalePoint[];
  /** Sizes that were left out, and why. */
  readonly leftOut: readonly { readonly records: number; readonly why: string }[];
}

export interface ThreadsReport extends ReportHead {
  readonly command: 'threads';
  readonly batchRecords: number;
  readonly ingests: readonly ThreadIngest[];
  readonly reads: readonly ThreadReads[];
  /** Of the engine that has rings; empty when it was not among the engines. */
  readonly handOvers: readonly HandOverRun[];
}

export type BenchReport = WorkloadReport | FlushReport | ServerReport | ScaleReport | ThreadsReport;
