import { vi } from 'vitest';

/** Runs `step` while no SharedArrayBuffer can be made whose size `isRefused`. */
export function withoutSharedMemory<T>(step: () => T, isRefused: (bytes: number) => boolean = () => true): T {
  const construct = (target: typeof SharedArrayBuffer, [bytes]: [number]): SharedArrayBuffer => {
    if (isRefused(bytes)) throw new RangeError('Array buffer allocation failed');
    return new target(bytes);
  };
  vi.stubGlobal('SharedArrayBuffer', new Proxy(SharedArrayBuffer, { construct }));
  let isPending = false;
  try {
    const result = step();
    if (!(result instanceof Promise)) return result;
    isPending = true;
    return result.finally(() => vi.unstubAllGlobals()) as T;
  } finally {
    if (!isPending) vi.unstubAllGlobals();
  }
}
