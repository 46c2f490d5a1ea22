/**
 * Buffers of batches that are in the ring, for those to come. Memory that is touched for the first time costs more than
 * to fill it, so several are kept: as many batches may wait for room at a time.
 */
export class SpareBuffers {
  readonly #maxBytes: number;
  readonly #buffers: Uint8Array<ArrayBuffer>[] = [];
  #bytes = 0;

  /** Keeps no more than that in all. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  take(): Uint8Array<ArrayBuffer> | undefined {
    const buffer = this.#buffers.pop();
    if (buffer !== undefined) this.#bytes -= buffer.length;
    return buffer;
  }

  /** REQUIRES: nobody else uses it. */
  give(buffer: Uint8Array<ArrayBuffer>): void {
    if (this.#bytes + buffer.length > this.#maxBytes) return;
    this.#buffers.push(buffer);
    this.#bytes += buffer.length;
  }
}
