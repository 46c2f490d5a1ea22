import { EngineError, ErrorCode } from '@arena-level/common/base/errors';

export function abortedStream(reason: unknown): EngineError {
  return new EngineError(ErrorCode.Aborted, 'the stream was aborted', { cause: reason });
}

/** Calls once the signal fires, behind the running call where it has already. Returns how to forget about it. */
export function whenAborted(
  signal: AbortSignal | undefined,
  abort: (error: EngineError) => void,
): () => void {
  if (signal === undefined) return () => {};
  let isForgotten = false;
  const listener = (): void => {
    if (!isForgotten) abort(abortedStream(signal.reason));
  };
  if (signal.aborted) queueMicrotask(listener);
  else signal.addEventListener('abort', listener, { once: true });
  return () => {
    isForgotten = true;
    signal.removeEventListener('abort', listener);
  };
}
