import { EngineError, ErrorCode, errnoOf, messageOf } from '../base/errors.ts';

/**
 * An error as plain data. Structured clone keeps message and stack but drops `code` and class, so errors cross
 * threads as this and are rebuilt on the other side.
 */
export interface WireError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly stack?: string;
  readonly file?: string;
  readonly offset?: number;
  /** System error name, when a system call failed. */
  readonly errno?: string;
}

export function toWireError(error: unknown): WireError {
  const errno = errnoOf(error);
  const base = {
    message: messageOf(error),
    ...(error instanceof Error && error.stack !== undefined ? { stack: error.stack } : {}),
    ...(errno === undefined ? {} : { errno }),
  };
  if (!(error instanceof EngineError)) return { code: ErrorCode.Internal, ...base };
  return {
    code: error.code,
    ...base,
    ...(error.file === undefined ? {} : { file: error.file }),
    ...(error.offset === undefined ? {} : { offset: error.offset }),
  };
}

export function fromWireError(wire: WireError): EngineError {
  const cause =
    wire.errno === undefined
      ? undefined
      : Object.assign(new Error(wire.message), { code: wire.errno, errno: -1 });
  const error = new EngineError(wire.code, wire.message, {
    ...(wire.file === undefined ? {} : { file: wire.file }),
    ...(wire.offset === undefined ? {} : { offset: wire.offset }),
    ...(cause === undefined ? {} : { cause }),
  });
  if (wire.stack !== undefined) error.stack = wire.stack;
  return error;
}
