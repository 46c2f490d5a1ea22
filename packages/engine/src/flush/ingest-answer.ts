/** What a worker sent in answer to the tasks of an ingest, checked for shape before anything reads it. */
import type {
  EncodedBatch,
  IngestFailure,
  ParsedPiece,
  ParseResponse,
  RunResponse,
  UnloadResponse,
} from '@arena-level/common/protocol/ingest-protocol';
import { fieldsOf, isBytes, isCompactedTables, isCount, isWireError, noAnswer } from './worker-answer.ts';

/** Throws ARENA_WORKER_FAILED for anything that is no answer to the task; so below. */
export function checkParseResponse(answer: unknown): ParseResponse {
  const { kind, parsed, batches } = fieldsOf(answer);
  if (kind === 'parsed' && isParsed(parsed) && areBatches(batches)) return { kind, parsed, batches };
  return failureOf(answer) ?? refuse('parse', answer);
}

export function checkRunResponse(answer: unknown): RunResponse {
  const { kind, parsed, tables } = fieldsOf(answer);
  if (kind === 'run-built' && isParsed(parsed) && isCompactedTables(tables)) return { kind, parsed, tables };
  return failureOf(answer) ?? refuse('build-run', answer);
}

export function checkUnloadResponse(answer: unknown): UnloadResponse {
  const { kind, batches } = fieldsOf(answer);
  if (kind === 'unloaded' && areBatches(batches)) return { kind, batches };
  return failureOf(answer) ?? refuse('unload', answer);
}

function refuse(task: string, answer: unknown): never {
  throw noAnswer(task, answer);
}

function failureOf(answer: unknown): IngestFailure | undefined {
  const { kind, error, unit } = fieldsOf(answer);
  if (kind !== 'failed' || !isWireError(error)) return undefined;
  return isCount(unit) ? { kind, error, unit } : { kind, error };
}

function isParsed(value: unknown): value is ParsedPiece {
  const { units, entries, bytes } = fieldsOf(value);
  return [units, entries, bytes].every(isCount);
}

function areBatches(value: unknown): value is EncodedBatch[] {
  return (
    Array.isArray(value) &&
    value.every((batch) => {
      const { bytes, entries } = fieldsOf(batch);
      return isBytes(bytes) && isCount(entries);
    })
  );
}
