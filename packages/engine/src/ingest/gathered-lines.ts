import type { PieceMemory } from './piece-memory.ts';

const LF = 10;

/** Bytes of a source that are not given away yet, in the memory of the piece that they will be. */
export class GatheredLines {
  readonly #memory: PieceMemory;
  #buffer: Uint8Array<SharedArrayBuffer>;
  bytes = 0;

  constructor(memory: PieceMemory, capacity: number) {
    this.#memory = memory;
    this.#buffer = memory.take(capacity);
  }

  add(part: Uint8Array): void {
    const end = this.bytes + part.length;
    if (end > this.#buffer.length) {
      const grown = this.#memory.take(Math.max(end, 2 * this.#buffer.length));
      grown.set(this.#buffer.subarray(0, this.bytes));
      this.#memory.giveBack(this.#buffer);
      this.#buffer = grown;
    }
    this.#buffer.set(part, this.bytes);
    this.bytes = end;
  }

  /** All whole lines; undefined when there is none. `capacity`: of what the rest goes to. */
  takeLines(capacity: number): Uint8Array<SharedArrayBuffer> | undefined {
    const all = this.takeAll();
    const end = all.lastIndexOf(LF) + 1;
    const rest = all.subarray(end);
    this.bytes = rest.length;
    if (end === 0) return undefined;
    this.#buffer = this.#memory.take(Math.max(capacity, rest.length));
    this.#buffer.set(rest);
    return all.subarray(0, end);
  }

  /** What is there, lines or not; nothing can be added then. */
  takeAll(): Uint8Array<SharedArrayBuffer> {
    const all = this.#buffer.subarray(0, this.bytes);
    this.bytes = 0;
    return all;
  }
}
