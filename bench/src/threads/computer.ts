import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Computed, ComputeJob, Work } from './jobs.ts';

const STEPS_PER_TURN = 10_000;

/**
 * Keeps a core busy and shares nothing with anybody: what the owner loses beside it, it loses for want of cores, and readers
 * that take no more are not to blame.
 */
export class Computer implements Work<Computed> {
  readonly #stop: Int32Array<SharedArrayBuffer>;
  #word = 1;

  constructor({ stop }: ComputeJob) {
    this.#stop = new Int32Array(stop);
  }

  async warmUp(): Promise<void> {
    this.#compute();
    await nextTurn();
  }

  async run(): Promise<Computed> {
    const before = Atomics.load(this.#stop, 0);
    let turns = 0;
    do {
      this.#compute();
      turns++;
      await nextTurn();
    } while (Atomics.load(this.#stop, 0) === before);
    return { turns, word: this.#word };
  }

  #compute(): void {
    let word = this.#word;
    for (let step = 0; step < STEPS_PER_TURN; step++) {
      word ^= word << 13;
      word ^= word >>> 17;
      word ^= word << 5;
    }
    this.#word = word;
  }
}
