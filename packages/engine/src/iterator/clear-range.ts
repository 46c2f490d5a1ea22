import { CLEAR_RANGE, checkCallOptions } from '../options/call-options.ts';
import type { ClearRange } from '../public/public-types.ts';
import { resolveIteratorOptions } from './iterator-options.ts';
import type { KeyRange } from './key-range.ts';

export interface CheckedClearRange {
  /** With keys of its own: the caller may reuse his once the call has returned. */
  readonly asked: ClearRange;
  readonly range: KeyRange;
  /** Infinity: any number. */
  readonly limit: number;
}

/** Throws ARENA_INVALID_ARGUMENT or LEVEL_INVALID_KEY, naming the option. */
export function checkClearRange(given: ClearRange): CheckedClearRange {
  checkCallOptions('clear', given, CLEAR_RANGE);
  const { gt, gte, lt, lte, reverse, limit } = given;
  const resolved = resolveIteratorOptions({ gt, gte, lt, lte, reverse, limit });
  const asked = { gt: own(gt), gte: own(gte), lt: own(lt), lte: own(lte), reverse, limit };
  return { asked, range: resolved.range, limit: resolved.limit };
}

function own(bound: Uint8Array | undefined): Uint8Array | undefined {
  return bound === undefined ? undefined : new Uint8Array(bound);
}
