/**
 * What happened to a storage, in order, as plain data.
 *
 * Events are what people read: golden transcripts pin the engine's orders of writes and syncs as lines of text.
 * Entries are events with all it takes to build the state after a crash at any moment; see crash-replay.ts.
 */

/** An operation that changes files or makes changes durable. Files are named relative to the store. */
export type StorageEvent = { readonly outcome?: string } & (
  | {
      readonly operation: 'create' | 'link' | 'sync' | 'lost-sync' | 'remove' | 'damage';
      readonly file: string;
    }
  | { readonly operation: 'write'; readonly file: string; readonly position: number; readonly length: number }
  | { readonly operation: 'truncate'; readonly file: string; readonly size: number }
  | { readonly operation: 'rename' | 'quarantine'; readonly file: string; readonly to: string }
  | { readonly operation: 'sync-directory' }
);

/** `inode` tells files apart whatever their names become. */
export type TraceEntry =
  | { readonly operation: 'create'; readonly file: string; readonly inode: number }
  | WriteEntry
  | TruncateEntry
  | { readonly operation: 'rename'; readonly file: string; readonly to: string; readonly inode: number }
  | { readonly operation: 'quarantine'; readonly file: string; readonly to: string; readonly inode: number }
  | { readonly operation: 'remove'; readonly file: string }
  /** `covers`: entries before this index are durable; the sync was called when the trace had this length. */
  | { readonly operation: 'sync'; readonly file: string; readonly inode: number; readonly covers: number }
  | { readonly operation: 'sync-directory'; readonly covers: number }
  /** A sync that failed: what it covered stays readable, is taken for clean, and never reaches the disk. */
  | {
      readonly operation: 'lost-sync';
      readonly file: string;
      readonly inode: number;
      readonly covers: number;
    }
  /** Contents replaced behind the engine's back, durably. */
  | {
      readonly operation: 'damage';
      readonly file: string;
      readonly inode: number;
      readonly bytes: Uint8Array;
    };

export interface WriteEntry {
  readonly operation: 'write';
  readonly file: string;
  readonly inode: number;
  readonly position: number;
  readonly length: number;
  readonly bytes: Uint8Array;
}

export interface TruncateEntry {
  readonly operation: 'truncate';
  readonly file: string;
  readonly inode: number;
  readonly size: number;
}

export interface StorageTrace {
  /** The files at the beginning, all durable. Their inodes are 1, 2, ... in the order of the map. */
  readonly initial: ReadonlyMap<string, Uint8Array>;
  readonly entries: readonly TraceEntry[];
}

/** One line per event: `write 000003.log 0+117`, `rename 000004.dbtmp 000005.ldb`, `sync 000003.log -> EIO`. */
export function formatTrace(events: readonly StorageEvent[]): string {
  return events.map((event) => `${formatEvent(event)}\n`).join('');
}

function formatEvent(event: StorageEvent): string {
  const outcome = event.outcome === undefined ? '' : ` -> ${event.outcome}`;
  switch (event.operation) {
    case 'write':
      return `write ${event.file} ${event.position}+${event.length}${outcome}`;
    case 'truncate':
      return `truncate ${event.file} ${event.size}${outcome}`;
    case 'rename':
    case 'quarantine':
      return `${event.operation} ${event.file} ${event.to}${outcome}`;
    case 'sync-directory':
      return `sync-directory${outcome}`;
    default:
      return `${event.operation} ${event.file}${outcome}`;
  }
}
