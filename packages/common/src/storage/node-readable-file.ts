import { read, readSync } from 'node:fs';
import { ioError } from '../base/errors.ts';
import type { FileDesc } from './file-desc.ts';
import type { NodeDescriptor } from './node-descriptor.ts';
import type { ReadableFile } from './storage.ts';

/** A file on disk, open for reading. Reads go on until the length is reached or the file ends. */
export class NodeReadableFile implements ReadableFile {
  readonly file: FileDesc;
  readonly size: number;
  readonly #name: string;
  readonly #descriptor: NodeDescriptor;

  /** Owns `descriptor`. `name` is the name the file was found under. */
  constructor(file: FileDesc, name: string, size: number, descriptor: NodeDescriptor) {
    this.file = file;
    this.size = size;
    this.#name = name;
    this.#descriptor = descriptor;
  }

  readNow(target: Uint8Array, start: number, length: number, position: number): number {
    try {
      let total = 0;
      while (total < length) {
        const count = readSync(
          this.#descriptor.number,
          target,
          start + total,
          length - total,
          position + total,
        );
        if (count === 0) break;
        total += count;
      }
      return total;
    } catch (error) {
      throw ioError('reading', this.#name, error);
    }
  }

  async read(target: Uint8Array, start: number, length: number, position: number): Promise<number> {
    try {
      let total = 0;
      while (total < length) {
        const count = await this.#readOnce(target, start + total, length - total, position + total);
        if (count === 0) break;
        total += count;
      }
      return total;
    } catch (error) {
      throw ioError('reading', this.#name, error);
    }
  }

  closeNow(): void {
    try {
      this.#descriptor.closeNow();
    } catch (error) {
      throw ioError('closing', this.#name, error);
    }
  }

  #readOnce(target: Uint8Array, start: number, length: number, position: number): Promise<number> {
    return this.#descriptor.later<number>((number, done) =>
      read(number, target, start, length, position, done),
    );
  }
}
