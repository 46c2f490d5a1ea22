/**
 * A position in an ordered run of entries: a MemDB, a table, a level, or a merge of them.
 *
 * Order: user keys ascending, bytewise; versions of one user key by sequence number descending. Every version is
 * an entry of its own here; the engine's `iterator/visible-cursor.ts` decides which of them a reader sees.
 *
 * A move can need a block that is not in memory. Then it ends with `blocked` true and `valid` false, and
 * `unblock` (or its blocking twin) reads the block and completes the move; callers check `blocked` after every
 * move. Iterators over memory are never blocked.
 *
 * The current entry is exposed as ranges of bytes that the iterator owns, good until its next move: nothing is
 * allocated per entry.
 */
export interface InternalIterator {
  /** True when there is a current entry. */
  readonly valid: boolean;
  /** True when the last move waits for a block. */
  readonly blocked: boolean;

  /** User key of the current entry: keyBytes[keyStart, keyEnd). */
  readonly keyBytes: Uint8Array;
  readonly keyStart: number;
  readonly keyEnd: number;
  readonly sequence: number;
  /** A `ValueKind`. */
  readonly kind: number;
  /** Value of the current entry; empty for a tombstone. */
  readonly valueBytes: Uint8Array;
  readonly valueStart: number;
  readonly valueEnd: number;

  first(): void;
  last(): void;
  /** To the first entry at or after (user key, sequence): with MAX_SEQUENCE, the newest version of the key or the next key. */
  seek(key: Uint8Array, keyStart: number, keyEnd: number, sequence: number): void;
  /** To the last entry before (user key, sequence): with MAX_SEQUENCE, the last entry of the key before `key`. */
  seekBefore(key: Uint8Array, keyStart: number, keyEnd: number, sequence: number): void;
  /** REQUIRES: valid. */
  next(): void;
  /** REQUIRES: valid. */
  prev(): void;

  unblock(): Promise<void>;
  unblockNow(): void;

  /** Lets go of tables and blocks. The iterator is not used again. */
  release(): void;
}
