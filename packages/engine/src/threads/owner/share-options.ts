import { KIB } from '@arena-level/common/base/limits';
import {
  DEFAULT_RING_BYTES,
  MAX_RING_BYTES,
  WORD_BYTES,
  wordsFor,
} from '@arena-level/common/rings/ring-memory';
import { checkCallOptions, type OptionKinds } from '../../options/call-options.ts';

export interface ShareOptions {
  /** Names the thread in events. Default: `thread` and its `threadId`. */
  readonly name?: string;
  /**
   * A thread that keeps old data alive, by a read, an iterator or a snapshot, and does not take part for so many
   * milliseconds is given up: its iterators and snapshots fail with ARENA_THREAD_REVOKED, its other reads go on. A thread takes
   * part when its event loop turns, or when it reads. From 100, default 30,000.
   */
  readonly stallMs?: number;
  /**
   * Bytes of the thread's writes that may be on their way at a time, in memory of its own; a batch may be larger. From 4,096
   * to 64 MiB, default 1 MiB.
   */
  readonly ringSize?: number;
}

const DEFAULT_STALL_MS = 30_000;
const MIN_STALL_MS = 100;
const MIN_RING_SIZE: number = 4 * KIB;

const SHARE_OPTIONS: OptionKinds = {
  name: { fits: (value) => typeof value === 'string' && value !== '', wanted: 'a string that is not empty' },
  stallMs: {
    fits: (value) => Number.isInteger(value) && (value as number) >= MIN_STALL_MS,
    wanted: `a whole number of milliseconds from ${MIN_STALL_MS}`,
  },
  ringSize: {
    fits: (value) =>
      Number.isInteger(value) && (value as number) >= MIN_RING_SIZE && (value as number) <= MAX_RING_BYTES,
    wanted: `a whole number of bytes from ${MIN_RING_SIZE} to ${MAX_RING_BYTES}`,
  },
};

export function resolveShareOptions(options: ShareOptions): {
  readonly name: string | undefined;
  readonly stallMs: number;
  readonly ringBytes: number;
} {
  checkCallOptions('share', options, SHARE_OPTIONS);
  return {
    name: options.name,
    stallMs: options.stallMs ?? DEFAULT_STALL_MS,
    ringBytes: wordsFor(options.ringSize ?? DEFAULT_RING_BYTES) * WORD_BYTES,
  };
}
