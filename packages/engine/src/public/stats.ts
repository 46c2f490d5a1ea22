import type { StallReason } from '../events/events.ts';

export interface StallStats {
  readonly count: number;
  readonly totalMs: number;
  readonly maxMs: number;
}

/** What compactions that wrote to a level have done. */
export interface CompactionLevelStats {
  readonly compactions: number;
  /** Tables that came from the level above as they were. */
  readonly moves: number;
  /** Bytes of the tables that went in, and of those that came out. */
  readonly bytesRead: number;
  readonly bytesWritten: number;
  /** Entries read, and those of them that nobody could ask for any more. */
  readonly entries: number;
  readonly dropped: number;
  /** Blocks that were taken over as they are stored. */
  readonly blocksCopied: number;
  /** From begin to commit, and the part of it in which flushes had the cores. */
  readonly busyMs: number;
  readonly pausedMs: number;
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
  /** Tables and bytes of each level, and what compactions have done to make it. */
  readonly levels: readonly ({ readonly tables: number; readonly bytes: number } & CompactionLevelStats)[];
  readonly compactions: {
    readonly failed: number;
    /** How often one was paused for a flush, by all stores of this thread. */
    readonly pauses: number;
    /** The one under way. */
    readonly bytesDone: number;
    readonly bytesPlanned: number;
  };
  /** Bytes written to tables per byte that flushes wrote; 1 until something was compacted. */
  readonly writeAmplification: number;
  /** From 0, writers may go on, to 1, they wait: for producers that can slow down by themselves. */
  readonly pressure: number;
  readonly blockCache: { readonly bytes: number; readonly hits: number; readonly misses: number };
  readonly openTables: number;
  readonly lastSequence: number;
  readonly snapshots: number;
  readonly iterators: number;
}
