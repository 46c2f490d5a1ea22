/** Options of a call as abstract-level forwards them to an implementation, in the engine's words. */
import { EngineError, ErrorCode } from '@arena-level/common/base/errors';
import type { RangeBounds } from '../iterator/key-range.ts';
import { nameOf, SIGNAL } from '../options/call-options.ts';
import type { ReadOptions, WriteOptions } from '../public/public-types.ts';
import type { StoreIteratorReadOptions } from '../read/read-path.ts';
import { ArenaSnapshot } from './arena-snapshot.ts';
import { bytesOf, type Encoded } from './encoded.ts';

/** Users' own properties may stand beside these. */
export interface ForwardedReadOptions {
  readonly keyEncoding?: unknown;
  readonly valueEncoding?: unknown;
  readonly snapshot?: unknown;
  readonly fillCache?: boolean | null | undefined;
}

export interface ForwardedWriteOptions {
  readonly keyEncoding?: unknown;
  readonly valueEncoding?: unknown;
  readonly sync?: boolean | null | undefined;
}

export interface ForwardedRange {
  readonly gt?: Encoded;
  readonly gte?: Encoded;
  readonly lt?: Encoded;
  readonly lte?: Encoded;
}

/** Undefined: the defaults. */
export function readOptions({ snapshot, fillCache }: ForwardedReadOptions): ReadOptions | undefined {
  if (snapshot == null && fillCache == null) return undefined;
  return {
    ...(snapshot == null ? {} : { snapshot: ArenaSnapshot.behind(snapshot) }),
    ...(fillCache == null ? {} : { fillCache }),
  };
}

/** Undefined: the defaults. */
export function writeOptions({ sync }: ForwardedWriteOptions): WriteOptions | undefined {
  return sync == null ? undefined : { sync };
}

/** Of two bounds on one side the inclusive one counts, as in the other implementations; the engine has both hold. */
export function boundsOf({ gt, gte, lt, lte }: ForwardedRange): RangeBounds {
  return {
    ...(gte !== undefined ? { gte: bytesOf(gte) } : gt !== undefined ? { gt: bytesOf(gt) } : {}),
    ...(lte !== undefined ? { lte: bytesOf(lte) } : lt !== undefined ? { lt: bytesOf(lt) } : {}),
  };
}

/** Of an iterator, flags set and encodings given. */
export interface ForwardedIteratorOptions extends ForwardedRange, ForwardedReadOptions {
  readonly reverse: boolean;
  readonly highWaterMarkBytes?: number | null;
  readonly signal?: AbortSignal | null;
}

export interface ForwardedEntryOptions extends ForwardedIteratorOptions {
  readonly keys: boolean;
  readonly values: boolean;
}

/** `limit` is counted by abstract-level. Throws ARENA_INVALID_ARGUMENT. */
export function iteratorOptions(
  options: ForwardedIteratorOptions,
  keys: boolean,
  values: boolean,
): StoreIteratorReadOptions {
  const { reverse, highWaterMarkBytes, signal } = options;
  if (signal != null && !SIGNAL.fits(signal)) {
    throw new EngineError(
      ErrorCode.InvalidArgument,
      `option 'signal' must be ${SIGNAL.wanted}, not ${nameOf(signal)}`,
    );
  }
  return {
    ...boundsOf(options),
    ...readOptions(options),
    reverse,
    keys,
    values,
    ...(highWaterMarkBytes == null ? {} : { highWaterMarkBytes }),
  };
}

export interface ForwardedClearOptions extends ForwardedRange, ForwardedReadOptions, ForwardedWriteOptions {
  readonly reverse: boolean;
  /** -1: any number. */
  readonly limit: number;
}
