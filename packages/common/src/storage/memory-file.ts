import { ioError } from '../base/errors.ts';
import { invariant } from '../base/invariant.ts';
import type { ByteImage } from './byte-image.ts';
import { type FileDesc, fileName } from './file-desc.ts';
import type { ReadableFile, WritableFile } from './storage.ts';

export interface Inode {
  readonly id: number;
  readonly image: ByteImage;
}

/** What an open file asks of its storage. */
export interface MemoryDisk {
  /** Runs an action when an asynchronous operation completes. */
  later<T>(action: () => T): Promise<T>;
  /** Returns how much fitted on the disk. */
  write(file: string, inode: Inode, bytes: Uint8Array, position: number): number;
  truncate(file: string, inode: Inode, size: number): void;
  /** `covers` is the length of the trace when the sync was called. */
  sync(file: string, inode: Inode, covers: number, lost: boolean): void;
  readonly traceLength: number;
}

/** A file whose failing sync can lose what it should have made durable, as Linux does. */
export interface SyncLosing {
  /** Marks everything written so far as clean although it is not on the disk. */
  loseUnsynced(): void;
}

export class MemoryWritableFile implements WritableFile, SyncLosing {
  readonly file: FileDesc;
  readonly #disk: MemoryDisk;
  readonly #inode: Inode;
  #closed = false;

  constructor(file: FileDesc, disk: MemoryDisk, inode: Inode) {
    this.file = file;
    this.#disk = disk;
    this.#inode = inode;
  }

  writeNow(bytes: Uint8Array, start: number, end: number, position: number): number {
    this.#assertOpen();
    return this.#write(bytes, start, end, position);
  }

  async write(bytes: Uint8Array, start: number, end: number, position: number): Promise<number> {
    this.#assertOpen();
    return this.#disk.later(() => this.#write(bytes, start, end, position));
  }

  syncNow(): void {
    this.#assertOpen();
    this.#disk.sync(fileName(this.file), this.#inode, this.#disk.traceLength, false);
  }

  async sync(): Promise<void> {
    this.#assertOpen();
    const covers = this.#disk.traceLength;
    return this.#disk.later(() => this.#disk.sync(fileName(this.file), this.#inode, covers, false));
  }

  loseUnsynced(): void {
    this.#disk.sync(fileName(this.file), this.#inode, this.#disk.traceLength, true);
  }

  truncateNow(size: number): void {
    this.#assertOpen();
    this.#disk.truncate(fileName(this.file), this.#inode, size);
  }

  closeNow(): void {
    this.#closed = true;
  }

  #write(bytes: Uint8Array, start: number, end: number, position: number): number {
    try {
      return this.#disk.write(fileName(this.file), this.#inode, bytes.slice(start, end), position);
    } catch (error) {
      throw ioError('writing', fileName(this.file), error);
    }
  }

  #assertOpen(): void {
    invariant(!this.#closed, 'a closed file is not used');
  }
}

export class MemoryReadableFile implements ReadableFile {
  readonly file: FileDesc;
  readonly size: number;
  readonly #disk: MemoryDisk;
  readonly #image: ByteImage;
  #closed = false;

  constructor(file: FileDesc, disk: MemoryDisk, inode: Inode) {
    this.file = file;
    this.size = inode.image.size;
    this.#disk = disk;
    this.#image = inode.image;
  }

  readNow(target: Uint8Array, start: number, length: number, position: number): number {
    this.#assertOpen();
    return this.#image.read(target, start, length, position);
  }

  async read(target: Uint8Array, start: number, length: number, position: number): Promise<number> {
    this.#assertOpen();
    return this.#disk.later(() => this.#image.read(target, start, length, position));
  }

  closeNow(): void {
    this.#closed = true;
  }

  #assertOpen(): void {
    invariant(!this.#closed, 'a closed file is not used');
  }
}
