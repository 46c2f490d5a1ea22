/** Every byte of a small store changed, every file cut at every length: an error, or exactly the right data. */
import { Prng } from '@arena-level/common/base/prng';
import { type DamageOutcome, type Files, openDamaged } from './check-damaged.ts';
import { recordOffsets, type SampleStore, sampleStore } from './sample-store.ts';

export interface DamageLoopOptions {
  readonly seed: number;
  /** On average one damage of so many is tried. 1: all. */
  readonly oneIn: number;
  /** Stops after so many problems. Default 5. */
  readonly maxProblems?: number;
}

export interface DamageLoopReport {
  tried: number;
  refused: number;
  readonly problems: string[];
}

interface Damage {
  readonly file: string;
  readonly offset: number;
  readonly what: string;
  readonly bytes: Uint8Array;
}

const FOOTER_BYTES = 48;
const MAGIC_BYTES = 8;

export async function runDamageLoop(options: DamageLoopOptions): Promise<DamageLoopReport> {
  const { seed, oneIn, maxProblems = 5 } = options;
  const prng = new Prng(seed);
  const report: DamageLoopReport = { tried: 0, refused: 0, problems: [] };
  for (const compression of ['none', 'snappy'] as const) {
    const sample = await sampleStore(compression);
    for (const damage of damages(sample.files, prng)) {
      if (!prng.oneIn(oneIn)) continue;
      report.tried++;
      const problem = await problemOf(sample, damage, report);
      if (problem === undefined) continue;
      report.problems.push(`seed ${seed}, ${compression}, ${damage.file} ${damage.what}: ${problem}`);
      if (report.problems.length >= maxProblems) return report;
    }
  }
  return report;
}

function* damages(files: Files, prng: Prng): Generator<Damage> {
  for (const [file, contents] of files) {
    for (let offset = 0; offset < contents.length; offset++) {
      const bit = 1 << prng.below(8);
      const noise = 1 + prng.below(255);
      for (const mask of new Set([bit, 0xff, noise, contents[offset]!])) {
        if (mask === 0) continue;
        const bytes = contents.slice();
        bytes[offset]! ^= mask;
        yield { file, offset, what: `byte ${offset} changed by ${mask}`, bytes };
      }
      yield { file, offset, what: `cut to ${offset} bytes`, bytes: contents.subarray(0, offset) };
    }
  }
}

async function problemOf(
  sample: SampleStore,
  damage: Damage,
  report: DamageLoopReport,
): Promise<string | undefined> {
  let outcome: DamageOutcome;
  try {
    outcome = await openDamaged(sample, new Map([...sample.files, [damage.file, damage.bytes]]));
  } catch (error) {
    return String((error as Error).stack);
  }
  if (outcome.kind === 'refused') {
    report.refused++;
    return undefined;
  }
  const { states, recovery, errors, differing } = outcome;
  if (damage.file.endsWith('.ldb') && !isInPadding(sample, damage) && differing === 0) {
    return 'verify does not report it';
  }
  const all = sample.states.length - 1;
  if (states.includes(all)) return undefined;
  if (errors.length > 0 && states.length === 0) return `wrong data beside an error: ${errors[0]!.message}`;
  const allowed = legalPrefix(sample, damage);
  if (allowed === undefined || !states.includes(allowed))
    return `the data of states ${states.join()}, not ${all}`;
  // At the end of a record the file looks as if nothing had been cut off.
  const isAtRecord = recordOffsets(sample.files.get(damage.file)!).includes(damage.offset);
  if (recovery.tear === undefined && !(damage.what.startsWith('cut') && isAtRecord)) return 'a silent loss';
  return undefined;
}

/**
 * How many records of the journal may be found instead of all: where its end is damaged that cannot be told from what
 * a crash leaves. Undefined: all or none.
 */
function legalPrefix(sample: SampleStore, { file, offset, what }: Damage): number | undefined {
  if (!file.endsWith('.log')) return undefined;
  const offsets = recordOffsets(sample.files.get(file)!);
  const record = offsets.findLastIndex((begin) => begin <= offset);
  const isLast = record === offsets.length - 2;
  // The opening record comes first and holds nothing.
  if (what.startsWith('cut')) return Math.max(record - 1, 0);
  return isLast ? record - 1 : undefined;
}

/** The bytes between the handles and the magic number of a footer mean nothing. */
function isInPadding(sample: SampleStore, { file, offset, what }: Damage): boolean {
  const size = sample.files.get(file)!.length;
  return !what.startsWith('cut') && offset >= size - FOOTER_BYTES && offset < size - MAGIC_BYTES;
}
