/** Damaged, malicious and random inputs for the parsers of every file: a typed error, or a result that is consistent. */
import { type EngineError, ErrorCode, isEngineError } from '@arena-level/common/base/errors';
import { Prng } from '@arena-level/common/base/prng';
import { watchAllocations } from './allocation-watch.ts';
import type { FuzzTarget } from './fuzz-target.ts';
import { Mutator } from './mutator.ts';
import { Watchdog } from './watchdog.ts';

export interface FuzzOptions {
  readonly seed: number;
  readonly inputs: number;
  /** Stops after so many problems. Default 5. */
  readonly maxProblems?: number;
  readonly onProgress?: (report: FuzzReport) => void;
}

export interface FuzzReport {
  tried: number;
  /** Inputs that were taken whole, of each target. */
  readonly taken: Record<string, number>;
  readonly refused: Record<string, number>;
  slowestMs: number;
  /** Spent in each target. */
  readonly tookMs: Record<string, number>;
  readonly problems: string[];
}

/** What a parser may ask for at once: in proportion to the input, or a buffer of its own to begin with. */
const BYTES_PER_INPUT_BYTE = 32;
const BYTES_TO_BEGIN_WITH = 128 * 1024;
/** Of all it asks for, garbage included. */
const TOTAL_PER_INPUT_BYTE = 2_000;
const TOTAL_TO_BEGIN_WITH = 16 * 1024 * 1024;
const MAX_MS = 5_000;
const PROGRESS_EVERY = 1_000;

export async function runFuzz(targets: readonly FuzzTarget[], options: FuzzOptions): Promise<FuzzReport> {
  const { seed, inputs, maxProblems = 5, onProgress } = options;
  const prng = new Prng(seed);
  const mutator = new Mutator(prng);
  const turns = targets.flatMap((target) => new Array<FuzzTarget>(target.weight).fill(target));
  const report: FuzzReport = { tried: 0, taken: {}, refused: {}, slowestMs: 0, tookMs: {}, problems: [] };
  const watchdog = new Watchdog();
  try {
    while (report.tried < inputs && report.problems.length < maxProblems) {
      const target = turns[report.tried % turns.length]!;
      const input = inputFor(target, mutator);
      watchdog.beat(`${target.name}, seed ${seed}, input ${report.tried}`);
      const problem = problemOf(target, input, report);
      if (problem !== undefined) {
        const base64 = Buffer.from(input).toString('base64');
        report.problems.push(
          `${target.name}, seed ${seed}, input ${report.tried}: ${problem}\n  base64 ${base64}`,
        );
      }
      report.tried++;
      if (report.tried % PROGRESS_EVERY === 0) {
        onProgress?.(report);
        await new Promise(setImmediate);
      }
    }
  } finally {
    await watchdog.stop();
  }
  return report;
}

function inputFor(target: FuzzTarget, mutator: Mutator): Uint8Array<ArrayBuffer> {
  const { prng } = mutator;
  if (prng.oneIn(20)) return mutator.random(prng.below(prng.oneIn(10) ? 2_000 : 100));
  const [input, other] = [mutator.pick(target.corpus), mutator.pick(target.corpus)];
  if (target.make !== undefined && prng.oneIn(2)) return target.make(input, other, mutator);
  const bytes = mutator.mutate(input, other);
  if (prng.oneIn(2)) target.repair?.(bytes);
  return bytes;
}

/** One input, to repeat what was found. */
export function problemOf(
  target: FuzzTarget,
  input: Uint8Array<ArrayBuffer>,
  report: FuzzReport,
): string | undefined {
  const { name } = target;
  let problem: string | undefined;
  const began = performance.now();
  const { largest, total } = watchAllocations(() => {
    try {
      const isTaken = target.run(input);
      if (isTaken) report.taken[name] = (report.taken[name] ?? 0) + 1;
    } catch (error) {
      if (isEngineError(error) && isProper(error)) report.refused[name] = (report.refused[name] ?? 0) + 1;
      else problem = String(error instanceof Error ? error.stack : error);
    }
  });
  const tookMs = performance.now() - began;
  report.tookMs[name] = (report.tookMs[name] ?? 0) + tookMs;
  report.slowestMs = Math.max(report.slowestMs, tookMs);
  if (problem !== undefined) return problem;
  if (tookMs > MAX_MS) return `${input.length} bytes took ${tookMs} ms`;
  if (largest > BYTES_TO_BEGIN_WITH + BYTES_PER_INPUT_BYTE * input.length)
    return `a buffer of ${largest} bytes for an input of ${input.length}`;
  if (total > TOTAL_TO_BEGIN_WITH + TOTAL_PER_INPUT_BYTE * input.length)
    return `${total} bytes in all for an input of ${input.length}`;
  return undefined;
}

/** Says what is damaged, or not supported, and in which file. */
function isProper({ code, file }: EngineError): boolean {
  return (code === ErrorCode.Corruption || code === ErrorCode.NotSupported) && file !== undefined;
}
