import { resolve } from 'node:path';
import { EngineError, ErrorCode } from '@arena-level/common/base/errors';

/** The absolute path of the directory that a caller names. Throws ARENA_INVALID_ARGUMENT. */
export function directoryOf(location: unknown): string {
  if (typeof location !== 'string' || location === '') {
    throw new EngineError(
      ErrorCode.InvalidArgument,
      'the location of a store must be the path of a directory',
    );
  }
  return resolve(location);
}

export function notADirectory(directory: string): EngineError {
  return new EngineError(
    ErrorCode.InvalidArgument,
    `${directory} is, or leads through, a file; a store is a directory`,
  );
}
