/** Largest buffer that the code under test asked for, in bytes: parsers make theirs with `new Uint8Array(length)`. */
export interface Allocations {
  largest: number;
  total: number;
}

/**
 * Runs `action` with every `new Uint8Array(length)` counted. A length that is absurd is refused at once, so that a bug
 * does not take the machine down.
 */
export function watchAllocations(action: () => void): Allocations {
  const allocations: Allocations = { largest: 0, total: 0 };
  const original = globalThis.Uint8Array;
  globalThis.Uint8Array = new Proxy(original, {
    construct(target, args: unknown[], newTarget: unknown) {
      const [length] = args;
      if (typeof length === 'number') {
        allocations.largest = Math.max(allocations.largest, length);
        allocations.total += length;
        if (length > ABSURD_BYTES) throw new Error(`${length} bytes were asked for`);
      }
      return Reflect.construct(
        target,
        args,
        newTarget === globalThis.Uint8Array ? target : (newTarget as never),
      );
    },
  });
  try {
    action();
  } finally {
    globalThis.Uint8Array = original;
  }
  return allocations;
}

const ABSURD_BYTES = 256 * 1024 * 1024;
