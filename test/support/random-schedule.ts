import type { Prng } from '@arena-level/common/base/prng';

/**
 * Completes the asynchronous operations of a `MemoryStorage` in an order drawn from a seed, some turns of the event
 * loop later: a sync may so be overtaken by writes and by other syncs that were called after it.
 */
export class RandomSchedule {
  readonly #prng: Prng;
  readonly #waiting: (() => void)[] = [];

  constructor(prng: Prng) {
    this.#prng = prng;
  }

  /** For `MemoryStorageOptions.schedule`. */
  readonly add = (complete: () => void): void => {
    this.#waiting.push(complete);
    if (this.#waiting.length === 1) setImmediate(this.#turn);
  };

  readonly #turn = (): void => {
    if (!this.#prng.oneIn(3)) {
      const [complete] = this.#waiting.splice(this.#prng.below(this.#waiting.length), 1);
      complete!();
    }
    if (this.#waiting.length > 0) setImmediate(this.#turn);
  };
}
