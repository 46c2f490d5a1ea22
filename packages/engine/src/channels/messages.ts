/**
 * What the channels of `node:diagnostics_channel` carry. Each of them tells of the beginning and the end of something;
 * messages that belong together have the same `id`. Subscribe by name:
 *
 *     subscribe('arena-level:flush', (message) => { const flush = message as FlushMessage; … });
 */
import type {
  ClearReason,
  CompactionReason,
  FlushPlace,
  IngestPath,
  RotationReason,
  StallReason,
} from '../events/events.ts';
import type { RecoveryReport } from '../public/public-types.ts';

/** The channels, and what each of them carries. */
export interface ChannelMessages {
  'arena-level:open': OpenMessage;
  'arena-level:rotation': RotationMessage;
  'arena-level:flush': FlushMessage;
  'arena-level:compaction': CompactionMessage;
  'arena-level:clear': ClearMessage;
  'arena-level:ingest': IngestMessage;
  'arena-level:thread': AttachmentMessage;
  'arena-level:stall': StallMessage;
  'arena-level:error': ErrorMessage;
}
export type ChannelName = keyof ChannelMessages;

interface Message<Reason> {
  /** The directory of the store. */
  readonly location: string;
  /** What begins and ends together; unique among all stores of the thread. */
  readonly id: number;
  readonly reason: Reason;
}

interface Begin<Reason> extends Message<Reason> {
  readonly phase: 'begin';
}

interface End<Reason, Outcome extends string> extends Message<Reason> {
  readonly phase: 'end';
  readonly outcome: Outcome;
  readonly durationMs: number;
  /** Present where the outcome is `failed`. */
  readonly error?: Error;
}

export type OpenReason = 'read-write' | 'read-only';

/** `open` of a store. */
export type OpenMessage =
  | Begin<OpenReason>
  | (End<OpenReason, 'opened' | 'failed'> & {
      /** What is there, and what recovery found and did; absent where the outcome is `failed`. */
      readonly tables?: number;
      readonly bytes?: number;
      readonly lastSequence?: number;
      readonly recovery?: RecoveryReport;
    });

/** The MemDB is frozen and another one installed, in one step: begin and end come together. */
export type RotationMessage =
  | (Begin<RotationReason> & Frozen)
  | (End<RotationReason, 'rotated' | 'failed'> & {
      readonly journal: number;
      /** The journal of the new MemDB, and its room; absent where the outcome is `failed`. */
      readonly newJournal?: number;
      readonly capacityBytes?: number;
    });

interface Frozen {
  /** Number of the journal of the MemDB. */
  readonly journal: number;
  readonly entries: number;
  readonly bytes: number;
}

/** `superseded`: a blocking call did it instead; `closed`: the store was closed, and the journal covers it. */
export type WorkOutcome = 'committed' | 'failed' | 'superseded' | 'closed';

/** One attempt to bring a frozen MemDB to a table. Its reason is that of the rotation. */
export type FlushMessage =
  | (Begin<RotationReason> & Frozen & { readonly attempt: number; readonly where: FlushPlace })
  | (End<RotationReason, WorkOutcome> & {
      readonly journal: number;
      readonly attempt: number;
      readonly where: FlushPlace;
      /** Number and bytes of the table; absent and 0 where there is none. */
      readonly table?: number;
      readonly sizeBytes: number;
      /** Entries in the table, and those that nobody could ask for any more. */
      readonly entries: number;
      readonly dropped: number;
      /** After a failure: when it is tried again, Infinity: not by itself. */
      readonly retryInMs?: number;
    });

interface Levels {
  readonly level: number;
  readonly outputLevel: number;
}

/** One attempt to merge tables into the next level, or to move one there. */
export type CompactionMessage =
  | (Begin<CompactionReason> &
      Levels & {
        readonly tables: number;
        /** File numbers of the tables. */
        readonly inputs: readonly number[];
        readonly bytes: number;
        readonly parts: number;
        /** The table changes its level as it is. */
        readonly moves: boolean;
      })
  | (End<CompactionReason, WorkOutcome> &
      Levels & {
        /** 0 each where nothing was committed, or a table was only moved. */
        readonly tables: number;
        readonly bytesRead: number;
        readonly bytesWritten: number;
        readonly entries: number;
        readonly dropped: number;
        readonly pausedMs: number;
        readonly retryInMs?: number;
      });

/** A call of `clear`. Several may be under way. */
export type ClearMessage =
  | Begin<ClearReason>
  | (End<ClearReason, 'cleared' | 'failed' | 'closed'> & {
      readonly tables: number;
      readonly bytes: number;
      readonly tombstones: number;
    });

/** A call of `ingest`; it is always asked for. Several may be under way. */
export type IngestReason = 'asked';

export type IngestMessage =
  | (Begin<IngestReason> & { readonly threads: number })
  | (End<IngestReason, 'stored' | 'failed' | 'closed'> & {
      /** By tables or by batches; absent where the outcome is not `stored`, as 0 of the rest. */
      readonly path?: IngestPath;
      readonly entries: number;
      readonly bytes: number;
      readonly tables: number;
    });

/** Another thread uses the store, because it was attached. Several may. */
export type AttachmentReason = 'attached';

export type AttachmentMessage =
  | (Begin<AttachmentReason> & Attachment)
  /** `detached`: it has closed its attached store; `ended`: it has ended without; `closed`: the store was closed before. */
  | (End<AttachmentReason, 'detached' | 'ended' | 'closed'> &
      Attachment & {
        /** How often it was given up. */
        readonly revoked: number;
      });

interface Attachment {
  /** `threadId`. */
  readonly thread: number;
  readonly name: string;
}

/** Writers wait. */
export type StallMessage = Begin<StallReason> | End<StallReason, 'over' | 'closed'>;

/**
 * What is in trouble: an open, a rotation, a flush, a compaction, a `clear`, an `ingest`, the journal (which is being healed), writes
 * (which have stopped), a file that is not needed, or another thread, which was given up.
 */
export type ErrorReason =
  | 'open'
  | 'rotation'
  | 'flush'
  | 'compaction'
  | 'clear'
  | 'ingest'
  | 'journal'
  | 'writes-stopped'
  | 'cleanup'
  | 'thread';

/**
 * Trouble: `begin` for each failure, with the same id and a growing `count` while it lasts, and `end` when it has
 * passed. Where nothing is tried again (`open`, `clear`, `ingest`, `cleanup`, `thread`) the end comes at once.
 */
export type ErrorMessage =
  | (Begin<ErrorReason> & {
      readonly error: Error;
      readonly count: number;
      /** The file concerned, where one is. */
      readonly file?: string;
      readonly retryInMs?: number;
    })
  | (End<ErrorReason, 'passed' | 'closed'> & { readonly error: Error; readonly count: number });
