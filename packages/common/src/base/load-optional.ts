import { createRequire } from 'node:module';

/**
 * An optional native package, or undefined where it is not installed or has no binary for this platform. The
 * caller has a JavaScript implementation that gives the same bytes.
 *
 * `from` is the module whose package depends on it (`import.meta.url` there); by default that is this package.
 *
 * `ARENA_LEVEL_NATIVE=0` in the environment leaves all of them out, for comparing and for finding faults.
 */
export function loadOptional<T>(name: string, from: string | URL = import.meta.url): T | undefined {
  if (process.env['ARENA_LEVEL_NATIVE'] === '0') return undefined;
  try {
    return createRequire(from)(name) as T;
  } catch {
    return undefined;
  }
}
