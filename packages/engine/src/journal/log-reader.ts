/**
 * Reads a log file from its beginning, a piece at a time, and hands out its records (`log-parser.ts`).
 *
 * A step is taken per READ_BYTES of file; memory is that plus the largest record that spans blocks.
 */
import { corruption } from '@arena-level/common/base/errors';
import { KIB } from '@arena-level/common/base/limits';
import { type Steps, wait } from '@arena-level/common/base/steps';
import { fileName } from '@arena-level/common/storage/file-desc';
import type { ReadableFile } from '@arena-level/common/storage/storage';
import { BLOCK_BYTES } from './log-format.ts';
import { type LogEnd, LogParser, type LogReadOptions, type OnRecord } from './log-parser.ts';

/** A multiple of BLOCK_BYTES. */
const READ_BYTES = 256 * KIB;

/** `betweenReads`: what is done with the records of one piece before the next is read. */
export function* readLog(
  file: ReadableFile,
  onRecord: OnRecord,
  options: LogReadOptions = {},
  betweenReads?: () => Steps<void>,
): Steps<LogEnd> {
  const parser = new LogParser(file.size, onRecord, options);
  for (let position = 0; position < file.size; position += READ_BYTES) {
    const from = position;
    const length = Math.min(READ_BYTES, file.size - from);
    // A new window each time: a read that was taken over, blocking, may still write to the window it was given.
    const window = new Uint8Array(length);
    const count = yield* wait(
      () => file.readNow(window, 0, length, from),
      () => file.read(window, 0, length, from),
    );
    if (count !== length)
      throw corruption(
        'the file is shorter than it was when it was opened',
        fileName(file.file),
        from + count,
      );
    for (let start = 0; start < length; start += BLOCK_BYTES) {
      if (parser.takeBlock(window, start, Math.min(start + BLOCK_BYTES, length), from + start))
        return parser.finish();
    }
    if (betweenReads !== undefined) yield* betweenReads();
  }
  return parser.finish();
}
