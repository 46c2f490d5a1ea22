/**
 * Cuts pieces of bytes into lines. A line ends with LF or CRLF; the last one may lack its end.
 *
 * Holds at most one line: one that grows past the limit is dropped up to its end and reported by its length
 * being over the limit.
 */
const LF = 10;
const CR = 13;

export interface Line {
  /** From 1. */
  readonly number: number;
  /** Without its end; undefined for a line that is too long. May be a view of the piece it came with. */
  readonly bytes: Buffer | undefined;
}

export class LineSplitter {
  readonly #maxLineBytes: number;
  /** Parts of the line under way, from earlier pieces. */
  #carried: Buffer[] = [];
  #carriedBytes = 0;
  #number = 1;

  constructor(maxLineBytes: number) {
    this.#maxLineBytes = maxLineBytes;
  }

  /** Bytes of the line under way that are kept. */
  get heldBytes(): number {
    return this.#carried.reduce((sum, part) => sum + part.length, 0);
  }

  /** The lines that end in this piece. Their bytes are views of it where possible: it must not be overwritten. */
  push(piece: Uint8Array): Line[] {
    const bytes = Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength);
    const lines: Line[] = [];
    let start = 0;
    for (let end = bytes.indexOf(LF); end >= 0; end = bytes.indexOf(LF, start)) {
      lines.push(this.#finish(bytes.subarray(start, end)));
      start = end + 1;
    }
    this.#carry(bytes.subarray(start));
    return lines;
  }

  /** The last line, when the source does not end with a line end. */
  end(): Line | undefined {
    return this.#carriedBytes === 0 ? undefined : this.#finish(Buffer.alloc(0));
  }

  #carry(part: Buffer): void {
    if (part.length === 0) return;
    this.#carriedBytes += part.length;
    // One byte more is allowed for the CR of a line end.
    if (this.#carriedBytes > this.#maxLineBytes + 1) this.#carried = [];
    else this.#carried.push(part);
  }

  #finish(last: Buffer): Line {
    const number = this.#number++;
    this.#carry(last);
    const total = this.#carriedBytes;
    const whole = this.#carried.length === 1 ? this.#carried[0]! : Buffer.concat(this.#carried);
    this.#carried = [];
    this.#carriedBytes = 0;
    if (total !== whole.length) return { number, bytes: undefined };
    const bytes = whole.at(-1) === CR ? whole.subarray(0, -1) : whole;
    return { number, bytes: bytes.length > this.#maxLineBytes ? undefined : bytes };
  }
}
