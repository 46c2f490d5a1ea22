/**
 * Storage in a directory on disk, by node:fs.
 *
 * Owned by one thread; another opens its own from `spec`. Only plain descriptors are used: a FileHandle closes its
 * file when collected, at a moment nobody chooses.
 *
 * On Windows a directory cannot be synced, so creations, renames and removals become durable when the file system
 * does it by itself, and a file that is open cannot be removed or renamed.
 */
import {
  constants,
  fsync,
  fsyncSync,
  link,
  lstatSync,
  mkdirSync,
  open,
  openSync,
  readdirSync,
  renameSync,
  unlink,
  unlinkSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { corruption, errnoOf, ioError } from '../base/errors.ts';
import { invariant } from '../base/invariant.ts';
import { type FileDesc, FileType, fileName, isLostName, legacyName, parseFileName } from './file-desc.ts';
import { NodeDescriptor } from './node-descriptor.ts';
import { ignoreUnsupportedSync, removeDirectoryIfEmpty, syncDirectoryAt } from './node-directory.ts';
import {
  CREATE_TO_WRITE,
  FILE_MODE,
  ON_WINDOWS,
  OPEN_TO_READ,
  OPEN_TO_WRITE,
  openRegularNow,
  regularSize,
  statOpen,
} from './node-open.ts';
import { NodeReadableFile } from './node-readable-file.ts';
import { NodeSync } from './node-sync.ts';
import { NodeWritableFile } from './node-writable-file.ts';
import type { ReadableFile, Storage, WritableFile } from './storage.ts';
import type { StorageSpec } from './storage-spec.ts';
import { meansCopy } from './system-error.ts';

/** Where files go that nothing may read any more but nobody may delete. */
const LOST_FOLDER = 'lost';

const FSYNC = { now: fsyncSync, later: fsync };

export class NodeStorage implements Storage {
  readonly location: string;
  readonly spec: StorageSpec;
  #directory: { readonly descriptor: NodeDescriptor; readonly sync: NodeSync } | undefined;

  /** The directory must exist when the first file is touched; see `createDirectory`. */
  constructor(directory: string) {
    this.location = resolve(directory);
    this.spec = { kind: 'node', directory: this.location };
  }

  listNow(): FileDesc[] {
    const files: FileDesc[] = [];
    for (const name of this.#naming('listing', this.location, () => readdirSync(this.location))) {
      const file = parseFileName(name);
      if (file !== undefined) files.push(file);
    }
    return files;
  }

  sizeNow(file: FileDesc): number | undefined {
    return this.#naming('measuring', fileName(file), () => {
      for (const name of namesOf(file)) {
        const path = this.#path(name);
        const stats = lstatSync(path, { throwIfNoEntry: false });
        if (stats !== undefined) return regularSize(stats, path);
      }
      return undefined;
    });
  }

  createNow(file: FileDesc): WritableFile {
    const name = fileName(file);
    const path = this.#path(name);
    const number = this.#naming('creating', name, () => openSync(path, CREATE_TO_WRITE, FILE_MODE));
    return new NodeWritableFile(file, path, new NodeDescriptor(number));
  }

  openWriteNow(file: FileDesc): WritableFile {
    const name = fileName(file);
    const path = this.#path(name);
    const { number } = this.#naming('opening', name, () => openRegularNow(path, OPEN_TO_WRITE));
    return new NodeWritableFile(file, path, new NodeDescriptor(number));
  }

  openReadNow(file: FileDesc): ReadableFile {
    return this.#naming('opening', fileName(file), () =>
      firstFoundNow(file, (name) => {
        const { number, size } = openRegularNow(this.#path(name), OPEN_TO_READ);
        return new NodeReadableFile(file, name, size, new NodeDescriptor(number));
      }),
    );
  }

  async openRead(file: FileDesc): Promise<ReadableFile> {
    try {
      return await firstFound(file, (name) => this.#openReadable(file, name));
    } catch (error) {
      throw ioError('opening', fileName(file), error);
    }
  }

  readAllNow(file: FileDesc, limitBytes: number): Uint8Array<ArrayBuffer> {
    const opened = this.openReadNow(file);
    try {
      if (opened.size > limitBytes) throw corruption(`larger than ${limitBytes} bytes`, fileName(file));
      const bytes = new Uint8Array(opened.size);
      const length = opened.readNow(bytes, 0, bytes.length, 0);
      return length === bytes.length ? bytes : bytes.slice(0, length);
    } finally {
      opened.closeNow();
    }
  }

  renameNow(from: FileDesc, to: FileDesc): void {
    this.#naming('renaming', fileName(from), () =>
      firstFoundNow(from, (name) => renameSync(this.#path(name), this.#path(fileName(to)))),
    );
  }

  async linkTable(source: StorageSpec | undefined, file: FileDesc): Promise<boolean> {
    invariant(file.type === FileType.Table, 'only tables are linked: they are never written again');
    if (source === undefined) return false;
    const target = this.#path(fileName(file));
    try {
      await firstFound(file, (name) => linkLater(join(source.directory, name), target));
      return true;
    } catch (error) {
      if (meansCopy(errnoOf(error))) return false;
      throw ioError('linking', fileName(file), error);
    }
  }

  removeNow(file: FileDesc): void {
    this.#naming('removing', fileName(file), () => {
      try {
        firstFoundNow(file, (name) => unlinkSync(this.#path(name)));
      } catch (error) {
        if (errnoOf(error) !== 'ENOENT') throw error;
      }
    });
  }

  async remove(file: FileDesc): Promise<void> {
    try {
      await firstFound(file, (name) => unlinkLater(this.#path(name)));
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') throw ioError('removing', fileName(file), error);
    }
  }

  /** The new name is durable on return, so that a crash finds the file in one of the two places, or in both. */
  quarantineNow(file: FileDesc): string {
    return this.#naming('quarantining', fileName(file), () => {
      this.#createLostFolder();
      return firstFoundNow(file, (name) => {
        const target = this.#freeLostName(name);
        renameSync(this.#path(name), this.#path(target));
        syncDirectoryAt(this.#path(LOST_FOLDER));
        return target;
      });
    });
  }

  emptyLostNow(): string[] {
    return this.#naming('emptying', LOST_FOLDER, () => {
      const folder = this.#path(LOST_FOLDER);
      if (!lstatSync(folder, { throwIfNoEntry: false })?.isDirectory()) return [];
      const removed: string[] = [];
      for (const entry of readdirSync(folder, { withFileTypes: true })) {
        if (!entry.isFile() || !isLostName(entry.name)) continue;
        unlinkSync(join(folder, entry.name));
        removed.push(`${LOST_FOLDER}/${entry.name}`);
      }
      removeDirectoryIfEmpty(folder);
      return removed;
    });
  }

  syncDirectoryNow(): void {
    if (ON_WINDOWS) return;
    this.#naming('syncing directory', this.location, () => {
      const { sync } = this.#openDirectory();
      try {
        sync.now();
      } catch (error) {
        this.#dropDirectory(sync);
        ignoreUnsupportedSync(error);
      }
    });
  }

  async syncDirectory(): Promise<void> {
    if (ON_WINDOWS) return;
    try {
      const { sync } = this.#openDirectory();
      try {
        await sync.later();
      } catch (error) {
        this.#dropDirectory(sync);
        ignoreUnsupportedSync(error);
      }
    } catch (error) {
      throw ioError('syncing directory', this.location, error);
    }
  }

  closeNow(): void {
    if (this.#directory !== undefined) this.#dropDirectory(this.#directory.sync);
  }

  #path(name: string): string {
    return join(this.location, name);
  }

  #naming<T>(action: string, name: string, call: () => T): T {
    try {
      return call();
    } catch (error) {
      throw ioError(action, name, error);
    }
  }

  async #openReadable(file: FileDesc, name: string): Promise<ReadableFile> {
    const path = this.#path(name);
    if (ON_WINDOWS) regularSize(lstatSync(path), path);
    const descriptor = new NodeDescriptor(await openLater(path, OPEN_TO_READ));
    try {
      const size = regularSize(await statOpen(descriptor.number), path);
      return new NodeReadableFile(file, name, size, descriptor);
    } catch (error) {
      descriptor.closeNow();
      throw error;
    }
  }

  #openDirectory(): { readonly descriptor: NodeDescriptor; readonly sync: NodeSync } {
    if (this.#directory !== undefined) return this.#directory;
    const openOne = (): NodeDescriptor => new NodeDescriptor(openSync(this.location, constants.O_RDONLY));
    const descriptor = openOne();
    this.#directory = { descriptor, sync: new NodeSync(descriptor, openOne, FSYNC) };
    return this.#directory;
  }

  /** A directory is synced again after a failure, once what it should hold was made anew: by a fresh descriptor. */
  #dropDirectory(sync: NodeSync): void {
    if (this.#directory?.sync !== sync) return;
    sync.closeNow();
    this.#directory.descriptor.closeNow();
    this.#directory = undefined;
  }

  #createLostFolder(): void {
    const path = this.#path(LOST_FOLDER);
    const stats = lstatSync(path, { throwIfNoEntry: false });
    if (stats?.isDirectory()) return;
    mkdirSync(path);
    syncDirectoryAt(this.location);
  }

  #freeLostName(name: string): string {
    for (let n = 0; ; n++) {
      const target = n === 0 ? join(LOST_FOLDER, name) : join(LOST_FOLDER, `${name}.${n}`);
      if (lstatSync(this.#path(target), { throwIfNoEntry: false }) === undefined) return target;
    }
  }
}

function namesOf(file: FileDesc): string[] {
  const legacy = legacyName(file);
  return legacy === undefined ? [fileName(file)] : [fileName(file), legacy];
}

/** Does something under the file's name or, where that does not exist, under its legacy name. */
function firstFoundNow<T>(file: FileDesc, act: (name: string) => T): T {
  try {
    return act(fileName(file));
  } catch (error) {
    const legacy = legacyName(file);
    if (legacy === undefined || errnoOf(error) !== 'ENOENT') throw error;
    try {
      return act(legacy);
    } catch (legacyError) {
      throw errnoOf(legacyError) === 'ENOENT' ? error : legacyError;
    }
  }
}

async function firstFound<T>(file: FileDesc, act: (name: string) => Promise<T>): Promise<T> {
  try {
    return await act(fileName(file));
  } catch (error) {
    const legacy = legacyName(file);
    if (legacy === undefined || errnoOf(error) !== 'ENOENT') throw error;
    try {
      return await act(legacy);
    } catch (legacyError) {
      throw errnoOf(legacyError) === 'ENOENT' ? error : legacyError;
    }
  }
}

function openLater(path: string, flags: number): Promise<number> {
  return new Promise((done, fail) => {
    open(path, flags, (error, number) => (error ? fail(error) : done(number)));
  });
}

function linkLater(from: string, to: string): Promise<void> {
  return new Promise((done, fail) => {
    link(from, to, (error) => (error ? fail(error) : done()));
  });
}

function unlinkLater(path: string): Promise<void> {
  return new Promise((done, fail) => {
    unlink(path, (error) => (error ? fail(error) : done()));
  });
}
