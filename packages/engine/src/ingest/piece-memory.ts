/**
 * Shared memory in which pieces of a source go to threads: what a piece was in serves later ones, since the first touch of
 * memory costs more than a copy. One owner; the threads only read.
 */
import { KIB } from '@arena-level/common/base/limits';

type SharedBytes = Uint8Array<SharedArrayBuffer>;

const LEAST_BYTES: number = 64 * KIB;
/** Memory for more than so many times what is wanted stays where it is. */
const MAX_EXCESS = 4;

export class PieceMemory {
  #free: SharedArrayBuffer[] = [];

  /** So many bytes or more. Anything may be in them. */
  take(bytes: number): SharedBytes {
    const wanted = Math.max(LEAST_BYTES, bytes);
    const at = this.#free.findIndex(
      ({ byteLength }) => byteLength >= wanted && byteLength <= MAX_EXCESS * wanted,
    );
    if (at >= 0) return new Uint8Array(this.#free.splice(at, 1)[0]!);
    // What is too small now is so for all that come: pieces do not shrink, but at the end.
    this.#free = this.#free.filter(({ byteLength }) => byteLength > wanted);
    return new Uint8Array(new SharedArrayBuffer(wanted));
  }

  /** REQUIRES: nobody reads it any more. */
  giveBack({ buffer }: SharedBytes): void {
    this.#free.push(buffer);
  }
}
