import type { FileType } from './file-desc.ts';

/** A file operation as faults and transcripts name it. */
export type StorageOperation =
  | 'list'
  | 'size'
  | 'create'
  | 'open-write'
  | 'open-read'
  | 'read'
  | 'write'
  | 'sync'
  | 'truncate'
  | 'rename'
  | 'link'
  | 'remove'
  | 'quarantine'
  | 'sync-directory';

/** One fault, as plain data: what happens to the n-th operation of a kind. */
export interface FaultRule {
  readonly operation: StorageOperation;
  /** Only on files of this type (a rename counts under its target's type); any type when absent. Not used by sync-directory and list. */
  readonly type?: FileType;
  /** The first matching operation that fails, counted from 1. */
  readonly nth: number;
  /** How many in a row fail from there; Infinity: all of them. */
  readonly times: number;
  readonly effect: FaultEffect;
  /** System error name, such as ENOSPC. Not used by `short-write`. */
  readonly errno: string;
}

/**
 * - `error`: nothing is done and `errno` is thrown.
 * - `short-write`: half of the bytes are written and the short count is returned, as when a disk fills up.
 * - `torn-write`: half of the bytes are written and `errno` is thrown.
 * - `lost-sync`: `errno` is thrown and what the sync of a file should have made durable never will be, though reads
 *   still see it and the next sync succeeds. Only a memory storage can lose; elsewhere this is `error`.
 *
 * An effect that does not fit the operation is `error`.
 */
export type FaultEffect = 'error' | 'short-write' | 'torn-write' | 'lost-sync';

/**
 * Crosses threads as data. Each storage that is opened with it counts for itself, from zero. Where several rules
 * meet one operation, the first of them takes effect; all of them count it.
 */
export interface FaultPlan {
  readonly rules: readonly FaultRule[];
}
