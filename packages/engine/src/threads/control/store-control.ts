/**
 * What a thread asks of the thread that has the store open: the rare things, that are done there. They go through a port of
 * their own as comlink calls; each side exposes its half of them. Failures come as values, since comlink would keep no more
 * of an error than its message.
 */
import { fromWireError, toWireError, type WireError } from '@arena-level/common/protocol/wire-error';
import type {
  CheckpointOptions,
  CheckpointReport,
  ClearRange,
  CompactRangeOptions,
  MasterRoot,
  VerifyOptions,
  VerifyReport,
  WriteOptions,
} from '../../public/public-types.ts';
import type { StoreStats } from '../../public/stats.ts';

/**
 * The methods of the `Store`, called from a thread that is attached to it; the owner does the work. Arguments, options, results
 * and errors are those of the store, `code`, `file` and `offset` included. `onProgress` is called in this thread; what it throws
 * ends the call, as a `signal` does.
 *
 * All reject with LEVEL_DATABASE_NOT_OPEN when the store is closed, the attached store is, or the owner's thread has ended, also
 * while they wait. A thread that ends, or detaches, gives up what it asked for, as if aborted; a flush goes on.
 *
 * A call that is waited for keeps the thread alive.
 */
export interface StoreControl {
  /** What this thread has issued before comes with it: so do `compactRange`, `checkpoint` and `close`. */
  flush(): Promise<void>;
  compactRange(start?: Uint8Array, end?: Uint8Array, options?: CompactRangeOptions): Promise<void>;
  checkpoint(directory: string, options?: CheckpointOptions): Promise<CheckpointReport>;
  stats(): Promise<StoreStats>;
  masterRoot(): Promise<MasterRoot>;
  verify(options?: VerifyOptions): Promise<VerifyReport>;
  /** Closes the store itself, for its owner and all threads. To detach this thread alone: `close` of the attached store. */
  close(): Promise<void>;
}

/** What the calls come to. */
export interface ControlTarget {
  readonly store: Omit<StoreControl, 'stats' | 'close'> & {
    stats(): StoreStats;
    clear(range: ClearRange, options: WriteOptions): Promise<void>;
  };
  /** Closes the store, or the database over it. */
  readonly close: () => Promise<void>;
}

export type Outcome<T> =
  | { readonly isDone: true; readonly result: T }
  | { readonly isDone: false; readonly error: WireError };

/** A call that may take long. Numbers are the thread's. */
export interface LongCall {
  readonly number: number;
  readonly wantsProgress: boolean;
}

/** Exposed by the owner. */
export interface OwnerCalls {
  flush(): Promise<Outcome<void>>;
  compactRange(
    call: LongCall,
    start: Uint8Array | undefined,
    end: Uint8Array | undefined,
  ): Promise<Outcome<void>>;
  checkpoint(
    call: LongCall,
    directory: string,
    link: boolean | undefined,
  ): Promise<Outcome<CheckpointReport>>;
  stats(): Promise<Outcome<StoreStats>>;
  masterRoot(): Promise<Outcome<MasterRoot>>;
  verify(call: LongCall): Promise<Outcome<VerifyReport>>;
  close(): Promise<Outcome<void>>;
  /** For `clear` of the attached store, which a `StoreControl` does not have. */
  clear(range: ClearRange, sync: boolean): Promise<Outcome<void>>;
  /** Aborts the call with this number, if it is under way. */
  abort(number: number): void;
}

/** Exposed by the thread. */
export interface ThreadCalls {
  /** Posted before the outcome of the call it belongs to, and so heard before it. */
  progress(number: number, progress: unknown): void;
}

export async function outcomeOf<T>(call: () => T | Promise<T>): Promise<Outcome<T>> {
  try {
    return { isDone: true, result: await call() };
  } catch (error) {
    return { isDone: false, error: toWireError(error) };
  }
}

/** The result, or throws the error. */
export function resultOf<T>(outcome: Outcome<T>): T {
  if (outcome.isDone) return outcome.result;
  throw fromWireError(outcome.error);
}
