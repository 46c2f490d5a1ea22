/** The options of a database, as abstract-level forwards them, in the engine's words. */
import { EngineError, ErrorCode } from '@arena-level/common/base/errors';
import { nameOf } from '../options/call-options.ts';
import { OPEN_OPTIONS, resolveOptions, type OpenOptions as StoreOptions } from '../options/options.ts';
import type { OpenOptions } from './level-types.ts';

/**
 * What the engine takes of them. Other names are left alone: abstract-level hands options to hooks, which may have their own.
 * Throws LEVEL_NOT_SUPPORTED for `multithreading`, and ARENA_INVALID_OPTION.
 */
export function storeOptions(options: OpenOptions): StoreOptions {
  const { multithreading, compression } = options;
  if (multithreading === true) {
    throw new EngineError(
      ErrorCode.NotSupported,
      "option 'multithreading' is not supported: a store belongs to the thread that opened it",
    );
  }
  if (multithreading !== undefined && typeof multithreading !== 'boolean') {
    throw new EngineError(ErrorCode.InvalidOption, "option 'multithreading' must be true or false");
  }
  const picked: Partial<Record<keyof StoreOptions, unknown>> = {};
  for (const name of OPEN_OPTIONS) {
    const value = options[name];
    if (value !== undefined) picked[name] = value;
  }
  if (typeof compression === 'boolean') picked.compression = compression ? 'snappy' : 'none';
  return picked as StoreOptions;
}

/** Throws what the open would reject with for these options, for the caller of the constructor to see. */
export function checkOptions(options: OpenOptions): void {
  checkIsObject(options);
  // abstract-level takes anything for these two and makes it a flag.
  const { createIfMissing, errorIfExists, ...checked } = options;
  resolveOptions(storeOptions(checked));
}

export function checkIsObject(options: object): void {
  if (typeof options !== 'object' || Array.isArray(options)) {
    throw new EngineError(
      ErrorCode.InvalidOption,
      `the second argument 'options' must be an object, not ${nameOf(options)}`,
    );
  }
}
