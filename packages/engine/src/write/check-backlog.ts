import { EngineError, ErrorCode } from '@arena-level/common/base/errors';

/** Throws ARENA_WRITE_BACKLOG where writes wait and `recordBytes` more would be too many. One write is taken whatever its size. */
export function checkBacklog(pendingBytes: number, recordBytes: number, maxPendingBytes: number): void {
  if (pendingBytes === 0 || pendingBytes + recordBytes <= maxPendingBytes) return;
  throw new EngineError(
    ErrorCode.WriteBacklog,
    `${pendingBytes} bytes of writes are waiting; ${recordBytes} more would pass maxPendingBytes (${maxPendingBytes})`,
  );
}
