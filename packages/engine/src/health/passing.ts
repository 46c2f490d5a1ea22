import { ErrorCode, hasCode, isPassing } from '@arena-level/common/base/errors';

/**
 * Whether what failed is worth trying again without being asked: a system call whose cause passes, a worker that a
 * fresh one replaces, memory that other stores give back.
 */
export function passesByItself(error: unknown): boolean {
  return isPassing(error) || hasCode(error, ErrorCode.WorkerFailed) || hasCode(error, ErrorCode.MemoryBudget);
}
