/** What the best possible overlap would be, and how near a run came. Pure. */
import type { Overlap } from './overlap.ts';

export interface OverlapFigures {
  readonly insertMs: number;
  readonly flushMs: number;
  /** One after the other. */
  readonly serialMs: number;
  /** The main thread never waits, and every flush begins as soon as its buffer is full and a worker is free. */
  readonly idealMs: number;
  readonly togetherMs: number;
  /** Of the time that the ideal saves: 1 is the ideal, 0 is one after the other. Undefined where it saves nothing. */
  readonly shareReached: number | undefined;
}

export function overlapFigures({ flushMs, insertMs, togetherMs, workers }: Overlap): OverlapFigures {
  const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
  const serialMs = sum(insertMs) + sum(flushMs);
  const idealMs = pipelineMs(insertMs, flushMs, workers);
  const saves = serialMs - idealMs;
  return {
    insertMs: sum(insertMs),
    flushMs: sum(flushMs),
    serialMs,
    idealMs,
    togetherMs,
    shareReached: saves > 0 ? (serialMs - togetherMs) / saves : undefined,
  };
}

/** When the last flush ends, if buffer after buffer is filled without a pause and `workers` flush what is full. */
export function pipelineMs(insertMs: readonly number[], flushMs: readonly number[], workers: number): number {
  const freeAt: number[] = new Array<number>(workers).fill(0);
  let filledAt = 0;
  let endMs = 0;
  for (const [buffer, insert] of insertMs.entries()) {
    filledAt += insert;
    const worker = freeAt.indexOf(Math.min(...freeAt));
    const flushedAt = Math.max(filledAt, freeAt[worker]!) + flushMs[buffer]!;
    freeAt[worker] = flushedAt;
    endMs = Math.max(endMs, flushedAt);
  }
  return endMs;
}
