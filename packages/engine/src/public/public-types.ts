/** Public shapes of the engine that need no code of their own. Bytes parameters are borrowed during the call. */

export interface WriteOptions {
  /** Acknowledge only when the write survives a crash of the machine. Default false. */
  readonly sync?: boolean;
}

export interface ReadOptions {
  /** Read as of this snapshot instead of now. */
  readonly snapshot?: SnapshotHandle;
  /** Keep the blocks that are read in the cache. Default true. */
  readonly fillCache?: boolean;
}

/** One moment of the store, held until it is closed. */
export interface SnapshotHandle {
  readonly sequence: number;
  close(): void;
}

export type BatchOperation =
  | { readonly type: 'put'; readonly key: Uint8Array; readonly value: Uint8Array }
  | { readonly type: 'del'; readonly key: Uint8Array };

/** What `Store.clear` deletes: all keys that satisfy every bound. */
export interface ClearRange {
  readonly gt?: Uint8Array | undefined;
  readonly gte?: Uint8Array | undefined;
  readonly lt?: Uint8Array | undefined;
  readonly lte?: Uint8Array | undefined;
  /** At most so many keys, from the first on, or, with `reverse`, from the last; -1: all. Default -1. */
  readonly limit?: number | undefined;
  readonly reverse?: boolean | undefined;
}

export interface MasterRoot {
  /** 32 bytes. */
  readonly root: Uint8Array<ArrayBuffer>;
  /** The last sequence number it covers. */
  readonly sequence: number;
  readonly tables: number;
}

/** How far a verification has come. */
export interface VerifyProgress {
  readonly tablesDone: number;
  readonly tables: number;
  /** Bytes of tables that have been read, and of all. */
  readonly bytesDone: number;
  readonly bytesTotal: number;
}

export interface VerifyOptions {
  /** Ends the verification between two tables. The promise is rejected with LEVEL_ABORTED. */
  readonly signal?: AbortSignal;
  /** Called before the first table and after each. */
  readonly onProgress?: (progress: VerifyProgress) => void;
}

export interface VerifyReport {
  /** The MasterRoot; undefined when a table cannot be read. */
  readonly root: Uint8Array<ArrayBuffer> | undefined;
  readonly tables: number;
  readonly entries: number;
  readonly blocks: number;
  /** Tables that differ from what they say of themselves, or cannot be read; empty for a sound store. */
  readonly differing: readonly {
    readonly table: number;
    readonly level: number;
    readonly problems: readonly string[];
  }[];
}

export interface RotateOptions {
  /** Least free kvData of the new MemDB in bytes. Default: the write buffer size. */
  readonly minBytes?: number;
  /** Resolve when the frozen MemDB is committed, not only frozen. Default false. */
  readonly waitForFlush?: boolean;
}

/** How far a compaction of a range has come. */
export interface CompactRangeProgress {
  /** Bytes of tables that have been merged. */
  readonly bytesDone: number;
  /** Those, and what is left as far as is known now: writes that come meanwhile add to it. */
  readonly bytesPlanned: number;
}

export interface CompactRangeOptions {
  /**
   * Ends the compaction between two blocks; what it has done stays. The promise is rejected with LEVEL_ABORTED at
   * once, whatever it waits for.
   */
  readonly signal?: AbortSignal;
  /**
   * Called now and then, and at the end, when done equals planned; what is done never goes back. When it throws, the
   * compaction ends as if aborted, and the promise is rejected with what was thrown.
   */
  readonly onProgress?: (progress: CompactRangeProgress) => void;
}

export interface CheckpointOptions {
  /** Give tables a second name where the file system allows it, instead of copying them. Default true. */
  readonly link?: boolean;
  /** Gives the checkpoint up; nothing is left of it. The promise is rejected with LEVEL_ABORTED. */
  readonly signal?: AbortSignal;
  /** Called before the first table and after each. */
  readonly onProgress?: (progress: CheckpointProgress) => void;
}

/** How far a checkpoint has come, by the bytes of its tables. */
export interface CheckpointProgress {
  readonly bytesDone: number;
  readonly bytesTotal: number;
}

/** What a checkpoint is a copy of, and how it was made. */
export interface CheckpointReport {
  /** The last sequence number it covers. */
  readonly sequence: number;
  /** Its MasterRoot, 32 bytes: the store's own at that moment. */
  readonly root: Uint8Array<ArrayBuffer>;
  readonly tables: number;
  /** Bytes of its tables. */
  readonly bytes: number;
  /** Tables that are one file with the store's own, and those that were copied. */
  readonly linked: number;
  readonly copied: number;
}

/** What an open found and did; see `Store.recovery`. */
export interface RecoveryReport {
  readonly created: boolean;
  readonly groups: number;
  readonly entries: number;
  readonly tablesWritten: number;
  /** Where replay ended early, and why; what lay behind was never promised. */
  readonly tear?: { readonly file: string; readonly offset: number; readonly reason: string };
  /** Files moved to `lost/`. */
  readonly lost: readonly string[];
  /** Temporary and unlisted files removed. */
  readonly removed: readonly string[];
  /** Damage skipped under `recover: 'truncate' | 'skip'`. */
  readonly damage: readonly { readonly file: string; readonly offset: number; readonly reason: string }[];
}

/** What `destroy` did. Names are relative to the directory. */
export interface DestroyReport {
  readonly removed: readonly string[];
  /** What is not part of a store, and so is still there. */
  readonly stayed: readonly string[];
  /** Whether the directory itself is gone. */
  readonly directoryRemoved: boolean;
}

/** What `repair` found and did. Files are named as they are in the store, or were. */
export interface RepairReport {
  /**
   * Whether the tables kept their levels, by a manifest that can be trusted. Otherwise all of them are in level 0 now,
   * their numbers ascending with their age.
   */
  readonly levelsKept: boolean;
  /** False when tables contradict each other about their age; then LevelDB may find an older value of some keys. */
  readonly ageIsCertain: boolean;
  readonly lastSequence: number;
  /** Entries in tables now, older versions and tombstones included. */
  readonly entries: number;
  /** Tables that are whole and bear their old name. */
  readonly kept: readonly string[];
  /** Tables that are whole and bear another number now. */
  readonly renamed: readonly { readonly from: string; readonly to: string }[];
  /** Tables whose readable entries are in a new table now. */
  readonly rewritten: readonly { readonly from: string; readonly to: string; readonly entries: number }[];
  /** Tables of which no entry can be read. */
  readonly unreadable: readonly string[];
  /** Tables that the manifest lists and that are not there: nothing can be recovered of them. */
  readonly missing: readonly string[];
  /** Journals that were replayed into new tables. */
  readonly journals: readonly { readonly file: string; readonly entries: number }[];
  /** Files moved to `lost/`: what is unusable, not needed any more, or replaced. */
  readonly lost: readonly string[];
  /** What could not be read, or had to be made anew, and where. */
  readonly damage: readonly FileProblem[];
}

/** How far a repair has come, by the bytes of the tables and journals that it has read. */
export interface RepairProgress {
  readonly bytesDone: number;
  readonly bytesTotal: number;
}

export interface FileProblem {
  readonly file: string;
  readonly offset?: number;
  readonly reason: string;
}
