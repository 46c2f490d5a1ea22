/** Writes of which every byte has to arrive. */
import { EngineError, ErrorCode } from '@arena-level/common/base/errors';
import { type FileDesc, fileName } from '@arena-level/common/storage/file-desc';

/**
 * Throws when fewer bytes were written than asked for. Node returns a short count, without an error, when the disk
 * fills up in the middle of a write; the system error that the next write would have met is named as the cause.
 */
export function requireWholeWrite(written: number, asked: number, file: FileDesc): void {
  if (written === asked) return;
  const cause = Object.assign(new Error('ENOSPC: the write ended early'), { code: 'ENOSPC', errno: -28 });
  throw new EngineError(
    ErrorCode.IoError,
    `write ${fileName(file)} failed: ${written} of ${asked} bytes were written`,
    { file: fileName(file), cause },
  );
}
