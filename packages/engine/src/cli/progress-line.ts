/** The live line of what takes long: drawn over itself on a terminal, silent elsewhere. */
import type { Writable } from 'node:stream';
import type { Clock } from '@arena-level/common/base/clock';
import type { CliIo } from './command.ts';
import { formatByteRate, formatBytes, formatTimeLeft } from './format.ts';

const REDRAW_MS = 100;
/** Of a terminal that does not tell its width. */
const ASSUMED_COLUMNS = 80;
const CLEAR_LINE = '\r\u001b[K';
const BAR_COLUMNS = 20;
const GAP = '  ';
/** Before that, what is left is guesswork. */
const FIRST_ESTIMATE_MS = 500;

export interface Progress {
  /** What has been done, as `1,234 records`, `12.3 MB/s`. */
  readonly parts: readonly string[];
  /** In any unit. */
  readonly done: number;
  /** Undefined: nobody knows. */
  readonly total: number | undefined;
}

/**
 * `[====>               ]  25 %  6 s left  1,000 records  500/s`; without a total only the parts. What does not fit into
 * `columns` is left out, from the end.
 */
export function progressText(
  { parts, done, total }: Progress,
  elapsedMs: number,
  columns: number = Number.POSITIVE_INFINITY,
): string {
  const [first = '', ...others] = [...shareParts(done, total, elapsedMs), ...parts];
  let line = first.slice(0, columns);
  for (const part of others) {
    if (line.length + GAP.length + part.length > columns) break;
    line += GAP + part;
  }
  return line;
}

function shareParts(done: number, total: number | undefined, elapsedMs: number): string[] {
  if (total === undefined || total <= 0) return [];
  const share = Math.min(1, done / total);
  const parts = [bar(share), `${String(Math.floor(share * 100)).padStart(3)} %`];
  if (share > 0 && share < 1 && elapsedMs >= FIRST_ESTIMATE_MS)
    parts.push(`${formatTimeLeft(elapsedMs / share - elapsedMs)} left`);
  return parts;
}

function bar(share: number): string {
  const filled = Math.floor(share * BAR_COLUMNS);
  const head = filled < BAR_COLUMNS ? '>' : '';
  return `[${('='.repeat(filled) + head).padEnd(BAR_COLUMNS)}]`;
}

export class ProgressLine {
  readonly #output: Writable | undefined;
  readonly #columns: number;
  readonly #clock: Clock;
  readonly #startedAt: number;
  #drawnAt = Number.NEGATIVE_INFINITY;

  /** Draws on `output`; nothing is ever written when it is undefined. Its time begins now. */
  constructor(output: Writable | undefined, columns: number, clock: Clock) {
    this.#output = output;
    this.#columns = columns > 0 ? columns : ASSUMED_COLUMNS;
    this.#clock = clock;
    this.#startedAt = clock.now();
  }

  /** The line of a command: on stderr, if that is a terminal. */
  static on({ stderr, interactive, columns, clock }: CliIo): ProgressLine {
    return new ProgressLine(interactive ? stderr : undefined, columns, clock);
  }

  get elapsedMs(): number {
    return this.#clock.now() - this.#startedAt;
  }

  /** True when the next `update` draws. */
  get isDue(): boolean {
    return this.#output !== undefined && this.#clock.now() - this.#drawnAt >= REDRAW_MS;
  }

  /** Draws what `progress` gives, unless the last drawing is too fresh. */
  update(progress: () => Progress): void {
    if (this.isDue) this.draw(progress());
  }

  /** For work that is counted in bytes: `1.2 MB of 3.4 MB read  0.5 MB/s`. `what` is the verb, if any. */
  updateBytes(done: number, total: number, what = ''): void {
    this.update(() => ({
      parts: [
        `${formatBytes(done)} of ${formatBytes(total)} ${what}`.trimEnd(),
        formatByteRate(done, this.elapsedMs),
      ],
      done,
      total,
    }));
  }

  /** Draws at once: what comes next takes a while, and nothing is drawn meanwhile. */
  draw(progress: Progress): void {
    if (this.#output === undefined) return;
    this.#drawnAt = this.#clock.now();
    this.#output.write(CLEAR_LINE + progressText(progress, this.elapsedMs, this.#columns - 1));
  }

  /** Takes the line away, for what is printed next. */
  clear(): void {
    if (this.#output !== undefined && this.#drawnAt !== Number.NEGATIVE_INFINITY)
      this.#output.write(CLEAR_LINE);
  }
}
