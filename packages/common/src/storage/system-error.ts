import { constants } from 'node:os';

/** An error as a failed system call gives it, for storages that fail without one. */
export function systemError(errno: string, call: string): NodeJS.ErrnoException {
  const number = (constants.errno as Readonly<Record<string, number>>)[errno] ?? 5;
  return Object.assign(new Error(`${errno}: ${call}`), { code: errno, errno: -number, syscall: call });
}
