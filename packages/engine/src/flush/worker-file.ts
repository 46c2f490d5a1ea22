import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { EngineError, ErrorCode } from '@arena-level/common/base/errors';
import { flushWorkerUrl } from '@arena-level/worker-flush/worker-url';

/**
 * The file that worker threads run: the one given, or the one that comes with the package. Throws ARENA_INVALID_OPTION when
 * it is not there, as in an application that was bundled, so that this is said by the open and not by the first flush.
 */
export function workerFile(given: string | undefined): string {
  const url = given ?? flushWorkerUrl.href;
  if (existsSync(url.startsWith('file:') ? fileURLToPath(url) : url)) return url;
  const what =
    given === undefined
      ? `the worker's file ${url} is not there`
      : `option 'workerUrl' names ${url}, which is not there`;
  throw new EngineError(
    ErrorCode.InvalidOption,
    `${what}: set option 'workerUrl' to where arena-level/worker was put when this application was bundled, ` +
      "or open the store with flush: 'inline'",
  );
}
