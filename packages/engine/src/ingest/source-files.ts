import { createReadStream } from 'node:fs';
import { EngineError, ErrorCode, messageOf } from '@arena-level/common/base/errors';
import { KIB } from '@arena-level/common/base/limits';

const READ_BYTES: number = 256 * KIB;

/** The bytes of a file of the caller's. Throws LEVEL_IO_ERROR naming it. */
export async function* readSourceFile(path: string): AsyncGenerator<unknown> {
  try {
    yield* createReadStream(path, { highWaterMark: READ_BYTES });
  } catch (cause) {
    throw new EngineError(ErrorCode.IoError, `cannot read '${path}': ${messageOf(cause)}`, { cause });
  }
}
