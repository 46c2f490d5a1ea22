/** Reading of command lines: options as `node:util` has them, positionals by name, numbers and choices checked. */
import { type ParseArgsConfig, parseArgs } from 'node:util';
import { UsageError } from './errors.ts';

export type OptionTable = NonNullable<ParseArgsConfig['options']>;

type Parsed<O extends OptionTable> = ReturnType<
  typeof parseArgs<{ options: O; allowPositionals: true; strict: true }>
>;

export interface Positional {
  readonly name: string;
  /** What is missing without it. */
  readonly what: string;
}

export const DIRECTORY: Positional = { name: 'DIR', what: 'the directory of the store' };

/** Options and all positionals, as they stand. Throws UsageError. */
export function readOptions<O extends OptionTable>(args: readonly string[], options: O): Parsed<O> {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true, strict: true });
  } catch (error) {
    // Node's message is one sentence and a hint about '--' that only confuses here.
    const message = error instanceof Error ? error.message.split(/\.\s/)[0]! : String(error);
    const [, ambiguous] = /^Option '(?:-\w, )?(--[\w-]+)' argument is ambiguous/.exec(message) ?? [];
    throw new UsageError(
      ambiguous === undefined
        ? message.replace(/^\w/, (first) => first.toLowerCase())
        : `${ambiguous} is followed by a dash; for an argument that begins with one write ${ambiguous}=-…`,
    );
  }
}

/** The same with as many positionals as are named, none of them empty. */
export function readArguments<O extends OptionTable>(
  args: readonly string[],
  options: O,
  positionals: readonly Positional[],
): Parsed<O> {
  const parsed = readOptions(args, options);
  const given = parsed.positionals;
  for (const [index, { name, what }] of positionals.entries()) {
    if (given[index] === undefined || (given[index] === '' && name === DIRECTORY.name))
      throw new UsageError(`no ${name} given: ${what}`);
  }
  const extra = given[positionals.length];
  if (extra !== undefined) throw new UsageError(`there is an argument too many: '${extra}'`);
  return parsed;
}

export function choice<T extends string>(option: string, value: string, values: readonly T[]): T {
  const found = values.find((candidate) => candidate === value);
  if (found === undefined)
    throw new UsageError(`${option} must be one of ${values.join(', ')}, not '${value}'`);
  return found;
}

export function integer(option: string, text: string, least: number, most: number): number {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= least && value <= most)) {
    throw new UsageError(`${option} must be a whole number from ${least} to ${most}, not '${text}'`);
  }
  return value;
}
