import { fdatasync, fdatasyncSync, ftruncateSync, openSync, write, writeSync } from 'node:fs';
import { ioError } from '../base/errors.ts';
import { invariant } from '../base/invariant.ts';
import { type FileDesc, fileName } from './file-desc.ts';
import { NodeDescriptor } from './node-descriptor.ts';
import { OPEN_TO_WRITE } from './node-open.ts';
import { NodeSync } from './node-sync.ts';
import type { WritableFile } from './storage.ts';

const FDATASYNC = { now: fdatasyncSync, later: fdatasync };

/** A file on disk, open for writing. A write is one system call: a short count is the caller's to see. */
export class NodeWritableFile implements WritableFile {
  readonly file: FileDesc;
  readonly #descriptor: NodeDescriptor;
  readonly #sync: NodeSync;

  /** Owns `descriptor`, which was opened on `path`. */
  constructor(file: FileDesc, path: string, descriptor: NodeDescriptor) {
    this.file = file;
    this.#descriptor = descriptor;
    this.#sync = new NodeSync(descriptor, () => reopen(path, descriptor), FDATASYNC);
  }

  writeNow(bytes: Uint8Array, start: number, end: number, position: number): number {
    try {
      return writeSync(this.#descriptor.number, bytes, start, end - start, position);
    } catch (error) {
      throw this.#failed('writing', error);
    }
  }

  write(bytes: Uint8Array, start: number, end: number, position: number): Promise<number> {
    return this.#descriptor
      .later<number>((number, done) => write(number, bytes, start, end - start, position, done))
      .catch((error: unknown) => {
        throw this.#failed('writing', error);
      });
  }

  syncNow(): void {
    try {
      this.#sync.now();
    } catch (error) {
      throw this.#failed('syncing', error);
    }
  }

  sync(): Promise<void> {
    return this.#sync.later().catch((error: unknown) => {
      throw this.#failed('syncing', error);
    });
  }

  truncateNow(size: number): void {
    try {
      ftruncateSync(this.#descriptor.number, size);
    } catch (error) {
      throw this.#failed('truncating', error);
    }
  }

  closeNow(): void {
    try {
      this.#sync.closeNow();
      this.#descriptor.closeNow();
    } catch (error) {
      throw this.#failed('closing', error);
    }
  }

  #failed(action: string, cause: unknown): Error {
    return ioError(action, fileName(this.file), cause);
  }
}

/** Another description of an open file. Its name may have been given to another file since. */
function reopen(path: string, first: NodeDescriptor): NodeDescriptor {
  const second = new NodeDescriptor(openSync(path, OPEN_TO_WRITE));
  if (second.isSameFile(first)) return second;
  second.closeNow();
  invariant(false, 'a file is renamed or replaced only before its first asynchronous sync');
}
