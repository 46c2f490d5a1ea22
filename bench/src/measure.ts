/**
 * The harness of the micro benchmarks: runs the cases of a group in turns, so that whatever the machine does
 * meanwhile meets all of them alike, and keeps every sample.
 *
 * Absolute figures of a shared machine vary by half between two runs; ratios within a group are what counts.
 */
import { type Spread, spread } from './support/statistics.ts';

/** One timed stretch: only what is to be measured lies inside. */
export interface Sample {
  readonly operations: number;
  readonly elapsedMs: number;
}

/** Several that were taken in one go count one by one. */
export type Samples = Sample | readonly Sample[];

export interface Case {
  readonly name: string;
  /** Prepares what it needs, untimed; measures; and throws when the result is wrong. */
  sample(): Samples | Promise<Samples>;
  /** Frees what it holds between samples. The last case is disposed of first. */
  dispose?(): void | Promise<void>;
}

export interface Group {
  readonly name: string;
  /** What one operation is. */
  readonly operation: string;
  /** Made when the group's turn comes: a group's data is not held while another one is measured. */
  cases(): readonly Case[] | Promise<readonly Case[]>;
}

/** What does not come down to the time of one operation: it prints its own table. */
export interface Report {
  readonly name: string;
  run(options: MeasureOptions): Promise<{ readonly text: string; readonly figures: unknown }>;
}

export interface Measurement {
  readonly group: string;
  readonly operation: string;
  readonly name: string;
  readonly nsPerOperation: Spread;
  /** Median. */
  readonly operationsPerSecond: number;
  readonly samplesNs: readonly number[];
}

export interface MeasureOptions {
  readonly repetitions: number;
  /** Samples of each case before the first one that counts. */
  readonly warmups: number;
}

export async function measureGroup(group: Group, options: MeasureOptions): Promise<Measurement[]> {
  const cases = await group.cases();
  const samples: number[][] = cases.map(() => []);
  try {
    for (let round = -options.warmups; round < options.repetitions; round++) {
      for (let turn = 0; turn < cases.length; turn++) {
        // Each round begins with another case: no case always follows the same neighbour's garbage.
        const at = (turn + round + options.warmups) % cases.length;
        const taken = [await cases[at]!.sample()].flat() as readonly Sample[];
        if (round < 0) continue;
        for (const { operations, elapsedMs } of taken) samples[at]!.push((elapsedMs * 1e6) / operations);
      }
    }
  } finally {
    // In reverse: the first case may own what the others use.
    for (const one of cases.toReversed()) await one.dispose?.();
  }
  return cases.map((one, at) => {
    const nsPerOperation = spread(samples[at]!);
    return {
      group: group.name,
      operation: group.operation,
      name: one.name,
      nsPerOperation,
      operationsPerSecond: 1e9 / nsPerOperation.median,
      samplesNs: samples[at]!,
    };
  });
}

/** Times a blocking stretch of `operations` operations. */
export function timed(operations: number, run: () => void): Sample {
  const start = performance.now();
  run();
  return { operations, elapsedMs: performance.now() - start };
}

export async function timedAsync(operations: number, run: () => Promise<void>): Promise<Sample> {
  const start = performance.now();
  await run();
  return { operations, elapsedMs: performance.now() - start };
}

/** Fails a benchmark whose subject did not do its work. */
export function check(condition: boolean, message: string): asserts condition {
  if (!condition) throw new Error(`benchmark: ${message}`);
}
