import type { ErrorReason as ChannelReason } from '../channels/messages.ts';

/** What may fail, as metrics name it: an open that fails has no store to measure. */
export type ErrorReason = Exclude<ChannelReason, 'open'>;

const REASONS: Readonly<Record<ErrorReason, true>> = {
  rotation: true,
  flush: true,
  compaction: true,
  clear: true,
  ingest: true,
  journal: true,
  'writes-stopped': true,
  cleanup: true,
  thread: true,
};

export const ERROR_REASONS = Object.keys(REASONS) as readonly ErrorReason[];

/** What events have told that `stats` does not. */
export interface Observed {
  readonly errors: Readonly<Record<ErrorReason, number>>;
  readonly writesStopped: boolean;
  readonly healing: boolean;
}
