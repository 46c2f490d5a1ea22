import { MAX_ARENA_ENTRIES } from '@arena-level/common/arena/layout';
import { EngineError, ErrorCode } from '@arena-level/common/base/errors';
import { MAX_BATCH_BYTES, MAX_KEY_BYTES, MAX_VALUE_BYTES } from '@arena-level/common/base/limits';
import { deleteRecordBytes, putRecordBytes } from '@arena-level/common/key/batch-record';
import { BATCH_RECORD_PROBLEMS, batchRecordEnd } from '../journal/batch-codec.ts';
import { checkCallOptions, FLAG, nameOf, type OptionKinds } from '../options/call-options.ts';
import type { BatchOperation, WriteOptions } from '../public/public-types.ts';

/** Throws unless `key` is bytes of a legal length. An empty key is legal. */
export function checkKey(key: unknown): asserts key is Uint8Array {
  if (!(key instanceof Uint8Array)) {
    throw new EngineError(ErrorCode.InvalidKey, `a key must be a Uint8Array, not ${nameOf(key)}`);
  }
  if (key.length > MAX_KEY_BYTES) {
    throw new EngineError(
      ErrorCode.TooLarge,
      `a key of ${key.length} bytes is over the limit of ${MAX_KEY_BYTES}`,
    );
  }
}

/** Throws unless `value` is bytes of a legal length. An empty value is legal. */
export function checkValue(value: unknown): asserts value is Uint8Array {
  if (!(value instanceof Uint8Array)) {
    throw new EngineError(ErrorCode.InvalidValue, `a value must be a Uint8Array, not ${nameOf(value)}`);
  }
  if (value.length > MAX_VALUE_BYTES) {
    throw new EngineError(
      ErrorCode.TooLarge,
      `a value of ${value.length} bytes is over the limit of ${MAX_VALUE_BYTES}`,
    );
  }
}

/** Checks a whole batch before anything of it is taken in, and returns the bytes of its records. */
export function checkBatch(operations: readonly BatchOperation[]): number {
  const recordBytes = checkOperations(operations);
  if (operations.length > MAX_ARENA_ENTRIES) {
    throw new EngineError(
      ErrorCode.TooLarge,
      `a batch of ${operations.length} operations is over the limit of ${MAX_ARENA_ENTRIES}`,
    );
  }
  return recordBytes;
}

function checkOperations(operations: unknown): number {
  if (!Array.isArray(operations)) {
    throw new EngineError(
      ErrorCode.InvalidArgument,
      `a batch must be an array of operations, not ${nameOf(operations)}`,
    );
  }
  let recordBytes = 0;
  for (let i = 0; i < operations.length; i++) recordBytes += checkOperation(operations[i], i);
  if (recordBytes > MAX_BATCH_BYTES) {
    throw new EngineError(
      ErrorCode.TooLarge,
      `a batch of ${recordBytes} bytes is over the limit of ${MAX_BATCH_BYTES}`,
    );
  }
  return recordBytes;
}

function checkOperation(operation: unknown, index: number): number {
  if (typeof operation !== 'object' || operation === null) {
    throw new EngineError(
      ErrorCode.InvalidArgument,
      `operation ${index} of the batch must be an object, not ${nameOf(operation)}`,
    );
  }
  const { type, key, value } = operation as Partial<Extract<BatchOperation, { type: 'put' }>>;
  try {
    if ((type as unknown) === 'del') {
      checkKey(key);
      return deleteRecordBytes(key.length);
    }
    if (type === 'put') {
      checkKey(key);
      checkValue(value);
      return putRecordBytes(key.length, value.length);
    }
  } catch (error) {
    if (error instanceof EngineError)
      throw new EngineError(error.code, `operation ${index} of the batch: ${error.message}`);
    throw error;
  }
  throw new EngineError(
    ErrorCode.InvalidArgument,
    `operation ${index} of the batch has type ${nameOf(type)}; it must be 'put' or 'del'`,
  );
}

/** Throws unless bytes[start, end) are so many batch records: another thread says so. */
export function checkRecords(bytes: Uint8Array, start: number, end: number, entries: number): void {
  let found = 0;
  for (let at = start; at < end; found++) {
    const next = batchRecordEnd(bytes, at, end);
    if (next < 0) {
      const problem = BATCH_RECORD_PROBLEMS[-next - 1]!;
      throw new EngineError(
        ErrorCode.InvalidArgument,
        `a batch of another thread, record ${found} at offset ${at - start}: ${problem}`,
      );
    }
    at = next;
  }
  if (found !== entries) {
    throw new EngineError(
      ErrorCode.InvalidArgument,
      `a batch of another thread states ${entries} records and holds ${found}`,
    );
  }
}

const WRITE_OPTIONS: OptionKinds = { sync: FLAG };

/** Whether the caller waits for the disk. */
export function wantsSync(options: WriteOptions | undefined): boolean {
  if (options === undefined) return false;
  checkCallOptions('write', options, WRITE_OPTIONS);
  return options.sync === true;
}
