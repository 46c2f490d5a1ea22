/** What a thread of a run is asked to do with a store, and what it tells. */
import type { MessagePort } from 'node:worker_threads';
import type { EngineSetup } from '../engines/engine.ts';
import type { DatasetShape } from '../workloads/dataset.ts';

/** Parses lines and writes them in batches. */
export interface ProduceJob {
  readonly kind: 'produce';
  readonly text: SharedArrayBuffer;
  readonly from: number;
  readonly to: number;
  readonly batchRecords: number;
}

/** Reads records at random until the word `stop` is another than it was at the end of the warm-up. */
export interface ReadJob {
  readonly kind: 'read';
  readonly shape: DatasetShape;
  readonly records: number;
  readonly seed: number;
  readonly stop: SharedArrayBuffer;
}

/** Computes, without the store, until the word `stop` changes. */
export interface ComputeJob {
  readonly kind: 'compute';
  readonly stop: SharedArrayBuffer;
}

/** Hands batches over, to the store and by message to `port`, whose other end answers each when it is written. */
export interface HandOverJob {
  readonly kind: 'hand-over';
  readonly shape: DatasetShape;
  readonly cases: readonly HandOverCase[];
  /** How long each case takes. */
  readonly caseMs: number;
  readonly port: MessagePort;
}

/**
 * `ring`: `batch()` of the attached store. `message`: `postMessage` of the operations, which the owner writes.
 * `packed`: the same with all keys and values copied into one buffer, which is transferred.
 */
export type Transport = 'ring' | 'message' | 'packed';

export interface HandOverCase {
  readonly transport: Transport;
  /** Of a batch. */
  readonly entries: number;
  /** Batches on their way at a time; 1: each is awaited. */
  readonly inFlight: number;
}

export interface HandOver extends HandOverCase {
  readonly batches: number;
  /** Median of how long the thread is kept from the call to the end of what follows in its turn. */
  readonly callUs: number;
  /** CPU of the thread per batch, until its answer has been taken in. */
  readonly cpuUs: number;
  readonly checked: number;
}

export interface Produced {
  readonly records: number;
}

export interface Reads {
  readonly reads: number;
  readonly elapsedMs: number;
  /** Values that were compared as a whole; all were looked for. */
  readonly checked: number;
}

export interface Computed {
  readonly turns: number;
  /** What it came to: a result that nobody has is not computed. */
  readonly word: number;
}

export interface Jobs {
  readonly produce: { readonly job: ProduceJob; readonly result: Produced };
  readonly read: { readonly job: ReadJob; readonly result: Reads };
  readonly compute: { readonly job: ComputeJob; readonly result: Computed };
  readonly 'hand-over': { readonly job: HandOverJob; readonly result: readonly HandOver[] };
}

export type JobKind = keyof Jobs;
export type Job = Jobs[JobKind]['job'];

/** What a job is once it has its store. */
export interface Work<Result> {
  /** Not part of what is measured. */
  warmUp(): Promise<void>;
  run(): Promise<Result>;
}

/** `workerData` of a thread. */
export interface ThreadStart {
  readonly engine: string;
  readonly setup: EngineSetup;
  readonly pass: unknown;
  readonly job: Job;
}

/** `go`: do the work once and tell the result. `end`: close the store and end, without a word. */
export type Order = 'warm-up' | 'go' | 'end';
/** `warm` without an order: the thread has its store and is warm for the first time. */
export type Told =
  | { readonly kind: 'warm' }
  | { readonly kind: 'result'; readonly result: Jobs[JobKind]['result'] };
