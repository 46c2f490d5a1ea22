import type { StallReason } from '../events/events.ts';

export interface StallStats {
  readonly count: number;
  readonly totalMs: number;
  readonly maxMs: number;
}

/** How often something was found at hand, and how often not. */
export interface HitStats {
  readonly hits: number;
  readonly misses: number;
  /** Hits of all, 0 to 1; 0 before anything was asked for. */
  readonly hitRate: number;
}

/** What compactions that wrote to a level have done. */
export interface CompactionLevelStats {
  readonly compactions: number;
  /** Tables that came from the level above as they were. */
  readonly moves: number;
  /** Bytes of the tables that went in, and of those that came out. */
  readonly bytesRead: number;
  readonly bytesWritten: number;
  /** The part of the bytes read that came from the level above; the rest was there already. */
  readonly bytesFromAbove: number;
  /** Entries read, and those of them that nobody could ask for any more. */
  readonly entries: number;
  readonly dropped: number;
  /** Blocks that were taken over as they are stored. */
  readonly blocksCopied: number;
  /** From begin to commit, and the part of it in which flushes had the cores. */
  readonly busyMs: number;
  readonly pausedMs: number;
}

/** A level as it stands, and what compactions have done to make it. */
export interface LevelStats extends CompactionLevelStats {
  readonly tables: number;
  readonly bytes: number;
  /** Bytes that compactions wrote to the level per byte that came from the level above; 1 before there was any. */
  readonly writeAmplification: number;
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
    /** How long the oldest frozen MemDB has waited for its commit; 0 without one. */
    readonly oldestMs: number;
    /** Why flushing does not get on; undefined while it does, or while a first failure is being repeated. */
    readonly failure: string | undefined;
  };
  /** Calls of `clear`; tables that it dropped unread, and their bytes; tombstones that it wrote. */
  readonly clears: {
    readonly count: number;
    readonly tables: number;
    readonly bytes: number;
    readonly tombstones: number;
  };
  /** Ingests that were done, and that failed; entries and their bytes of those done; tables that they put in. */
  readonly ingests: {
    readonly count: number;
    readonly failed: number;
    readonly entries: number;
    readonly bytes: number;
    readonly tables: number;
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
  readonly levels: readonly LevelStats[];
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
  /** Where flushes, compactions and verifications run. */
  readonly workers: {
    readonly kind: 'worker' | 'inline';
    /** Tasks on a thread, and in the queue before it. */
    readonly running: number;
    readonly waiting: number;
    /** Tasks that have ended, and those of them whose thread did not answer as agreed. */
    readonly completed: number;
    readonly crashed: number;
  };
  /** What the thread that has the store open asked for: found in memory, shared or not, or read. `bytes`: of what is not shared. */
  readonly blockCache: { readonly bytes: number } & HitStats;
  /** What the threads of the store share, asked by all of them. */
  readonly sharedCache: { readonly bytes: number; readonly blocks: number } & HitStats;
  /** Asked for tables: open already, or opened. */
  readonly tableCache: HitStats;
  readonly openTables: number;
  readonly lastSequence: number;
  /** Open snapshots, those of attached threads included. */
  readonly snapshots: number;
  readonly iterators: number;
  /** Other threads that use the store. */
  readonly threads: {
    /** Handles of `share()` whose thread, or port, has not ended; and those of them that are attached. */
    readonly handles: number;
    readonly attached: number;
    /** Read views that are kept only for threads that have not moved on. */
    readonly heldViews: number;
    /** How often a thread was given up. */
    readonly revoked: number;
    /**
     * Memory, shared by all of them, of the lists of tables and arenas and of the words by which threads say what they hold. Apart
     * from `arenas` and their budget, as that of `rings` is.
     */
    readonly sharedBytes: number;
  };
  /** Through which attached threads write, each with a ring of its own. */
  readonly rings: {
    readonly count: number;
    /** Memory of all of them: what `ringSize` of `share` says for each. */
    readonly memoryBytes: number;
    /** Bytes in rings that the owner has not taken. Near `memoryBytes` their threads wait for room. */
    readonly waitingBytes: number;
    /** Batch records that it has taken and not written yet. */
    readonly unwrittenBytes: number;
    /** Taken since the store was opened: frames, each of which is what a thread sent together, their entries, and bytes of records. */
    readonly frames: number;
    readonly entries: number;
    readonly bytes: number;
  };
}
