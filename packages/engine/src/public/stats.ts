import type { StallReason } from '../events/events.ts';

export interface StallStats {
  readonly count: number;
  readonly totalMs: number;
  readonly maxMs: number;
}

/** What the store has done since it was opened, and how it stands now. */
export interface StoreStats {
  readonly writes: {
    /** Entries and bytes of batch records taken in. */
    readonly entries: number;
    readonly bytes: number;
    /** Journal records: groups that were written together. */
    readonly groups: number;
    readonly journalBytes: number;
    /** fdatasync calls on journals. */
    readonly journalSyncs: number;
    readonly pendingBytes: number;
  };
  readonly stalls: Readonly<Record<StallReason, StallStats>>;
  readonly rotations: { readonly count: number; readonly totalMs: number; readonly maxMs: number };
  readonly flushes: {
    readonly count: number;
    readonly failed: number;
    readonly entries: number;
    readonly dropped: number;
    readonly bytes: number;
    /** Time from request to answer, and the parts of it that the builder measured. */
    readonly totalMs: number;
    readonly sortMs: number;
    readonly buildMs: number;
    readonly syncMs: number;
    readonly cpuMs: number;
  };
  readonly memtables: {
    readonly active: number;
    readonly frozen: number;
    readonly entries: number;
    readonly bytes: number;
  };
  readonly arenas: {
    readonly inUse: number;
    readonly idle: number;
    readonly preparing: number;
    readonly bytes: number;
  };
  /** Tables and bytes of each level. */
  readonly levels: readonly { readonly tables: number; readonly bytes: number }[];
  readonly blockCache: { readonly bytes: number; readonly hits: number; readonly misses: number };
  readonly openTables: number;
  readonly lastSequence: number;
  readonly snapshots: number;
  readonly iterators: number;
}
