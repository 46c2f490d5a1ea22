/** The contents of a file in memory: bytes that grow as they are written. */
export class ByteImage {
  /** INVARIANT: zero from `#size` on. */
  #bytes: Uint8Array;
  #size: number;

  constructor(contents?: Uint8Array) {
    this.#bytes = contents === undefined ? new Uint8Array(0) : contents.slice();
    this.#size = this.#bytes.length;
  }

  get size(): number {
    return this.#size;
  }

  /** Writes source[start, end) at `position`; a gap before it reads as zeros. */
  write(source: Uint8Array, start: number, end: number, position: number): void {
    const size = position + end - start;
    if (size > this.#size) this.resize(size);
    this.#bytes.set(source.subarray(start, end), position);
  }

  /** Copies what there is of [position, position + length) and returns how much that was. */
  read(target: Uint8Array, start: number, length: number, position: number): number {
    const end = Math.min(position + length, this.#size);
    if (end <= position) return 0;
    target.set(this.#bytes.subarray(position, end), start);
    return end - position;
  }

  /** Cuts the end off, or extends with zeros. */
  resize(size: number): void {
    if (size > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(size, this.#bytes.length * 2, 256));
      grown.set(this.#bytes);
      this.#bytes = grown;
    }
    if (size < this.#size) this.#bytes.fill(0, size, this.#size);
    this.#size = size;
  }

  zero(start: number, end: number): void {
    this.#bytes.fill(0, start, Math.min(end, this.#size));
  }

  replace(contents: Uint8Array): void {
    this.resize(0);
    this.write(contents, 0, contents.length, 0);
  }

  contents(): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice(0, this.#size) as Uint8Array<ArrayBuffer>;
  }
}
