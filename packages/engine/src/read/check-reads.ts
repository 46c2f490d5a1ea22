/** Checks what a caller hands to a read, before anything is done with it. They throw ARENA_INVALID_ARGUMENT or the code of what is wrong. */
import { EngineError, ErrorCode } from '@arena-level/common/base/errors';
import { CHECKED_LATER, checkCallOptions, FLAG, nameOf, type OptionKinds } from '../options/call-options.ts';
import type { ReadOptions } from '../public/public-types.ts';
import { checkKey } from '../write/check-entries.ts';

/** `what` names the call. */
export function checkKeys(what: string, keys: readonly Uint8Array[]): void {
  if (!Array.isArray(keys)) {
    throw new EngineError(ErrorCode.InvalidArgument, `${what} takes an array of keys, not ${nameOf(keys)}`);
  }
  for (const key of keys) checkKey(key);
}

const READ_OPTIONS: OptionKinds = { snapshot: CHECKED_LATER, fillCache: FLAG };
const NO_OPTIONS: ReadOptions = Object.freeze({});

export function checkReadOptions(options: ReadOptions | undefined): ReadOptions {
  if (options === undefined) return NO_OPTIONS;
  checkCallOptions('read', options, READ_OPTIONS);
  return options;
}
