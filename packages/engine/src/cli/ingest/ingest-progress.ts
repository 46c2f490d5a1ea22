import { counted, formatBytes, formatCount, formatDuration, formatRate } from '../format.ts';
import type { Progress } from '../progress-line.ts';

export interface IngestCounts {
  readonly records: number;
  readonly malformed: number;
  /** Bytes of the source read so far. */
  readonly bytesRead: number;
  /** All bytes of the source; undefined for a pipe. */
  readonly bytesTotal: number | undefined;
  readonly elapsedMs: number;
  readonly stalls: number;
  readonly stalledMs: number;
}

export function ingestProgress(counts: IngestCounts): Progress {
  const { records, malformed, bytesRead, bytesTotal, elapsedMs, stalls, stalledMs } = counts;
  const parts = [counted(records, 'record'), formatRate(records, elapsedMs), formatBytes(bytesRead)];
  if (stalls > 0) parts.push(`${counted(stalls, 'stall')} (${formatDuration(stalledMs)})`);
  if (malformed > 0) parts.push(`${formatCount(malformed)} malformed`);
  return { parts, done: bytesRead, total: bytesTotal };
}
