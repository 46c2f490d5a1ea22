/** The face that every engine wears in the benchmark. Each adapter calls its engine in the way that is fastest for it. */
import type { MessagePort } from 'node:worker_threads';

export interface PutOperation {
  readonly type: 'put';
  readonly key: Buffer;
  readonly value: Buffer;
}

export type Operation = PutOperation | { readonly type: 'del'; readonly key: Buffer };

/** Equal for all engines of a run; each says in `configuration` what it made of it. */
export interface EngineSetup {
  /** A directory that may not be there yet. */
  readonly location: string;
  readonly writeBufferBytes: number;
  readonly cacheBytes: number;
  /** Every write survives a crash of the machine before it is acknowledged; false: it has reached the page cache. */
  readonly sync: boolean;
  /** Other threads of the process will use the store, too. Default false. */
  readonly threads?: boolean;
}

export interface ScanRange {
  /** Where to begin: the first key at or behind it, or, with `reverse`, the last one at or before it. */
  readonly from?: Buffer;
  readonly reverse?: boolean;
  readonly limit?: number;
}

/** Keys and values that are handed in may be changed when the promise has resolved, and not before. */
export interface BenchStore {
  put(key: Buffer, value: Buffer): Promise<unknown>;
  del(key: Buffer): Promise<unknown>;
  batch(operations: readonly Operation[]): Promise<unknown>;
  get(key: Buffer): Promise<Uint8Array | undefined>;
  /** Undefined where the engine reads asynchronously only. */
  readonly getSync: ((key: Buffer) => Uint8Array | undefined) | undefined;
  scan(range: ScanRange, visit: (key: Uint8Array, value: Uint8Array) => void): Promise<void>;
  /**
   * Resolves when the engine has paid for what was written as far as it can be asked to: all in tables, level 0
   * below its compaction trigger.
   */
  settle(): Promise<unknown>;
  facts(): StoreFacts;
  /** What the engine does in the background, as it ends; undefined where it does not tell. */
  readonly watch: ((onMark: (mark: Mark) => void) => void) | undefined;
  /** What one more thread is to be given for `attach`; missing where it needs the location only. */
  readonly pass?: () => ThreadPass;
  close(): Promise<unknown>;
}

/** A message to a thread. */
export interface ThreadPass {
  readonly value: unknown;
  readonly transfer: readonly MessagePort[];
}

/** What a thread does with a store that another one has open; as `BenchStore` has it. */
export interface ThreadStore {
  batch(operations: readonly Operation[]): Promise<unknown>;
  getSync(key: Buffer): Uint8Array | undefined;
  close(): Promise<unknown>;
}

export type MarkKind = 'rotation' | 'flush' | 'compaction' | 'stall';

export interface Mark {
  readonly kind: MarkKind;
  /** As `performance.now()` has it. */
  readonly startMs: number;
  readonly durationMs: number;
  /** Of a stall: its reason; of a compaction: its levels. */
  readonly label: string;
}

export interface Pauses {
  readonly count: number;
  readonly totalMs: number;
  readonly maxMs: number;
}

/** What the engine says of itself; a field is missing where it does not tell. */
export interface StoreFacts {
  /** Bytes written to tables per byte flushed. */
  readonly writeAmplification?: number;
  /** Writers held up, by reason; reasons that did not occur are left out. */
  readonly stalls?: Readonly<Record<string, Pauses>>;
  /** How long rotations held the main thread. */
  readonly rotations?: Pauses;
  /** Shared memory of MemDBs. */
  readonly arenaBytes?: number;
  readonly flushes?: {
    readonly count: number;
    readonly totalMs: number;
    readonly cpuMs: number;
    readonly bytes: number;
  };
}

export interface LoadedEngine {
  readonly version: string;
  /** What the engine was told, for the report: names and values as its own documentation has them. */
  configuration(setup: EngineSetup): Readonly<Record<string, unknown>>;
  open(setup: EngineSetup): Promise<BenchStore>;
}

export interface Engine {
  readonly name: string;
  readonly kind: 'own' | 'peer';
  /** What to know before comparing it. */
  readonly note: string;
  /** What it has no way to do, in words: blocking gets; being there again after a close. */
  readonly lacks?: { readonly sync?: string; readonly disk?: string };
  /**
   * In another thread: the store that one has open with `threads`; `pass` is the value that its `pass()` gave. Missing where
   * threads cannot share a store.
   */
  readonly attach?: (setup: EngineSetup, pass: unknown) => Promise<ThreadStore>;
  /** A string says why it cannot take part. */
  load(): Promise<LoadedEngine | string>;
}
