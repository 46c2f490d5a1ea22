/** The command line, checked as a whole before anything is measured. */
import { parseArgs } from 'node:util';
import { KIB, MIB } from '@arena-level/common/base/limits';
import { OptionError } from '../cities/options.ts';
import { ENGINES } from '../engines/all-engines.ts';
import { MIN_KEY_BYTES, VALUE_HEADER_BYTES } from '../workloads/dataset.ts';
import type { Settings } from '../workloads/workload.ts';

export { OptionError };

/** What every command that measures takes. */
export interface Arguments {
  readonly settings: Settings;
  readonly engines: readonly string[];
  readonly batches: readonly number[];
  readonly reads: readonly ('sync' | 'await')[];
  readonly repeat: number;
  readonly seed: number;
  /** Records per second that arrive; undefined: half of what the engine takes. */
  readonly rate: number | undefined;
  /** Requests per second. */
  readonly requestRate: number;
  /** CPU of one request, in microseconds. */
  readonly workUs: number;
  readonly hours: number;
  readonly maxRecords: number;
  readonly write: boolean;
  readonly instructions: boolean;
  readonly dir: string | undefined;
  readonly out: string | undefined;
}

export interface Defaults {
  readonly records: number;
  readonly engines: readonly string[];
  readonly batches: readonly number[];
  readonly repeat: number;
  /** In seconds; undefined: until all records are done. */
  readonly duration?: number;
}

const OPTIONS = {
  engine: { type: 'string', multiple: true },
  batch: { type: 'string' },
  read: { type: 'string' },
  records: { type: 'string' },
  reads: { type: 'string' },
  'key-size': { type: 'string' },
  'value-size': { type: 'string' },
  compressible: { type: 'string' },
  'write-buffer': { type: 'string' },
  cache: { type: 'string' },
  duration: { type: 'string' },
  'write-rate': { type: 'string' },
  rate: { type: 'string' },
  requests: { type: 'string' },
  work: { type: 'string' },
  hours: { type: 'string' },
  'max-records': { type: 'string' },
  write: { type: 'boolean' },
  instructions: { type: 'boolean' },
  repeat: { type: 'string' },
  seed: { type: 'string' },
  file: { type: 'string' },
  key: { type: 'string', multiple: true },
  dir: { type: 'string' },
  out: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const;

export type OptionName = keyof typeof OPTIONS;

/** Of all commands that measure what one chooses: entries, stores, how often, and where things lie. */
export const COMMON_OPTIONS: readonly OptionName[] = [
  'engine',
  'batch',
  'key-size',
  'value-size',
  'compressible',
  'write-buffer',
  'cache',
  'repeat',
  'seed',
  'dir',
  'out',
];
type Values = ReturnType<typeof parseArgs<{ options: typeof OPTIONS }>>['values'];

export interface CommandLine {
  readonly help: boolean;
  readonly positionals: readonly string[];
  readonly values: Values;
}

/** Throws OptionError for an option that `known` does not list. */
export function parseCommandLine(args: readonly string[], known: readonly OptionName[]): CommandLine {
  // `pnpm bench -- --records 5` hands the lone `--` on.
  const own = args.filter((arg) => arg !== '--');
  let parsed: { values: Values; positionals: string[] };
  try {
    parsed = parseArgs({ args: own, options: OPTIONS, strict: true, allowPositionals: true });
  } catch (error) {
    throw new OptionError(error instanceof Error ? error.message : String(error));
  }
  for (const name of Object.keys(parsed.values)) {
    if (name !== 'help' && !known.includes(name as OptionName)) {
      throw new OptionError(`--${name} means nothing here`);
    }
  }
  return { help: parsed.values.help === true, positionals: parsed.positionals, values: parsed.values };
}

/** For commands that take options only. */
export function refusePositionals({ positionals }: CommandLine): void {
  if (positionals.length > 0) throw new OptionError(`'${positionals[0]}' means nothing here`);
}

export function argumentsOf(values: Values, defaults: Defaults): Arguments {
  const records = integer('--records', values.records, defaults.records, 100, 1_000_000_000);
  const duration = optionalNumber('--duration', values.duration, 0.1, 86_400) ?? defaults.duration;
  return {
    settings: {
      records,
      reads: integer('--reads', values.reads, records, 100, 1_000_000_000),
      keyBytes: integer('--key-size', values['key-size'], 16, MIN_KEY_BYTES, KIB),
      valueBytes: integer('--value-size', values['value-size'], 100, VALUE_HEADER_BYTES, MIB),
      compressible: optionalNumber('--compressible', values.compressible, 0, 1) ?? 0.5,
      writeBufferBytes: integer('--write-buffer', values['write-buffer'], 32, 1, 1024) * MIB,
      cacheBytes: integer('--cache', values.cache, 64, 1, 4000) * MIB,
      durationMs: duration === undefined ? undefined : duration * 1000,
      writeRate: integer('--write-rate', values['write-rate'], 20_000, 100, 10_000_000),
      file: values.file,
      keyFields: values.key ?? [],
    },
    engines: engineNames(values.engine ?? defaults.engines),
    batches: list('--batch', values.batch)?.map((text) => integer('--batch', text, 1, 1, 100_000)) ?? [
      ...defaults.batches,
    ],
    reads: list('--read', values.read)?.map(readKind) ?? ['sync', 'await'],
    repeat: integer('--repeat', values.repeat, defaults.repeat, 1, 100),
    seed: integer('--seed', values.seed, 1, 0, 0xffff_ffff),
    rate: values.rate === undefined ? undefined : integer('--rate', values.rate, 0, 100, 100_000_000),
    requestRate: integer('--requests', values.requests, 300, 1, 100_000),
    workUs: integer('--work', values.work, 300, 0, 1_000_000),
    hours: optionalNumber('--hours', values.hours, 0.001, 1000) ?? 1,
    maxRecords: integer('--max-records', values['max-records'], 64_000_000, 100, 1_000_000_000),
    write: values.write === true,
    instructions: values.instructions === true,
    dir: values.dir,
    out: values.out,
  };
}

/** Each name once and in the order of all engines; `all` is all. */
export function engineNames(wanted: readonly string[]): string[] {
  const parts = wanted.flatMap((text) => text.split(',')).map((text) => text.trim());
  const known = ENGINES.map(({ name }) => name);
  for (const part of parts) {
    if (part !== 'all' && !known.includes(part)) {
      throw new OptionError(`there is no engine '${part}'; there are ${known.join(', ')}`);
    }
  }
  return known.filter((name) => parts.includes(name) || parts.includes('all'));
}

/** For commands that write in batches of one size. Throws OptionError. */
export function checkOneBatch({ batches }: Pick<Arguments, 'batches'>): void {
  if (batches.length !== 1) throw new OptionError('--batch must be one number of records here');
}

/** Each part once: twice the same would be taken for one more repetition. */
function list(option: string, text: string | undefined): string[] | undefined {
  if (text === undefined) return undefined;
  const parts = text.split(',').map((part) => part.trim());
  if (parts.some((part) => part === '')) throw new OptionError(`${option} has an empty part in '${text}'`);
  return [...new Set(parts)];
}

function readKind(text: string): 'sync' | 'await' {
  if (text === 'sync' || text === 'await') return text;
  throw new OptionError(`--read must be sync or await, not '${text}'`);
}

function integer(
  option: string,
  text: string | undefined,
  byDefault: number,
  least: number,
  most: number,
): number {
  if (text === undefined) return byDefault;
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= least && value <= most)) {
    throw new OptionError(`${option} must be a whole number from ${least} to ${most}, not '${text}'`);
  }
  return value;
}

function optionalNumber(
  option: string,
  text: string | undefined,
  least: number,
  most: number,
): number | undefined {
  if (text === undefined) return undefined;
  const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= least && value <= most)) {
    throw new OptionError(`${option} must be a number from ${least} to ${most}, not '${text}'`);
  }
  return value;
}
