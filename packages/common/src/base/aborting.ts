import { EngineError, ErrorCode } from './errors.ts';

/** Throws LEVEL_ABORTED with these words once the signal has fired. */
export function throwIfAborted(signal: AbortSignal | undefined, words: string): void {
  if (signal?.aborted === true) throw new EngineError(ErrorCode.Aborted, words);
}

/** The outcome of work, or LEVEL_ABORTED as soon as the signal says so; the work goes on then. */
export async function unlessAborted(
  work: Promise<void>,
  signal: AbortSignal | undefined,
  words: string,
): Promise<void> {
  if (signal === undefined) return await work;
  let onAbort!: () => void;
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(new EngineError(ErrorCode.Aborted, words));
    signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
