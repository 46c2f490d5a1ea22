/** What may fail, as metrics name it. */
export type ErrorReason =
  | 'rotation'
  | 'flush'
  | 'compaction'
  | 'clear'
  | 'journal'
  | 'writes-stopped'
  | 'cleanup';

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
