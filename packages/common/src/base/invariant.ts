import { EngineError, ErrorCode } from './errors.ts';

/** Throws when the engine itself is wrong. The message is static: building one costs on hot paths. */
export function invariant(condition: boolean, message: string): asserts condition {
  if (!condition) throw new EngineError(ErrorCode.Internal, `invariant broken: ${message}`);
}

export function assertNever(value: never): never {
  throw new EngineError(ErrorCode.Internal, `unexpected case: ${String(value)}`);
}
