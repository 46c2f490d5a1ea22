import { asError, EngineError, ErrorCode } from '@arena-level/common/base/errors';
import { nameOf } from '../options/call-options.ts';
import { checkKey, checkValue } from '../write/check-entries.ts';
import type { IngestOperation } from './stream-database.ts';

/**
 * The operation that a record stands for. Throws for anything else, naming the record by its index in the stream.
 * `areBytes`: the database takes bytes alone.
 */
export function operationOf<K, V>(record: unknown, index: number, areBytes: boolean): IngestOperation<K, V> {
  try {
    return checked(record, areBytes) as IngestOperation<K, V>;
  } catch (error) {
    const code = error instanceof EngineError ? error.code : ErrorCode.InvalidArgument;
    throw new EngineError(code, `record ${index} of the stream: ${asError(error).message}`);
  }
}

function checked(record: unknown, areBytes: boolean): IngestOperation<unknown, unknown> {
  if (typeof record !== 'object' || record === null) {
    throw new EngineError(
      ErrorCode.InvalidArgument,
      `it must be an object or an entry, not ${nameOf(record)}`,
    );
  }
  if (Array.isArray(record)) {
    if (record.length !== 2) {
      throw new EngineError(ErrorCode.InvalidArgument, `an entry has 2 elements, not ${record.length}`);
    }
    return checkedParts({ type: 'put', key: record[0] as unknown, value: record[1] as unknown }, areBytes);
  }
  const operation = record as { readonly type?: unknown; readonly key?: unknown; readonly value?: unknown };
  const { type, key, value } = operation;
  if (type === undefined) return checkedParts({ type: 'put', key, value }, areBytes);
  if (type === 'put' || type === 'del')
    return checkedParts(operation as IngestOperation<unknown, unknown>, areBytes);
  throw new EngineError(ErrorCode.InvalidArgument, `its type must be 'put' or 'del', not ${nameOf(type)}`);
}

function checkedParts(
  operation: IngestOperation<unknown, unknown>,
  areBytes: boolean,
): IngestOperation<unknown, unknown> {
  const { key } = operation;
  if (areBytes) checkKey(key);
  else if (key === undefined || key === null) {
    throw new EngineError(ErrorCode.InvalidKey, `a key must not be ${key}`);
  }
  if (operation.type === 'del') return operation;
  const { value } = operation;
  if (areBytes) checkValue(value);
  else if (value === undefined || value === null) {
    throw new EngineError(ErrorCode.InvalidValue, `a value must not be ${value}`);
  }
  return operation;
}

/** What a key or a value that is neither a string nor bytes is taken to have. */
const UNKNOWN_BYTES = 256;
/** An operation without its key and value: a few objects. */
const OPERATION_BYTES = 64;

/** About how many bytes of memory an operation holds. */
export function bytesOf(operation: IngestOperation<unknown, unknown>): number {
  const value = operation.type === 'del' ? 0 : bytesOfPart(operation.value);
  return OPERATION_BYTES + bytesOfPart(operation.key) + value;
}

function bytesOfPart(part: unknown): number {
  if (typeof part === 'string') return part.length;
  return ArrayBuffer.isView(part) ? part.byteLength : UNKNOWN_BYTES;
}
