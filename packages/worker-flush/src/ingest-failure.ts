import { EngineError, ErrorCode } from '@arena-level/common/base/errors';
import type { IngestFailure } from '@arena-level/common/protocol/ingest-protocol';
import { toWireError } from '@arena-level/common/protocol/wire-error';
import { UnitError } from './parse-piece.ts';

/** The answer of a task that failed. What a parse function throws is about its input: ARENA_INVALID_ARGUMENT. */
export function ingestFailure(error: unknown): IngestFailure {
  if (!(error instanceof UnitError)) return { kind: 'failed', error: toWireError(error) };
  const { cause, message, unit } = error;
  const told =
    cause instanceof EngineError ? cause : new EngineError(ErrorCode.InvalidArgument, message, { cause });
  return { kind: 'failed', error: toWireError(told), unit };
}
