/** What a child process can be asked to do: one entry per kind, with what it takes and gives. */
import { type Arrivals, type ArrivalsRequest, runArrivals } from '../flush/arrivals.ts';
import { type Overlap, type OverlapRequest, runOverlap } from '../flush/overlap.ts';
import { runScalePoint, type ScalePoint, type ScaleRequest } from '../scale/scale-point.ts';
import { type RunRequest, type RunResult, runWorkload } from './run.ts';

export interface Tasks {
  readonly workload: { readonly request: RunRequest; readonly result: RunResult };
  readonly arrivals: { readonly request: ArrivalsRequest; readonly result: Arrivals };
  readonly overlap: { readonly request: OverlapRequest; readonly result: Overlap };
  readonly scale: { readonly request: ScaleRequest; readonly result: ScalePoint };
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
  }
}
