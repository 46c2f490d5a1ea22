/**
 * Numbers below a bound, small ones far more often: the zipfian distribution of YCSB (Gray et al., "Quickly generating
 * billion-record synthetic databases", 1994), with its constant 0.99.
 */
import type { Prng } from '@arena-level/common/base/prng';

const THETA = 0.99;

export class Zipf {
  readonly #count: number;
  readonly #zetaCount: number;
  readonly #alpha: number = 1 / (1 - THETA);
  readonly #eta: number;

  /** REQUIRES: count >= 2. Takes time in proportion to it. */
  constructor(count: number) {
    this.#count = count;
    this.#zetaCount = zeta(count);
    this.#eta = (1 - (2 / count) ** (1 - THETA)) / (1 - zeta(2) / this.#zetaCount);
  }

  next(prng: Prng): number {
    const uniform = prng.nextU32() / 0x1_0000_0000;
    const scaled = uniform * this.#zetaCount;
    if (scaled < 1) return 0;
    if (scaled < 1 + 0.5 ** THETA) return 1;
    const drawn = Math.floor(this.#count * (this.#eta * uniform - this.#eta + 1) ** this.#alpha);
    return Math.min(this.#count - 1, drawn);
  }
}

function zeta(count: number): number {
  let sum = 0;
  for (let rank = 1; rank <= count; rank++) sum += 1 / rank ** THETA;
  return sum;
}
