import { EngineError, ErrorCode } from './errors.ts';

/** What `make` gives. Throws ARENA_MEMORY_BUDGET, and says for what, where there is no memory for it. */
export function allocate<T>(forWhat: string, make: () => T): T {
  try {
    return make();
  } catch (cause) {
    throw new EngineError(ErrorCode.MemoryBudget, `there is no memory for ${forWhat}`, { cause });
  }
}
