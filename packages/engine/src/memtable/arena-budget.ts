/**
 * Process-wide bound on the bytes of all arenas, whatever store or thread they belong to.
 *
 * The count lives in shared memory that worker threads inherit as environment data from the thread that loaded
 * this module before them; threads without such a common ancestor count apart. What a terminated thread held is
 * given back only with the process.
 */
import { totalmem } from 'node:os';
import { getEnvironmentData, setEnvironmentData } from 'node:worker_threads';
import { EngineError, ErrorCode } from '@arena-level/common/base/errors';
import { KIB, MIB } from '@arena-level/common/base/limits';

const ENVIRONMENT_KEY = 'arena-level.arena-budget.v1';
/** Words of the shared count, in units of UNIT_BYTES so that they fit in an Int32. */
const USED = 0;
const LIMIT = 1;
const UNIT_BYTES = 4 * KIB;

const words = sharedWords();

function sharedWords(): Int32Array {
  const inherited = getEnvironmentData(ENVIRONMENT_KEY) as unknown;
  if (inherited instanceof SharedArrayBuffer) return new Int32Array(inherited);
  const shared = new SharedArrayBuffer(2 * Int32Array.BYTES_PER_ELEMENT);
  const fresh = new Int32Array(shared);
  fresh[LIMIT] = units(totalmem() / 2);
  // The typings admit JSON only; the runtime clones, and a clone of shared memory is the same memory.
  setEnvironmentData(ENVIRONMENT_KEY, shared as unknown as string);
  return fresh;
}

function units(bytes: number): number {
  return Math.min(Math.ceil(bytes / UNIT_BYTES), 2 ** 31 - 1);
}

/** Bytes of all arenas now, and their bound. */
export function arenaBudget(): { readonly usedBytes: number; readonly limitBytes: number } {
  return {
    usedBytes: Atomics.load(words, USED) * UNIT_BYTES,
    limitBytes: Atomics.load(words, LIMIT) * UNIT_BYTES,
  };
}

/** Sets the bound. Default: half of the machine's memory. Arenas that exist stay. */
export function setArenaBudget(limitBytes: number): void {
  if (!Number.isFinite(limitBytes) || limitBytes < MIB) {
    throw new EngineError(
      ErrorCode.InvalidArgument,
      `the arena budget must be at least ${MIB} bytes, not ${limitBytes}`,
    );
  }
  Atomics.store(words, LIMIT, units(limitBytes));
}

/** Counts an arena in. Throws ARENA_MEMORY_BUDGET, counting nothing, when the bound would be passed. */
export function reserveArenaBytes(bytes: number): void {
  const wanted = units(bytes);
  const used = Atomics.add(words, USED, wanted) + wanted;
  if (used <= Atomics.load(words, LIMIT)) return;
  Atomics.sub(words, USED, wanted);
  const { usedBytes, limitBytes } = arenaBudget();
  throw new EngineError(
    ErrorCode.MemoryBudget,
    `an arena of ${bytes} bytes does not fit in the budget: ${usedBytes} of ${limitBytes} bytes are in use (see setArenaBudget)`,
  );
}

export function releaseArenaBytes(bytes: number): void {
  Atomics.sub(words, USED, units(bytes));
}
