/**
 * The one error class of the engine. `code` is the contract, `message` is prose.
 *
 * Codes beginning with `LEVEL_` are abstract-level's; where it has none, ours begin with `ARENA_`.
 */
export const ErrorCode = {
  Aborted: 'LEVEL_ABORTED',
  Corruption: 'LEVEL_CORRUPTION',
  DatabaseNotOpen: 'LEVEL_DATABASE_NOT_OPEN',
  HookError: 'LEVEL_HOOK_ERROR',
  InvalidKey: 'LEVEL_INVALID_KEY',
  InvalidValue: 'LEVEL_INVALID_VALUE',
  IoError: 'LEVEL_IO_ERROR',
  IteratorBusy: 'LEVEL_ITERATOR_BUSY',
  IteratorNotOpen: 'LEVEL_ITERATOR_NOT_OPEN',
  Locked: 'LEVEL_LOCKED',
  NotSupported: 'LEVEL_NOT_SUPPORTED',
  ReadOnly: 'LEVEL_READONLY',
  SnapshotNotOpen: 'LEVEL_SNAPSHOT_NOT_OPEN',
  /** An argument that is neither a key nor a value has the wrong type or range. */
  InvalidArgument: 'ARENA_INVALID_ARGUMENT',
  /** An option is unknown, of the wrong type or out of range. */
  InvalidOption: 'ARENA_INVALID_OPTION',
  /** A key, a value or a batch is larger than the stated limit. */
  TooLarge: 'ARENA_TOO_LARGE',
  /** More bytes wait to be written than `maxPendingBytes`. */
  WriteBacklog: 'ARENA_WRITE_BACKLOG',
  /** The journal failed in the middle of this write: it may or may not survive a reopen. */
  WriteOutcomeUnknown: 'ARENA_WRITE_OUTCOME_UNKNOWN',
  /** The store has stopped taking writes; reads go on. `cause` is the first failure; see `resume()`. */
  WritesStopped: 'ARENA_WRITES_STOPPED',
  /** The arenas of all open stores together would exceed the process-wide budget. */
  MemoryBudget: 'ARENA_MEMORY_BUDGET',
  /** The directory holds no store and `createIfMissing` is false. */
  StoreMissing: 'ARENA_STORE_MISSING',
  /** The directory holds a store and `errorIfExists` is true. */
  StoreExists: 'ARENA_STORE_EXISTS',
  /** A file of a store that is open read-only was removed by its writer. Open it again. */
  Stale: 'ARENA_STALE',
  /** A flush worker failed: it crashed, ran out of memory or returned data that does not match its arena. */
  WorkerFailed: 'ARENA_WORKER_FAILED',
  /** Too many threads share the store. */
  TooManyThreads: 'ARENA_TOO_MANY_THREADS',
  /** A handle of `share()` was used before, or its port was closed. */
  HandleUsed: 'ARENA_HANDLE_USED',
  /** A thread held old data of the store and did not take part for too long: its iterators and snapshots were given up. */
  ThreadRevoked: 'ARENA_THREAD_REVOKED',
  /** The thread that owns the store had to answer a read of another thread, and did not in time. Read again. */
  OwnerBusy: 'ARENA_OWNER_BUSY',
  /** A broken invariant: a bug of the engine. */
  Internal: 'ARENA_INTERNAL',
} as const;
export type ErrorCode = (typeof ErrorCode)[keyof typeof ErrorCode];

export interface ErrorDetails {
  /** Name of the file concerned, relative to the store. */
  readonly file?: string;
  /** Byte offset in that file. */
  readonly offset?: number;
  readonly cause?: unknown;
}

export class EngineError extends Error {
  /** `AbortError` where a signal ended the operation, as on the web. */
  override readonly name: string;
  readonly code: ErrorCode;
  readonly file?: string;
  readonly offset?: number;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = code === ErrorCode.Aborted ? 'AbortError' : 'EngineError';
    this.code = code;
    if (details.file !== undefined) this.file = details.file;
    if (details.offset !== undefined) this.offset = details.offset;
  }
}

/** Damage in a file of the store, named with file and offset. */
export function corruption(message: string, file: string, offset?: number): EngineError {
  const where = offset === undefined ? file : `${file} at offset ${offset}`;
  return new EngineError(ErrorCode.Corruption, `${where}: ${message}`, {
    file,
    ...(offset === undefined ? {} : { offset }),
  });
}

export function isEngineError(error: unknown): error is EngineError {
  return error instanceof EngineError;
}

export function hasCode(error: unknown, code: ErrorCode): boolean {
  return error instanceof EngineError && error.code === code;
}

/** The errno name (`ENOSPC`, `EIO`, ...) of a failed system call, searched through causes; undefined for other errors. */
export function errnoOf(error: unknown): string | undefined {
  for (let e: unknown = error; e instanceof Error; e = e.cause) {
    const { errno, code } = e as NodeJS.ErrnoException;
    if (typeof errno === 'number' && typeof code === 'string') return code;
  }
  return undefined;
}

/** What was thrown, in words: anything can be thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

export function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}

/** Wraps a failed system call, naming what was done to which file. */
export function ioError(action: string, file: string, cause: unknown): EngineError {
  return new EngineError(ErrorCode.IoError, `${action} ${file} failed: ${messageOf(cause)}`, { file, cause });
}

/** Causes that pass by themselves: a full disk that is emptied, descriptors that are closed, an interrupted call. */
const PASSING_ERRNOS: ReadonlySet<string> = new Set([
  'ENOSPC',
  'EDQUOT',
  'EMFILE',
  'ENFILE',
  'EAGAIN',
  'EBUSY',
  'EINTR',
  'ENOMEM',
]);

export function isPassing(error: unknown): boolean {
  const errno = errnoOf(error);
  return errno !== undefined && PASSING_ERRNOS.has(errno);
}
