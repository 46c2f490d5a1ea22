/** What a child process can be asked to do: one entry per kind, with what it takes and gives. */
import { type Arrivals, type ArrivalsRequest, runArrivals } from '../flush/arrivals.ts';
import { type Overlap, type OverlapRequest, runOverlap } from '../flush/overlap.ts';
import { runScalePoint, type ScalePoint, type ScaleRequest } from '../scale/scale-point.ts';
import { type HandOverRequest, type HandOverRun, runHandOver } from '../threads/hand-over-run.ts';
import { runThreadIngest, type ThreadIngest, type ThreadIngestRequest } from '../threads/ingest-run.ts';
import { runThreadReads, type ThreadReads, type ThreadReadsRequest } from '../threads/read-run.ts';
import { type RunRequest, type RunResult, runWorkload } from './run.ts';

export interface Tasks {
  readonly workload: { readonly request: RunRequest; readonly result: RunResult };
  readonly arrivals: { readonly request: ArrivalsRequest; readonly result: Arrivals };
  readonly overlap: { readonly request: OverlapRequest; readonly result: Overlap };
  readonly scale: { readonly request: ScaleRequest; readonly result: ScalePoint };
  readonly 'thread-ingest': { readonly request: ThreadIngestRequest; readonly result: ThreadIngest };
  readonly 'thread-reads': { readonly request: ThreadReadsRequest; readonly result: ThreadReads };
  readonly 'hand-over': { readonly request: HandOverRequest; readonly result: HandOverRun };
}

export type TaskKind = keyof Tasks;

export type Task = { [K in TaskKind]: { readonly kind: K; readonly request: Tasks[K]['request'] } }[TaskKind];

export interface TaskProgress {
  readonly records: number;
  readonly elapsedMs: number;
}

export function runTask(
  task: Task,
  report: (progress: TaskProgress) => void,
): Promise<Tasks[TaskKind]['result']> {
  switch (task.kind) {
    case 'workload':
      return runWorkload(task.request, report);
    case 'arrivals':
      return runArrivals(task.request, report);
    case 'overlap':
      return runOverlap(task.request);
    case 'scale':
      return runScalePoint(task.request, report);
    case 'thread-ingest':
      return runThreadIngest(task.request);
    case 'thread-reads':
      return runThreadReads(task.request);
    case 'hand-over':
      return runHandOver(task.request);
  }
}
