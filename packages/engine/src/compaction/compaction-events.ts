/** What a store tells of its compactions. */
import { asError } from '@arena-level/common/base/errors';
import type { EventSink } from '../events/event-sink.ts';
import { type Compacted, headOf, sumOf } from './answers.ts';
import type { RunningCompaction } from './running-compaction.ts';

export function announceStart(events: EventSink, { pick, bytesTotal, parts }: RunningCompaction): void {
  events.emit('compaction-started', {
    ...headOf(pick),
    tables: pick.inputs.length + pick.nextInputs.length,
    bytes: bytesTotal,
    parts: parts.length,
    moves: pick.isTrivialMove,
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
