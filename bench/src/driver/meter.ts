/**
 * Counts and times the operations of a measured stretch: records per slice of time, latencies in an HDR histogram,
 * memory as it goes.
 */
import { createHistogram, type RecordableHistogram } from 'node:perf_hooks';

export const SLICE_MS = 100;

/** Percentiles of latencies, in microseconds; `PERCENTILES` says which. */
export interface Latency {
  readonly count: number;
  readonly meanUs: number;
  readonly maxUs: number;
  readonly percentilesUs: readonly number[];
}

export const PERCENTILES = [50, 75, 90, 95, 99, 99.5, 99.9, 99.95, 99.99] as const;

export function percentileUs(latency: Latency, percentile: (typeof PERCENTILES)[number]): number {
  return latency.percentilesUs[PERCENTILES.indexOf(percentile)]!;
}

export class LatencyHistogram {
  readonly #histogram: RecordableHistogram = createHistogram();
  #sumMs = 0;
  #count = 0;

  record(elapsedMs: number): void {
    this.#histogram.record(Math.max(1, Math.round(elapsedMs * 1e6)));
    this.#sumMs += elapsedMs;
    this.#count++;
  }

  summary(): Latency {
    const isEmpty = this.#count === 0;
    return {
      count: this.#count,
      meanUs: isEmpty ? 0 : (this.#sumMs * 1000) / this.#count,
      maxUs: isEmpty ? 0 : this.#histogram.max / 1000,
      percentilesUs: PERCENTILES.map((percentile) =>
        isEmpty ? 0 : this.#histogram.percentile(percentile) / 1000,
      ),
    };
  }
}

export interface Timeline {
  /** Width of a slice. */
  readonly sliceMs: number;
  /** Records that ended in each slice. */
  readonly records: readonly number[];
  /** Resident set at the end of each slice, in bytes; 0 where none was taken. */
  readonly rss: readonly number[];
}

export class Meter {
  readonly latency: LatencyHistogram = new LatencyHistogram();
  /** Bytes of the keys and values, where they are not all of the data set's size. */
  bytes: number | undefined;
  /** Records written beside reads that are measured. */
  beside: number | undefined;
  readonly #durationMs: number;
  readonly #onSlice: (records: number, elapsedMs: number) => void;
  readonly #records: number[] = [];
  readonly #rss: number[] = [];
  #startMs = 0;
  #slice = -1;
  #unassigned = 0;
  #total = 0;
  #endMs = 0;

  /** `durationMs` ends the stretch early; `onSlice` hears of every slice that has ended. */
  constructor(
    durationMs: number = Number.POSITIVE_INFINITY,
    onSlice: (records: number, elapsedMs: number) => void = () => undefined,
  ) {
    this.#durationMs = durationMs;
    this.#onSlice = onSlice;
  }

  start(): void {
    this.#startMs = performance.now();
  }

  get startMs(): number {
    return this.#startMs;
  }

  /** Records so far. */
  get records(): number {
    return this.#total;
  }

  /** Whether the duration is over, as the last timed operation saw it. */
  get isOver(): boolean {
    return this.#endMs - this.#startMs >= this.#durationMs;
  }

  /** An operation of `records` records that began at `startedMs` has ended. */
  timed(startedMs: number, records: number): void {
    const now = performance.now();
    this.latency.record(now - startedMs);
    this.#endMs = now;
    const slice = Math.floor((now - this.#startMs) / SLICE_MS);
    this.#total += records;
    if (slice !== this.#slice) this.#beginSlice(slice, now);
    this.#records[slice]! += records + this.#unassigned;
    this.#unassigned = 0;
  }

  /** The same without looking at the clock: counted in the slice of the next one that is timed. */
  untimed(records: number): void {
    this.#total += records;
    this.#unassigned += records;
  }

  timeline(): Timeline {
    return { sliceMs: SLICE_MS, records: this.#records, rss: this.#rss };
  }

  #beginSlice(slice: number, now: number): void {
    while (this.#records.length <= slice) {
      this.#records.push(0);
      this.#rss.push(0);
    }
    this.#rss[slice] = process.memoryUsage.rss();
    this.#slice = slice;
    this.#onSlice(this.#total, now - this.#startMs);
  }
}
