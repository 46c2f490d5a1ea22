import { isEngineError } from '@arena-level/common/base/errors';

/** The command line itself is wrong: exit code 2, with a hint to the help. */
export class UsageError extends Error {
  override readonly name: string = 'UsageError';
}

/** Something expected went wrong on the way, told in one line: exit code 1. */
export class CommandError extends Error {
  override readonly name: string = 'CommandError';
}

/** One line for an error: with its code where it is one of the engine's, and no stack. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const message = error.message.split('\n')[0]!;
  return isEngineError(error) ? `${message} (${error.code})` : message;
}
