import type { ErrorReason as ChannelReason } from '../channels/messages.ts';

/** What may fail, as metrics name it: an open that fails has no store to measure. */
export type ErrorReason = Exclude<ChannelReason, 'open'>;

export const ERROR_REASONS: readonly ErrorReason[] = [
  'rotation',
  'flush',
  'compaction',
  'clear',
  'journal',
  'writes-stopped',
  'cleanup',
];

/** What events have told that `stats` does not. */
export interface Observed {
  readonly errors: Readonly<Record<ErrorReason, number>>;
  readonly writesStopped: boolean;
  readonly healing: boolean;
}
