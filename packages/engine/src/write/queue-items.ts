/** What stands in the queue of writes, and what those are told whose write failed. */
import { EngineError, ErrorCode, messageOf } from '@arena-level/common/base/errors';
import type { Memtable } from '../memtable/memtable.ts';
import type { ExclusiveWork } from './exclusive-work.ts';
import { WriteGroup } from './write-group.ts';
import type { RoomNeed } from './write-room.ts';

/** A rotation that was asked for, in its place among the writes. */
export interface RotationRequest {
  readonly minBytes: number;
  /** With the memtable that the rotation froze, or undefined when there was nothing to freeze. */
  readonly resolve: (frozen: Memtable | undefined) => void;
  readonly reject: (error: unknown) => void;
}

export type QueueItem = WriteGroup | RotationRequest | ExclusiveWork;

export function needOf(item: WriteGroup | RotationRequest): RoomNeed {
  if (item instanceof WriteGroup) return item;
  return { recordBytes: item.minBytes, entries: 0, wantsRotation: true };
}

export function outcomeUnknown(cause: unknown): EngineError {
  return new EngineError(
    ErrorCode.WriteOutcomeUnknown,
    `the write may or may not survive a reopen: ${messageOf(cause)}`,
    { cause },
  );
}

/** What the writer of a sync write is told whose write is in the store, journal and all, but not on the disk for certain. */
export function notSynced(cause: unknown): EngineError {
  return new EngineError(
    ErrorCode.WriteOutcomeUnknown,
    `the write is in the store, but it could not be synced: ${messageOf(cause)}`,
    { cause },
  );
}
