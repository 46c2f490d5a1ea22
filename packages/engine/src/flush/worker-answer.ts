/**
 * What a worker sent, checked for shape before anything reads it. Whether its numbers and hashes are true is
 * checked against the arena and the file by whoever commits the table.
 */
import { EngineError, ErrorCode } from '@arena-level/common/base/errors';
import { HASH_BYTES } from '@arena-level/common/merkle/hashing';
import type {
  CompactedTable,
  CompactionTimings,
  CompactResponse,
} from '@arena-level/common/protocol/compaction-protocol';
import type {
  FlushResponse,
  FlushTimings,
  PrepareResponse,
  VerifyResponse,
} from '@arena-level/common/protocol/flush-protocol';
import type { WireError } from '@arena-level/common/protocol/wire-error';
import type { TableSummary } from '@arena-level/common/table/table-options';

/** An object of unknown origin: every field may be absent, or anything. */
type Untrusted = Readonly<Record<string, unknown>>;

const CODES: ReadonlySet<unknown> = new Set(Object.values(ErrorCode));

/** Throws ARENA_WORKER_FAILED for anything that is not an answer to a flush. */
export function checkFlushResponse(answer: unknown): FlushResponse {
  const { kind, table, dropped, timings, error } = fieldsOf(answer);
  if (kind === 'empty' || kind === 'cancelled') return { kind };
  if (kind === 'failed' && isWireError(error)) return { kind, error };
  if (kind === 'built' && isSummary(table) && isCount(dropped) && isTimings(timings)) {
    return { kind, table, dropped, timings };
  }
  throw noAnswer('flush', answer);
}

export function checkVerifyResponse(answer: unknown): VerifyResponse {
  const { kind, root, storedRoot, entries, blocks, problems, error } = fieldsOf(answer);
  if (kind === 'failed' && isWireError(error)) return { kind, error };
  const rootsFit = isHash(root) && (storedRoot === undefined || isHash(storedRoot));
  if (kind === 'verified' && rootsFit && isCount(entries) && isCount(blocks) && isStrings(problems)) {
    return { kind, root, storedRoot, entries, blocks, problems };
  }
  throw noAnswer('verify', answer);
}

export function checkCompactResponse(answer: unknown): CompactResponse {
  const { kind, tables, entries, dropped, bytesRead, blocksCopied, timings, error } = fieldsOf(answer);
  if (kind === 'cancelled') return { kind };
  if (kind === 'failed' && isWireError(error)) return { kind, error };
  const counts = [entries, dropped, bytesRead, blocksCopied];
  if (
    kind === 'compacted' &&
    isCompactedTables(tables) &&
    areCounts(counts) &&
    isCompactionTimings(timings)
  ) {
    const [read, left, bytes, copied] = counts;
    return {
      kind,
      tables,
      entries: read!,
      dropped: left!,
      bytesRead: bytes!,
      blocksCopied: copied!,
      timings,
    };
  }
  throw noAnswer('compact', answer);
}

export function checkPrepareResponse(answer: unknown): PrepareResponse {
  const { kind, error } = fieldsOf(answer);
  if (kind === 'prepared') return { kind };
  if (kind === 'failed' && isWireError(error)) return { kind, error };
  throw noAnswer('prepare', answer);
}

export function noAnswer(task: string, answer: unknown): EngineError {
  const { kind } = fieldsOf(answer);
  const what = typeof kind === 'string' ? `a malformed '${kind}'` : `a value of type ${typeof answer}`;
  return new EngineError(ErrorCode.WorkerFailed, `a flush worker answered a task '${task}' with ${what}`);
}

export function fieldsOf(value: unknown): Untrusted {
  return typeof value === 'object' && value !== null ? (value as Untrusted) : {};
}

function isSummary(value: unknown): value is TableSummary {
  const { size, entries, blocks, smallest, largest, smallestSequence, largestSequence, root } =
    fieldsOf(value);
  const counts = [size, entries, blocks, smallestSequence, largestSequence];
  return counts.every(isCount) && isBytes(smallest) && isBytes(largest) && isHash(root);
}

function isTimings(value: unknown): value is FlushTimings {
  const { sortMs, buildMs, syncMs, cpuMs } = fieldsOf(value);
  return isDuration(sortMs) && isDuration(buildMs) && isDuration(syncMs) && isDuration(cpuMs);
}

export function isCompactedTables(value: unknown): value is CompactedTable[] {
  return (
    Array.isArray(value) &&
    value.every((item) => {
      const { tempNumber, table } = fieldsOf(item);
      return isCount(tempNumber) && isSummary(table);
    })
  );
}

function isCompactionTimings(value: unknown): value is CompactionTimings {
  const { mergeMs, pausedMs, syncMs, cpuMs } = fieldsOf(value);
  return [mergeMs, pausedMs, syncMs, cpuMs].every(isDuration);
}

function areCounts(values: readonly unknown[]): values is readonly number[] {
  return values.every(isCount);
}

export function isWireError(value: unknown): value is WireError {
  const { code, message } = fieldsOf(value);
  return CODES.has(code) && typeof message === 'string';
}

export function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isDuration(value: unknown): value is number {
  return typeof value === 'number' && value >= 0;
}

/** Bytes of the receiver's own: structured clone turns shared memory into a view of the same memory. */
export function isBytes(value: unknown): value is Uint8Array<ArrayBuffer> {
  return value instanceof Uint8Array && value.buffer instanceof ArrayBuffer;
}

function isHash(value: unknown): value is Uint8Array<ArrayBuffer> {
  return isBytes(value) && value.length === HASH_BYTES;
}

function isStrings(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}
