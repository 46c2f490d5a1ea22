import type { StorageSpec } from '../storage/storage-spec.ts';
import type { TableOptions, TableSummary } from '../table/table-options.ts';
import type { WireError } from './wire-error.ts';

/** A table to merge, as the manifest states it. */
export interface InputTable {
  readonly number: number;
  /** Bytes of the file. */
  readonly size: number;
  /** First and last internal key. */
  readonly smallest: Uint8Array;
  readonly largest: Uint8Array;
  /** It still has its temporary name: no version lists it. */
  readonly isTemporary?: boolean;
}

/** User keys from `smallest` to `largest`, both included. */
export interface UserKeyRange {
  readonly smallest: Uint8Array;
  readonly largest: Uint8Array;
}

export interface SizedKeyRange extends UserKeyRange {
  /** Bytes of the table. */
  readonly size: number;
}

/** Tables to merge into others, one level deeper. Plain data and shared memory: nothing else crosses. */
export interface CompactionJob {
  /** Each run is ordered and free of overlaps; newest first: a table of level 0 each, or the tables of a level. */
  readonly runs: readonly (readonly InputTable[])[];
  /** User keys to merge: from `begin`, included, to `end`, not included. Absent: unbounded. */
  readonly begin?: Uint8Array;
  readonly end?: Uint8Array;
  /** By level, ordered: all tables deeper than the output that may hold older versions. A tombstone above one is kept. */
  readonly below: readonly (readonly UserKeyRange[])[];
  /** Ordered: the tables that later compactions of the outputs will meet. An output overlaps at most so many bytes of them. */
  readonly grandparents: readonly SizedKeyRange[];
  readonly maxGrandparentBytes: number;
  /** Versions that a newer one at or below this sequence number shadows are dropped, and tombstones nothing lies below. */
  readonly dropHorizon: number;
  /** An output ends at the first user key behind this many bytes. */
  readonly maxTableBytes: number;
  /** Numbers of temporary files that are this job's: [first, first + count). With the last one, outputs are cut no more. */
  readonly tempNumbers: { readonly first: number; readonly count: number };
  readonly options: TableOptions;
  /** See `compaction-control.ts`. */
  readonly control: SharedArrayBuffer;
  readonly progress: SharedArrayBuffer;
}

export interface CompactRequest extends CompactionJob {
  readonly task: 'compact';
  readonly protocolVersion: number;
  readonly storage: StorageSpec;
}

export interface CompactionTimings {
  /** Milliseconds: merging and writing, pauses not counted; pauses; syncs of the outputs. */
  readonly mergeMs: number;
  readonly pausedMs: number;
  readonly syncMs: number;
  /** CPU of the thread in the whole task; 0 where Node cannot tell. */
  readonly cpuMs: number;
}

/** An output: complete and synced under its temporary name. */
export interface CompactedTable {
  readonly tempNumber: number;
  readonly table: TableSummary;
}

export type CompactResponse =
  | {
      readonly kind: 'compacted';
      /** Ordered by key; none when every entry was dropped. */
      readonly tables: readonly CompactedTable[];
      /** Entries read: those of the outputs and those dropped. */
      readonly entries: number;
      readonly dropped: number;
      /** Stored bytes of the data blocks that were read. */
      readonly bytesRead: number;
      /** Blocks that were taken over as they are stored. */
      readonly blocksCopied: number;
      readonly timings: CompactionTimings;
    }
  | { readonly kind: 'cancelled' }
  | { readonly kind: 'failed'; readonly error: WireError };
