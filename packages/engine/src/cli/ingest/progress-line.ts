/** The live line of an ingest: drawn over itself on a terminal, silent elsewhere. */
import type { Writable } from 'node:stream';
import type { Clock } from '@arena-level/common/base/clock';
import { counted, formatBytes, formatCount, formatDuration } from '../format.ts';

const REDRAW_MS = 100;
/** Of a terminal that does not tell its width. */
const ASSUMED_COLUMNS = 80;
const CLEAR_LINE = '\r\u001b[K';

export interface Progress {
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

/** The text of the line. */
export function progressText(progress: Progress): string {
  const { records, bytesRead, bytesTotal, elapsedMs } = progress;
  const perSecond = elapsedMs > 0 ? (records * 1000) / elapsedMs : 0;
  const parts = [counted(records, 'record'), formatBytes(bytesRead), `${formatCount(perSecond)}/s`];
  if (bytesTotal !== undefined && bytesTotal > 0 && bytesRead > 0) {
    const done = Math.min(1, bytesRead / bytesTotal);
    parts.push(`${Math.floor(done * 100)} %`, `${formatDuration(elapsedMs / done - elapsedMs)} left`);
  }
  if (progress.stalls > 0)
    parts.push(`${counted(progress.stalls, 'stall')} (${formatDuration(progress.stalledMs)})`);
  if (progress.malformed > 0) parts.push(`${formatCount(progress.malformed)} malformed`);
  return parts.join('  ');
}

export class ProgressLine {
  readonly #output: Writable | undefined;
  readonly #columns: number;
  readonly #clock: Clock;
  #drawnAt = Number.NEGATIVE_INFINITY;

  /** Draws on `output`; nothing is ever written when it is undefined. */
  constructor(output: Writable | undefined, columns: number, clock: Clock) {
    this.#output = output;
    this.#columns = columns > 0 ? columns : ASSUMED_COLUMNS;
    this.#clock = clock;
  }

  /** Draws what `progress` gives, unless the last drawing is too fresh. */
  update(progress: () => Progress): void {
    if (this.#output === undefined) return;
    const now = this.#clock.now();
    if (now - this.#drawnAt < REDRAW_MS) return;
    this.#drawnAt = now;
    this.#output.write(CLEAR_LINE + progressText(progress()).slice(0, this.#columns - 1));
  }

  /** Takes the line away, for what is printed next. */
  clear(): void {
    if (this.#output !== undefined && this.#drawnAt !== Number.NEGATIVE_INFINITY)
      this.#output.write(CLEAR_LINE);
  }
}
