import type { StorageSpec } from '../storage/storage-spec.ts';
import type { TableOptions, TableSummary } from '../table/table-options.ts';
import type { CompactRequest, CompactResponse } from './compaction-protocol.ts';
import type { IngestRequest, IngestResponse } from './ingest-protocol.ts';
import type { WireError } from './wire-error.ts';

/** Grows with every change of the messages below; a worker of another version refuses the task. */
export const FLUSH_PROTOCOL_VERSION = 5;

/** A table to build from a frozen arena. Plain data and the shared memory itself: nothing is copied. */
export interface FlushJob {
  readonly arena: SharedArrayBuffer;
  /** What the arena must say of itself before the first read and, the generation, after the last. */
  readonly generation: number;
  readonly entries: number;
  /** Number of the temporary file to write. */
  readonly tempNumber: number;
  /** Versions that a newer one at or below this sequence number shadows are left out. */
  readonly dropHorizon: number;
  readonly options: TableOptions;
}

export interface FlushRequest extends FlushJob {
  readonly task: 'flush';
  readonly protocolVersion: number;
  readonly storage: StorageSpec;
}

export interface FlushTimings {
  /** Milliseconds: putting the entries in order, building and writing, syncing. */
  readonly sortMs: number;
  readonly buildMs: number;
  readonly syncMs: number;
  /** CPU of the thread in the whole task; 0 where Node cannot tell (no `process.threadCpuUsage`). */
  readonly cpuMs: number;
}

export type FlushResponse =
  | {
      readonly kind: 'built';
      readonly table: TableSummary;
      /** Entries left out: table.entries + dropped = entries of the request. */
      readonly dropped: number;
      readonly timings: FlushTimings;
    }
  | { readonly kind: 'empty' }
  | { readonly kind: 'cancelled' }
  | { readonly kind: 'failed'; readonly error: WireError };

/** A table whose root is recomputed from its data blocks, and its index, filter, bounds and order checked against them. */
export interface VerifyJob {
  readonly tableNumber: number;
  /** Size by the manifest. */
  readonly size: number;
  /** Bounds by the manifest: internal keys. */
  readonly smallest: Uint8Array;
  readonly largest: Uint8Array;
}

export interface VerifyRequest extends VerifyJob {
  readonly task: 'verify';
  readonly protocolVersion: number;
  readonly storage: StorageSpec;
}

export type VerifyResponse =
  | {
      readonly kind: 'verified';
      /** Computed from the data blocks. */
      readonly root: Uint8Array<ArrayBuffer>;
      /** As the table's meta block states it; undefined in a table that another implementation wrote. */
      readonly storedRoot: Uint8Array<ArrayBuffer> | undefined;
      readonly entries: number;
      readonly blocks: number;
      /** What does not fit together, in words with offsets; empty for a sound table. */
      readonly problems: readonly string[];
    }
  | { readonly kind: 'failed'; readonly error: WireError };

/** Clear an arena that comes back to the pool or touch the pages of a new one; or only touch one that is being filled. */
export interface PrepareRequest {
  readonly task: 'prepare' | 'touch';
  readonly protocolVersion: number;
  readonly arena: SharedArrayBuffer;
}

export type PrepareResponse =
  | { readonly kind: 'prepared' }
  | { readonly kind: 'failed'; readonly error: WireError };

/** Tasks that run to their end in one go. */
export type StoreRequest = FlushRequest | VerifyRequest | PrepareRequest | CompactRequest;
export type StoreResponse = FlushResponse | VerifyResponse | PrepareResponse | CompactResponse;

export type WorkerRequest = StoreRequest | IngestRequest;
export type WorkerResponse = StoreResponse | IngestResponse;
