/**
 * Appends to a file in large blocking writes through one buffer. Nothing is synced here. One owner.
 */
import { ioError } from '../base/errors.ts';
import { KIB } from '../base/limits.ts';
import { fileName } from '../storage/file-desc.ts';
import type { WritableFile } from '../storage/storage.ts';

const BUFFER_BYTES: number = 512 * KIB;

export class FileOutput {
  readonly #file: WritableFile;
  readonly #buffer: Uint8Array<ArrayBuffer> = new Uint8Array(BUFFER_BYTES);
  #buffered = 0;
  /** Bytes of the file that were written. */
  #written = 0;

  constructor(file: WritableFile) {
    this.#file = file;
  }

  /** Offset in the file of what is appended next. */
  get position(): number {
    return this.#written + this.#buffered;
  }

  append(bytes: Uint8Array, start: number, end: number): void {
    if (end - start > BUFFER_BYTES - this.#buffered) {
      this.flush();
      if (end - start >= BUFFER_BYTES) {
        this.#writeAll(bytes, start, end);
        return;
      }
    }
    this.#buffer.set(bytes.subarray(start, end), this.#buffered);
    this.#buffered += end - start;
  }

  /** Hands what is buffered to the file. */
  flush(): void {
    this.#writeAll(this.#buffer, 0, this.#buffered);
    this.#buffered = 0;
  }

  /**
   * After a short count the rest is tried again: a full disk then gives its reason, an interrupted call goes on. No
   * progress at all is an error of its own.
   */
  #writeAll(bytes: Uint8Array, start: number, end: number): void {
    for (let at = start; at < end; ) {
      const count = this.#file.writeNow(bytes, at, end, this.#written);
      if (count <= 0) {
        const cause = new Error(`none of ${end - at} bytes at offset ${this.#written} were written`);
        throw ioError('writing', fileName(this.#file.file), cause);
      }
      this.#written += count;
      at += count;
    }
  }
}
