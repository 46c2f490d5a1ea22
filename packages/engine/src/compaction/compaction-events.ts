/** What a store tells of its compactions. */
import { asError } from '@arena-level/common/base/errors';
import type { EventSink } from '../events/event-sink.ts';
import type { StoreEvents } from '../events/events.ts';
import type { Compacted } from './answers.ts';
import type { CompactionPick } from './compaction-pick.ts';
import type { RunningCompaction } from './running-compaction.ts';

/** Whatever supersedes it later is told, too. */
export function announceStart(events: EventSink, run: RunningCompaction): void {
  const { pick, bytesTotal, parts } = run;
  run.onSuperseded = () => events.emit('compaction-superseded', headOf(pick));
  events.emit('compaction-started', {
    ...headOf(pick),
    tables: pick.inputs.length + pick.nextInputs.length,
    inputs: pick.inputs.concat(pick.nextInputs).map(({ number }) => number),
    bytes: bytesTotal,
    parts: parts.length,
    moves: pick.isTrivialMove,
  });
}

/** A commit failed, which `fail` enters; resolves when the next attempt is due, which is told as another start. */
export function announceAgain(
  events: EventSink,
  run: RunningCompaction,
  fail: (onRetry: () => void) => void,
): Promise<void> {
  return new Promise((resolve) => {
    fail(() => {
      announceStart(events, run);
      resolve();
    });
  });
}

export function announceEnd(
  events: EventSink,
  { pick }: RunningCompaction,
  answers: readonly Compacted[],
  durationMs: number,
): void {
  events.emit('compaction-finished', { ...headOf(pick), ...sumOf(answers), durationMs });
}

/** `retryInMs` is Infinity where nothing is tried again by itself. */
export function announceFailure(
  events: EventSink,
  { pick: { level, outputLevel } }: RunningCompaction,
  error: unknown,
  retryInMs: number,
): void {
  events.emit('compaction-failed', { level, outputLevel, error: asError(error), retryInMs });
}

function headOf({
  reason,
  level,
  outputLevel,
}: CompactionPick): Pick<CompactionPick, 'reason' | 'level' | 'outputLevel'> {
  return { reason, level, outputLevel };
}

type CompactionSum = Pick<
  StoreEvents['compaction-finished'],
  'tables' | 'bytesRead' | 'bytesWritten' | 'entries' | 'dropped' | 'pausedMs'
>;

/** What the parts of a compaction did, taken together. */
function sumOf(answers: readonly Compacted[]): CompactionSum {
  const sum = { tables: 0, bytesRead: 0, bytesWritten: 0, entries: 0, dropped: 0, pausedMs: 0 };
  for (const { tables, bytesRead, entries, dropped, timings } of answers) {
    sum.tables += tables.length;
    sum.bytesRead += bytesRead;
    for (const { table } of tables) sum.bytesWritten += table.size;
    sum.entries += entries;
    sum.dropped += dropped;
    sum.pausedMs += timings.pausedMs;
  }
  return sum;
}
