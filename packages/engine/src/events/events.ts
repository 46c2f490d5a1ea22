import type { FlushTimings } from '@arena-level/common/protocol/flush-protocol';

/**
 * What the engine tells about itself, in the order in which it happens. Listeners run after the step they hear of,
 * never inside it: they may call any method of the store.
 */
export interface StoreEvents {
  /** A rotation: the old MemDB is frozen, the new one has its journal and takes writes. */
  'journal-created': { readonly journal: number };
  'memtable-frozen': {
    readonly reason: RotationReason;
    readonly journal: number;
    readonly lastSequence: number;
    readonly entries: number;
    readonly bytes: number;
  };
  'memtable-installed': {
    readonly journal: number;
    readonly capacityBytes: number;
    readonly durationMs: number;
  };
  /** There was no memory for the next MemDB, or no journal: nothing has changed, the write that needed it is refused. */
  'rotation-failed': {
    readonly reason: RotationReason;
    readonly journal: number;
    readonly entries: number;
    readonly bytes: number;
    readonly error: Error;
  };

  'flush-started': {
    readonly journal: number;
    /** Of building the table; the same again where only the commit is repeated. */
    readonly attempt: number;
    readonly where: FlushPlace;
    /** What is in the MemDB. */
    readonly entries: number;
    readonly bytes: number;
  };
  'table-built': {
    readonly journal: number;
    readonly sizeBytes: number;
    readonly entries: number;
    readonly dropped: number;
    readonly root: string;
    readonly timings: FlushTimings;
  };
  'flush-failed': {
    readonly journal: number;
    readonly attempt: number;
    readonly error: Error;
    readonly retryInMs: number;
  };

  /** The memtable is in the version, as a table or, when it was empty, without one. */
  'flush-finished': {
    readonly journal: number;
    readonly attempt: number;
    /** Undefined when the memtable was empty. */
    readonly table: number | undefined;
    readonly sizeBytes: number;
    readonly entries: number;
    readonly dropped: number;
    /** From the beginning of the last build to the end of the commit. */
    readonly durationMs: number;
  };

  'table-renamed': { readonly journal: number; readonly table: number };
  'directory-synced': { readonly table: number };
  'edit-appended': { readonly manifest: number; readonly bytes: number };
  'manifest-synced': { readonly manifest: number };
  /** A whole new manifest is in force. */
  'manifest-switched': { readonly manifest: number };
  'version-installed': { readonly tables: number; readonly lastSequence: number };
  'memtable-dropped': { readonly journal: number };
  'journal-removed': { readonly journal: number };
  /** Tables are being merged into the next level, or, one that nothing overlaps, moved there. */
  'compaction-started': {
    readonly reason: CompactionReason;
    readonly level: number;
    readonly outputLevel: number;
    readonly tables: number;
    /** Their file numbers: those of the level, then those of the output level. */
    readonly inputs: readonly number[];
    readonly bytes: number;
    /** Threads that share the work. */
    readonly parts: number;
    /** The table changes its level as it is. */
    readonly moves: boolean;
  };
  /** An output has its final name. */
  'table-compacted': { readonly level: number; readonly table: number };
  'compaction-finished': {
    readonly reason: CompactionReason;
    readonly level: number;
    readonly outputLevel: number;
    readonly tables: number;
    readonly bytesRead: number;
    readonly bytesWritten: number;
    readonly entries: number;
    readonly dropped: number;
    readonly durationMs: number;
    readonly pausedMs: number;
  };
  'compaction-failed': {
    readonly level: number;
    readonly outputLevel: number;
    readonly error: Error;
    readonly retryInMs: number;
  };
  /** What is merged does not count any more: a blocking call does the work itself, the range was given up, or the store closes. */
  'compaction-superseded': {
    readonly reason: CompactionReason;
    readonly level: number;
    readonly outputLevel: number;
  };
  /** No version has the table any more: its file is gone. */
  'table-removed': { readonly table: number };

  /** Keys are being deleted: all of the store, or those of a range or up to a limit. */
  'clear-started': { readonly call: number; readonly reason: ClearReason };
  'clear-failed': {
    readonly call: number;
    readonly reason: ClearReason;
    readonly error: Error;
    readonly durationMs: number;
  };
  /** `clear` has ended: it dropped so many tables unread and wrote so many tombstones. */
  'range-cleared': {
    readonly call: number;
    readonly reason: ClearReason;
    readonly tables: number;
    readonly bytes: number;
    readonly tombstones: number;
    readonly durationMs: number;
  };

  /** `ingest` has begun. */
  'ingest-started': { readonly call: number; readonly threads: number };
  /** A table that an ingest built has its final name. */
  'table-ingested': { readonly call: number; readonly level: number; readonly table: number };
  /** Nothing of it is stored when it was to be stored by tables, what the error says when by batches. */
  'ingest-failed': { readonly call: number; readonly error: Error; readonly durationMs: number };
  'ingest-finished': {
    readonly call: number;
    readonly path: IngestPath;
    readonly entries: number;
    /** Of keys and values. */
    readonly bytes: number;
    /** 0 where it was stored by batches. */
    readonly tables: number;
    readonly durationMs: number;
  };

  /** A file that is not needed any more could not be removed, or the roots file or `LOG` could not be written: no harm done. */
  'cleanup-failed': { readonly file: string; readonly error: Error };
  'master-root-renewed': { readonly root: string; readonly sequence: number; readonly tables: number };

  'stall-begin': { readonly reason: StallReason };
  'stall-end': { readonly reason: StallReason; readonly durationMs: number };

  /**
   * `attach` was called in another thread. `thread` is its `threadId`, `slot` the number of the handle: that of a thread that has
   * left is used again.
   */
  'thread-attached': { readonly thread: number; readonly slot: number; readonly name: string };
  /** It has closed its attached store, or has ended without. */
  'thread-left': {
    readonly thread: number;
    readonly slot: number;
    readonly name: string;
    readonly wasClosed: boolean;
  };
  /** It kept old data alive and took no part for so long: what it held is let go. */
  'thread-revoked': {
    readonly thread: number;
    readonly slot: number;
    readonly name: string;
    readonly silentMs: number;
    readonly snapshots: number;
    /** Old views that only it held. */
    readonly views: number;
  };

  /** Writes have failed or stopped; reads go on. */
  'writes-stopped': { readonly error: Error };
  'healing-started': { readonly error: Error };
  healed: { readonly durationMs: number };
  closed: { readonly location: string };
}

/** Why a MemDB is frozen: a write does not fit, it was asked for (`flush`, `rotateMemtable`, `checkpoint`, …), its journal failed. */
export type RotationReason = 'full' | 'asked' | 'healing';

export type ClearReason = 'all' | 'range';

/** How an ingest stored its entries: as tables that its threads built, or as batches, like other writes. */
export type IngestPath = 'tables' | 'batches';

/** Where a flush is done; `commit`: the table is there, and its commit is tried again. */
export type FlushPlace = 'worker' | 'inline' | 'commit';

/**
 * Why writers wait: all frozen slots taken, the journal being healed, a journal write in the pool, level 0 above its
 * slowdown trigger, level 0 at its pause trigger, an ingest that puts its tables in.
 */
export type StallReason =
  | 'frozen-memtables'
  | 'healing'
  | 'slow-journal'
  | 'level0-slowdown'
  | 'level0-pause'
  | 'bulk-commit';

/** Why tables are compacted: level 0 has too many, another level too many bytes, reads look into one in vain, it was asked for. */
export type CompactionReason = 'level0' | 'size' | 'seek' | 'range';

export type StoreEventName = keyof StoreEvents;

/** Each event once; the type sees to it that none is missing. */
const STORE_EVENTS: Readonly<Record<StoreEventName, true>> = {
  'journal-created': true,
  'memtable-frozen': true,
  'memtable-installed': true,
  'rotation-failed': true,
  'flush-started': true,
  'table-built': true,
  'flush-failed': true,
  'flush-finished': true,
  'table-renamed': true,
  'directory-synced': true,
  'edit-appended': true,
  'manifest-synced': true,
  'manifest-switched': true,
  'version-installed': true,
  'memtable-dropped': true,
  'journal-removed': true,
  'compaction-started': true,
  'table-compacted': true,
  'compaction-finished': true,
  'compaction-failed': true,
  'compaction-superseded': true,
  'table-removed': true,
  'clear-started': true,
  'clear-failed': true,
  'range-cleared': true,
  'ingest-started': true,
  'table-ingested': true,
  'ingest-failed': true,
  'ingest-finished': true,
  'cleanup-failed': true,
  'master-root-renewed': true,
  'stall-begin': true,
  'stall-end': true,
  'thread-attached': true,
  'thread-left': true,
  'thread-revoked': true,
  'writes-stopped': true,
  'healing-started': true,
  healed: true,
  closed: true,
};

export const STORE_EVENT_NAMES: readonly StoreEventName[] = Object.keys(STORE_EVENTS) as StoreEventName[];

export function isStoreEvent(name: unknown): name is StoreEventName {
  return typeof name === 'string' && Object.hasOwn(STORE_EVENTS, name);
}
