/**
 * Options of a call, checked like those of `open`: an option that is unknown or of the wrong type is an error, never
 * ignored. A misspelt `sync` would otherwise be a promise that nobody keeps.
 */
import { EngineError, ErrorCode } from '@arena-level/common/base/errors';

/** What the value of an option must be; absent and undefined are always right. */
export interface OptionKind {
  readonly fits: (value: unknown) => boolean;
  /** Behind "must be". */
  readonly wanted: string;
}

export type OptionKinds = Readonly<Record<string, OptionKind>>;

export const FLAG: OptionKind = { fits: (value) => typeof value === 'boolean', wanted: 'true or false' };

export const SIGNAL: OptionKind = { fits: (value) => value instanceof AbortSignal, wanted: 'an AbortSignal' };

/** Whoever uses the value checks it. */
export const CHECKED_LATER: OptionKind = { fits: () => true, wanted: 'anything' };

/** Of calls that may take long. */
export const SIGNAL_AND_PROGRESS: OptionKinds = {
  signal: SIGNAL,
  onProgress: { fits: (value) => typeof value === 'function', wanted: 'a function' },
};

/** Bounds are checked with the range that they make. */
export const CLEAR_RANGE: OptionKinds = {
  gt: CHECKED_LATER,
  gte: CHECKED_LATER,
  lt: CHECKED_LATER,
  lte: CHECKED_LATER,
  reverse: FLAG,
  limit: CHECKED_LATER,
};

export const CHECKPOINT_OPTIONS: OptionKinds = { link: FLAG, ...SIGNAL_AND_PROGRESS };

/** Throws ARENA_INVALID_ARGUMENT naming the option. `what` names the call: 'write', 'read'. */
export function checkCallOptions(what: string, options: object, kinds: OptionKinds): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw invalid(`${what} options must be an object, not ${nameOf(options)}`);
  }
  for (const name in options) {
    if (!Object.hasOwn(kinds, name)) {
      throw invalid(
        `unknown ${what} option '${name}'; there are ${Object.keys(kinds)
          .map((known) => `'${known}'`)
          .join(', ')}`,
      );
    }
    const value: unknown = options[name as keyof typeof options];
    const { fits, wanted } = kinds[name]!;
    if (value !== undefined && !fits(value)) {
      throw invalid(`${what} option '${name}' must be ${wanted}, not ${nameOf(value)}`);
    }
  }
}

/** A value in words, for messages. */
export function nameOf(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (typeof value === 'string')
    return `the string '${value.length > 40 ? `${value.slice(0, 40)}…` : value}'`;
  if (typeof value === 'object') return `an object of class ${value.constructor?.name ?? 'null'}`;
  return `the ${typeof value} ${String(value)}`;
}

function invalid(message: string): EngineError {
  return new EngineError(ErrorCode.InvalidArgument, message);
}
