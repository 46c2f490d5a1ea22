import { EngineError, ErrorCode } from '@arena-level/common/base/errors';
import { KIB } from '@arena-level/common/base/limits';
import { CHECKED_LATER, checkCallOptions, FLAG, nameOf, type OptionKinds } from '../options/call-options.ts';
import { type KeyRange, keyRange, type RangeBounds } from './key-range.ts';

export interface StoreIteratorOptions extends RangeBounds {
  /** Descending. Default false. */
  readonly reverse?: boolean | undefined;
  /** Entries handed out in all; -1: any number. Default -1. */
  readonly limit?: number | undefined;
  /** Whether entries carry their keys. Default true. */
  readonly keys?: boolean | undefined;
  /** Whether entries carry their values. Default true. */
  readonly values?: boolean | undefined;
  /**
   * Keep the blocks that are read in the cache. Default: those at which a scan begins, and no others, since a long scan
   * would drive out what is read again.
   */
  readonly fillCache?: boolean | undefined;
  /** A call ends once the entries it has are this large, keys and values together. Default 16 KiB. */
  readonly highWaterMarkBytes?: number | undefined;
}

export interface ResolvedIteratorOptions {
  readonly range: KeyRange;
  readonly reverse: boolean;
  /** Infinity: any number. */
  readonly limit: number;
  readonly keys: boolean;
  readonly values: boolean;
  readonly fillCache: boolean | undefined;
  readonly highWaterMarkBytes: number;
}

const ITERATOR_OPTIONS: OptionKinds = {
  gt: CHECKED_LATER,
  gte: CHECKED_LATER,
  lt: CHECKED_LATER,
  lte: CHECKED_LATER,
  reverse: FLAG,
  limit: CHECKED_LATER,
  keys: FLAG,
  values: FLAG,
  fillCache: FLAG,
  highWaterMarkBytes: CHECKED_LATER,
  snapshot: CHECKED_LATER,
};

/** Throws for an option that is unknown or no flag where one is wanted; `resolveIteratorOptions` checks the rest. */
export function checkIteratorOptions(options: object): void {
  checkCallOptions('iterator', options, ITERATOR_OPTIONS);
}

/** Checks values and fills in the defaults. Copies the bounds. */
export function resolveIteratorOptions(options: StoreIteratorOptions = {}): ResolvedIteratorOptions {
  for (const name of ['gt', 'gte', 'lt', 'lte'] as const) {
    const bound: unknown = options[name];
    if (bound !== undefined && !(bound instanceof Uint8Array)) {
      throw new EngineError(
        ErrorCode.InvalidKey,
        `range option '${name}' must be a Uint8Array, not ${typeof bound}`,
      );
    }
  }
  const limit = integer('limit', options.limit ?? -1, -1);
  return {
    range: keyRange(options),
    reverse: options.reverse ?? false,
    limit: limit < 0 ? Number.POSITIVE_INFINITY : limit,
    keys: options.keys ?? true,
    values: options.values ?? true,
    fillCache: options.fillCache,
    highWaterMarkBytes: integer('highWaterMarkBytes', options.highWaterMarkBytes ?? 16 * KIB, 0),
  };
}

function integer(name: string, value: number, least: number): number {
  if (value === Number.POSITIVE_INFINITY || (Number.isInteger(value) && value >= least)) return value;
  throw new EngineError(
    ErrorCode.InvalidArgument,
    `option '${name}' must be an integer from ${least}, not ${nameOf(value)}`,
  );
}
