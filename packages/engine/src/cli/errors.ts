import { errnoOf, isEngineError } from '@arena-level/common/base/errors';

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
  const message = `${error.message.split('\n')[0]!}${hint(error)}`;
  return isEngineError(error) ? `${message} (${error.code})` : message;
}

/** What is wrong with the disk, where the message does not say it: only a cause may. */
function hint(error: Error): string {
  const errno = errnoOf(error);
  if (errno === 'ENOSPC' && !error.message.includes('no space'))
    return ': there is no space left on the disk';
  if (errno === 'EDQUOT') return ': the disk quota is used up';
  return '';
}
