import { type EngineError, ErrorCode, errnoOf, isEngineError } from '@arena-level/common/base/errors';
import type { FileProblem } from '../public/public-types.ts';

/**
 * True for what says that bytes are lost: damage, or a disk that cannot read them. Other errors end a repair: what
 * cannot be read for want of descriptors, memory or permission is not lost.
 */
export function isLoss(error: unknown): error is EngineError {
  return isEngineError(error) && (error.code === ErrorCode.Corruption || errnoOf(error) === 'EIO');
}

export function problemOf(file: string, { message, offset }: EngineError): FileProblem {
  return { file, ...(offset === undefined ? {} : { offset }), reason: message };
}
