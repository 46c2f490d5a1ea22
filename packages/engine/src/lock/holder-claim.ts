/**
 * The holder file: written whole, taken over by at most one.
 *
 * A file appears under the name `arena.holder` by link or by rename, never half written; its bytes are synced before,
 * so that a power cut does not leave an empty one. Names used, next to `arena.holder`:
 *
 *     arena.holder.<nonce>            what a thread that wants the store has prepared
 *     arena.holder.after-<nonce>      made by the one thread that may replace the holder with that nonce
 *
 * Taking over a dead holder D: link the prepared file to `after-D`, which succeeds for one only; look again whether
 * D is still the holder; rename the prepared file over `arena.holder`; remove `after-D`. Because `after-D` goes only
 * when D is no longer the holder, and a nonce never comes back, somebody slow who gets `after-D` later finds another
 * holder and starts again. One who died between link and rename is the next to be replaced: `after-` that one.
 *
 * With force living holders are replaced as well, and then nothing is promised against several who force at once.
 */
import { randomUUID } from 'node:crypto';
import {
  closeSync,
  constants,
  copyFileSync,
  fdatasyncSync,
  fstatSync,
  linkSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { threadId } from 'node:worker_threads';
import { errnoOf, ioError } from '@arena-level/common/base/errors';
import { invariant } from '@arena-level/common/base/invariant';
import { fileName, HOLDER_FILE } from '@arena-level/common/storage/file-desc';
import { fileIdentity } from './file-identity.ts';
import { encodeHolder } from './holder.ts';
import { type FoundHolder, readHolder } from './holder-file.ts';
import { thisProcess } from './this-process.ts';

const HOLDER_NAME = fileName(HOLDER_FILE);

/** Attempts that may fail because others are taking the same store at the same moment. */
const MAX_ATTEMPTS = 100;

/** Throws when the holder may not be replaced. */
export type CheckReplaceable = (found: FoundHolder) => void;

/** This thread is the holder of a directory, until `release`. */
export class HolderClaim {
  readonly #directory: string;
  readonly #nonce: string;
  readonly #descriptor: number;

  constructor(directory: string, nonce: string, descriptor: number) {
    this.#directory = directory;
    this.#nonce = nonce;
    this.#descriptor = descriptor;
  }

  /** Removes the holder file, unless somebody has replaced it by force. */
  release(): void {
    const path = join(this.#directory, HOLDER_NAME);
    try {
      if (readHolder(path)?.nonce === this.#nonce) rmSync(path, { force: true });
    } finally {
      closeSync(this.#descriptor);
    }
  }
}

/** `lockFile` is the identity of the LOCK file this thread has locked, if it has. */
export function claimHolder(
  directory: string,
  lockFile: string | undefined,
  check: CheckReplaceable,
): HolderClaim {
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const prepared = prepare(directory, lockFile);
    let claimed = false;
    try {
      claimed = tryClaim(directory, prepared, check);
      if (claimed) return new HolderClaim(directory, prepared.nonce, prepared.descriptor);
    } finally {
      if (claimed) sweep(directory, prepared.nonce);
      else discard(prepared);
    }
  }
  throw ioError('claiming', HOLDER_NAME, new Error(`${MAX_ATTEMPTS} attempts were overtaken`));
}

interface Prepared {
  readonly path: string;
  readonly nonce: string;
  readonly descriptor: number;
}

function prepare(directory: string, lockFile: string | undefined): Prepared {
  const nonce = randomUUID();
  const name = `${HOLDER_NAME}.${nonce}`;
  const path = join(directory, name);
  let descriptor: number | undefined;
  try {
    descriptor = openSync(path, 'wx', 0o644);
    const stats = fstatSync(descriptor, { bigint: true });
    const holderFile = fileIdentity(stats);
    // The file system's clock is the one that a person will compare with.
    const since = stats.mtime.toISOString();
    writeFileSync(
      descriptor,
      encodeHolder({ ...thisProcess(), nonce, threadId, descriptor, holderFile, lockFile, since }),
    );
    fdatasyncSync(descriptor);
    return { path, nonce, descriptor };
  } catch (error) {
    if (descriptor !== undefined) discard({ path, nonce, descriptor });
    throw ioError('writing', name, error);
  }
}

function discard({ path, descriptor }: Prepared): void {
  rmSync(path, { force: true });
  closeSync(descriptor);
}

/** False when something changed meanwhile: look again. */
function tryClaim(directory: string, prepared: Prepared, check: CheckReplaceable): boolean {
  const path = join(directory, HOLDER_NAME);
  const current = readHolder(path);
  if (current === undefined) {
    const linked = link(prepared.path, path);
    if (linked === 'done') rmSync(prepared.path, { force: true });
    return linked === 'done';
  }
  const successors: string[] = [];
  for (let last = current; ; ) {
    check(last);
    const successor = join(directory, `${HOLDER_NAME}.after-${last.nonce}`);
    const linked = link(prepared.path, successor);
    if (linked === 'gone') return false;
    successors.push(successor);
    if (linked === 'done') break;
    const next = readHolder(successor);
    if (next === undefined) return false;
    last = next;
  }
  const mine = successors.at(-1);
  invariant(mine !== undefined, 'a successor was linked');
  if (readHolder(path)?.nonce !== current.nonce || !replace(prepared.path, path)) {
    rmSync(mine, { force: true });
    return false;
  }
  for (const successor of successors) rmSync(successor, { force: true });
  return true;
}

/** `exists`: somebody else has that name. `gone`: somebody who became the holder has swept the prepared file away. */
function link(from: string, to: string): 'done' | 'exists' | 'gone' {
  try {
    makeLink(from, to);
    return 'done';
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === 'EEXIST') return 'exists';
    if (errno === 'ENOENT') return 'gone';
    throw ioError('claiming', HOLDER_NAME, error);
  }
}

/** File systems without links are FAT's and some of networks; there a copy, whose writing can be seen, must do. */
const NO_LINKS: ReadonlySet<string | undefined> = new Set([
  'EPERM',
  'ENOTSUP',
  'EOPNOTSUPP',
  'ENOSYS',
  'EINVAL',
  'EMLINK',
]);

function makeLink(from: string, to: string): void {
  try {
    linkSync(from, to);
  } catch (error) {
    if (!NO_LINKS.has(errnoOf(error))) throw error;
    copyFileSync(from, to, constants.COPYFILE_EXCL);
  }
}

function replace(from: string, to: string): boolean {
  try {
    renameSync(from, to);
    return true;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false;
    throw ioError('replacing', HOLDER_NAME, error);
  }
}

/**
 * Removes what dead claimants left. A living one whose prepared file goes finds a living holder when it looks again.
 * Who is replacing the new holder, by force, is let be. What cannot be removed now waits for the next holder.
 */
function sweep(directory: string, nonce: string): void {
  try {
    for (const name of readdirSync(directory)) {
      if (!name.startsWith(`${HOLDER_NAME}.`) || name.includes(nonce)) continue;
      rmSync(join(directory, name), { force: true });
    }
  } catch {
    // The store is ours all the same.
  }
}
