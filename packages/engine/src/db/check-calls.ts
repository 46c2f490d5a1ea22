/** Checks what a caller hands to a store, before anything is done with it. They throw ARENA_INVALID_ARGUMENT or the code of what is wrong. */
import { EngineError, ErrorCode } from '@arena-level/common/base/errors';
import { isStoreEvent } from '../events/events.ts';
import { checkCallOptions, FLAG, nameOf, type OptionKinds } from '../options/call-options.ts';
import type { RotateOptions } from '../public/public-types.ts';

const ROTATE_OPTIONS: OptionKinds = {
  minBytes: {
    fits: (value) => Number.isInteger(value) && (value as number) >= 0,
    wanted: 'a whole number of bytes',
  },
  waitForFlush: FLAG,
};

export function checkRotateOptions(options: RotateOptions): Required<RotateOptions> {
  checkCallOptions('rotate', options, ROTATE_OPTIONS);
  const { minBytes = 0, waitForFlush = false } = options;
  return { minBytes, waitForFlush };
}

export function checkListener(name: unknown, listener: unknown): void {
  if (!isStoreEvent(name)) {
    throw new EngineError(ErrorCode.InvalidArgument, `there is no event ${nameOf(name)}`);
  }
  if (typeof listener !== 'function') {
    throw new EngineError(
      ErrorCode.InvalidArgument,
      `a listener of '${name}' must be a function, not ${nameOf(listener)}`,
    );
  }
}
