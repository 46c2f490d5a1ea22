/** How files of a store are opened on each platform. */
import { closeSync, constants, fstat, fstatSync, lstatSync, openSync, type Stats } from 'node:fs';
import { systemError } from './system-error.ts';

/** Windows has neither O_NOFOLLOW nor O_NONBLOCK nor a way to sync a directory. */
export const ON_WINDOWS: boolean = process.platform === 'win32';

const NO_FOLLOW = constants.O_NOFOLLOW ?? 0;
/** Without it, opening a FIFO would wait for its other end. Regular files do not care. */
const NO_WAIT = constants.O_NONBLOCK ?? 0;

export const OPEN_TO_READ: number = constants.O_RDONLY | NO_FOLLOW | NO_WAIT;
export const OPEN_TO_WRITE: number = constants.O_WRONLY | NO_FOLLOW | NO_WAIT;
export const CREATE_TO_WRITE: number = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL;

/** As LevelDB creates its files. */
export const FILE_MODE = 0o644;

/** Opens a file of the store for a blocking caller: a regular one, and no link to one. */
export function openRegularNow(path: string, flags: number): { number: number; size: number } {
  if (NO_FOLLOW === 0) regularSize(lstatSync(path), path);
  const number = openSync(path, flags);
  try {
    return { number, size: regularSize(fstatSync(number), path) };
  } catch (error) {
    closeSync(number);
    throw error;
  }
}

/** The size of a regular file; throws for a link, a directory or a device. */
export function regularSize(stats: Stats, path: string): number {
  if (stats.isSymbolicLink()) throw systemError('ELOOP', `${path} is a symbolic link`);
  if (stats.isDirectory()) throw systemError('EISDIR', `${path} is a directory`);
  if (!stats.isFile()) throw systemError('EINVAL', `${path} is not a regular file`);
  return stats.size;
}

export function statOpen(number: number): Promise<Stats> {
  return new Promise((done, fail) => {
    fstat(number, (error, stats) => (error ? fail(error) : done(stats)));
  });
}
