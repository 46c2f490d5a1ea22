import { type FileHandle, open } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { CommandError } from '../errors.ts';
import type { SourceChunks } from './source-item.ts';

const PIECE_BYTES = 256 * 1024;

/** An input opened for one pass, counting what has been read of it. */
export class Source {
  /** Bytes in all; undefined when that is not known before the end. */
  readonly bytesTotal: number | undefined;
  readonly #stream: Readable;
  readonly #interrupt: AbortSignal;
  /** Of a file whose size is known. */
  readonly #file: FileHandle | undefined;
  #bytesRead = 0;

  private constructor(
    stream: Readable,
    interrupt: AbortSignal,
    file?: { readonly handle: FileHandle; readonly bytes: number },
  ) {
    this.#stream = stream;
    this.bytesTotal = file?.bytes;
    this.#file = file?.handle;
    this.#interrupt = interrupt;
  }

  /** Opens a file, or `stdin` for `-`. */
  static async open(path: string, stdin: Readable, interrupt: AbortSignal): Promise<Source> {
    if (path === '-') return new Source(stdin, interrupt);
    try {
      const file = await open(path);
      const status = await file.stat();
      if (status.isDirectory()) {
        await file.close();
        throw new CommandError(`cannot read '${path}': it is a directory`);
      }
      const stream = file.createReadStream({ highWaterMark: PIECE_BYTES });
      return new Source(
        stream,
        interrupt,
        status.isFile() ? { handle: file, bytes: status.size } : undefined,
      );
    } catch (error) {
      throw error instanceof CommandError ? error : readError(path, error);
    }
  }

  get bytesRead(): number {
    return this.#bytesRead;
  }

  /** The bytes, once. Ends early when the user interrupts, also while it waits for input. */
  async *chunks(): SourceChunks {
    const stop = (): void => void this.#stream.destroy();
    this.#interrupt.addEventListener('abort', stop);
    try {
      if (this.#interrupt.aborted) return;
      for await (const chunk of this.#stream as AsyncIterable<Uint8Array>) {
        this.#bytesRead += chunk.length;
        yield chunk;
      }
    } catch (error) {
      if (!this.#interrupt.aborted) throw error;
    } finally {
      this.#interrupt.removeEventListener('abort', stop);
      this.#stream.destroy();
    }
  }

  /** The same, each chunk good until the next one is asked for: in memory that is used again, where it is a file. */
  async *passingChunks(): AsyncGenerator<Uint8Array> {
    if (this.#file === undefined) {
      yield* this.chunks();
      return;
    }
    const buffer = Buffer.allocUnsafeSlow(PIECE_BYTES);
    while (!this.#interrupt.aborted) {
      const { bytesRead } = await this.#file.read(buffer, 0, PIECE_BYTES, this.#bytesRead);
      if (bytesRead === 0 || this.#interrupt.aborted) return;
      this.#bytesRead += bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
  }

  /** Lets go of the input when it was not read to its end. */
  close(): void {
    this.#stream.destroy();
  }
}

function readError(path: string, error: unknown): CommandError {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT') return new CommandError(`cannot read '${path}': there is no such file`);
  if (code === 'EACCES') return new CommandError(`cannot read '${path}': permission denied`);
  return new CommandError(`cannot read '${path}': ${message}`);
}
