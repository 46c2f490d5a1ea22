/** How directories are made, synced and removed. */
import {
  closeSync,
  constants,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  realpathSync,
  rmdirSync,
  statSync,
} from 'node:fs';
import { basename, dirname, join, resolve, sep } from 'node:path';
import { errnoOf, ioError } from '../base/errors.ts';
import { ON_WINDOWS } from './node-open.ts';

/**
 * Makes a directory and its missing parents, each durably; returns those it made, the outermost first. One that exists
 * is fine, but its name is made durable all the same: whoever made it may have died before that.
 */
export function createDirectory(path: string): string[] {
  const directory = resolve(path);
  const made: string[] = [];
  try {
    makeDirectories(directory, made);
    if (made.length === 0) syncParent(directory);
    return made;
  } catch (error) {
    for (const one of made.reverse()) removeQuietly(one);
    throw ioError('creating directory', path, error);
  }
}

/** What stands at a path: `other` is a file, or a path that leads through one. */
export function whatIsAt(path: string): 'directory' | 'other' | 'nothing' {
  try {
    const stats = statSync(path, { throwIfNoEntry: false });
    if (stats === undefined) return 'nothing';
    return stats.isDirectory() ? 'directory' : 'other';
  } catch (error) {
    if (errnoOf(error) === 'ENOTDIR') return 'other';
    throw ioError('opening', path, error);
  }
}

/** True when a path, whether anything is there or not, leads to a directory or into it, links followed. */
export function isInside(path: string, directory: string): boolean {
  const [inner, outer] = [realPathOf(resolve(path)), realPathOf(resolve(directory))];
  return inner === outer || inner.startsWith(outer.endsWith(sep) ? outer : outer + sep);
}

/** Makes the names in a directory durable. Does nothing on Windows, where that cannot be asked for. */
export function syncDirectoryAt(path: string): void {
  if (ON_WINDOWS) return;
  const number = openSync(path, constants.O_RDONLY);
  try {
    fsyncSync(number);
  } catch (error) {
    ignoreUnsupportedSync(error);
  } finally {
    closeSync(number);
  }
}

/** Removes a directory with nothing in it; false, and no change, when there is something. Its name goes durably. */
export function removeDirectoryIfEmpty(path: string): boolean {
  try {
    rmdirSync(path);
  } catch (error) {
    // Some systems say EEXIST for ENOTEMPTY. A mount point stays, too, and a link to the directory.
    if (['ENOTEMPTY', 'EEXIST', 'EBUSY', 'EINVAL', 'ENOTDIR'].includes(errnoOf(error) ?? '')) return false;
    throw ioError('removing directory', path, error);
  }
  syncParent(resolve(path));
  return true;
}

/** All names in a directory, sorted. */
export function namesIn(path: string): string[] {
  try {
    return readdirSync(path).sort();
  } catch (error) {
    throw ioError('listing', path, error);
  }
}

/** A file system that cannot sync directories answers EINVAL; it then makes names durable in its own way. */
export function ignoreUnsupportedSync(error: unknown): void {
  if (errnoOf(error) !== 'EINVAL') throw error;
}

/** Notes in `made` what was not there. */
function makeDirectories(path: string, made: string[]): void {
  try {
    mkdirSync(path);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' && dirname(path) !== path) {
      makeDirectories(dirname(path), made);
      makeDirectories(path, made);
      return;
    }
    // EEXIST is not the only answer where something exists: a read-only file system says EROFS.
    if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return;
    throw error;
  }
  made.push(path);
  syncDirectoryAt(dirname(path));
}

function removeQuietly(directory: string): void {
  try {
    rmdirSync(directory);
  } catch {
    // An empty directory does no harm.
  }
}

/** The parent of a directory that somebody else made may be closed to us; then its name is their concern. */
function syncParent(path: string): void {
  try {
    syncDirectoryAt(dirname(path));
  } catch (error) {
    const errno = errnoOf(error);
    if (errno !== 'EACCES' && errno !== 'EPERM') throw error;
  }
}

/** Where a path leads, as far as it exists. */
function realPathOf(path: string): string {
  try {
    return realpathSync(path);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT' || dirname(path) === path) throw ioError('opening', path, error);
    return join(realPathOf(dirname(path)), basename(path));
  }
}
