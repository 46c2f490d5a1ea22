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
}

const DEFAULT_STALL_MS = 30_000;
const MIN_STALL_MS = 100;

const SHARE_OPTIONS: OptionKinds = {
  name: { fits: (value) => typeof value === 'string' && value !== '', wanted: 'a string that is not empty' },
  stallMs: {
    fits: (value) => Number.isInteger(value) && (value as number) >= MIN_STALL_MS,
    wanted: `a whole number of milliseconds from ${MIN_STALL_MS}`,
  },
};

export function resolveShareOptions(options: ShareOptions): {
  readonly name: string | undefined;
  readonly stallMs: number;
} {
  checkCallOptions('share', options, SHARE_OPTIONS);
  return { name: options.name, stallMs: options.stallMs ?? DEFAULT_STALL_MS };
}
