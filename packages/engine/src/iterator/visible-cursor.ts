/**
 * What a reader sees of an ordered run of versioned entries: at most one entry per user key, the newest at or below
 * a sequence number, unless that is a tombstone. A cursor goes one way, within a range of user keys.
 *
 * A move ends in one of the states below; it may need a block, and it may pass over many entries that the reader
 * does not see, so it pauses after a bounded number of them.
 */
export const CursorState = {
  /** Nothing asked of it yet. */
  Unpositioned: 0,
  /** There is a current entry. */
  Entry: 1,
  /** There is none further on. */
  End: 2,
  /** The move waits for a block: `unblock` goes on with it. */
  Blocked: 3,
  /** The move has passed over MAX_PASSED_ENTRIES: `resume` goes on with it. */
  Paused: 4,
} as const;
export type CursorState = (typeof CursorState)[keyof typeof CursorState];

/** About a quarter of a millisecond. */
export const MAX_PASSED_ENTRIES = 1024;

export interface VisibleCursor {
  readonly state: CursorState;

  /** To the first entry of the range in the direction of the cursor. */
  start(): void;
  /** To the first entry at or behind `target` in the direction of the cursor; a target outside the range ends it. */
  seek(target: Uint8Array): void;
  /** REQUIRES: state Entry. */
  next(): void;
  /** REQUIRES: state Paused. */
  resume(): void;
  /** REQUIRES: state Blocked. */
  unblock(): Promise<void>;
  unblockNow(): void;

  /** Copies of the current entry, the caller's own. REQUIRES: state Entry. */
  copyKey(): Buffer<ArrayBuffer>;
  /** REQUIRES: state Entry, and values wanted. */
  copyValue(): Buffer<ArrayBuffer>;

  /** The same, decoded as UTF-8. */
  keyText(): string;
  valueText(): string;
}
