import { constants } from 'node:os';

/** An error as a failed system call gives it, for storages that fail without one. */
export function systemError(errno: string, call: string): NodeJS.ErrnoException {
  const number = (constants.errno as Readonly<Record<string, number>>)[errno] ?? 5;
  return Object.assign(new Error(`${errno}: ${call}`), { code: errno, errno: -number, syscall: call });
}

/** What a system says that cannot give a file another name there, or no more of them. */
const UNLINKABLE: ReadonlySet<string> = new Set([
  'EXDEV',
  'EPERM',
  'ENOTSUP',
  'EOPNOTSUPP',
  'ENOSYS',
  'EMLINK',
]);

/** True when a hard link failed where a copy may do. */
export function meansCopy(errno: string | undefined): boolean {
  return errno !== undefined && UNLINKABLE.has(errno);
}
