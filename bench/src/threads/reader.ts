import { setImmediate as nextTurn } from 'node:timers/promises';
import { Prng } from '@arena-level/common/base/prng';
import type { ThreadStore } from '../engines/engine.ts';
import { Dataset } from '../workloads/dataset.ts';
import type { ReadJob, Reads, Work } from './jobs.ts';

/** Reads between two turns of the event loop: lmdb shows newer data in another turn only. */
const READS_PER_TURN = 256;
/** Of the values that are read, one in so many is compared byte by byte. */
const CHECK_EVERY = 64;
/** At least, and of the records: enough to have met nearly every block of their tables. */
const WARM_UP_READS = 20_000;
const WARM_UP_SHARE = 0.2;

/** Blocking gets of random records, as fast as they go, in a thread or on the owner itself. */
export class Reader implements Work<Reads> {
  readonly #store: Pick<ThreadStore, 'getSync'>;
  readonly #records: number;
  readonly #stop: Int32Array<SharedArrayBuffer>;
  readonly #data: Dataset;
  readonly #prng: Prng;
  readonly #key: Buffer;
  /** The word as it was before the run. */
  #before = 0;

  constructor(store: Pick<ThreadStore, 'getSync'>, { records, seed, shape, stop }: ReadJob) {
    this.#store = store;
    this.#records = records;
    this.#stop = new Int32Array(stop);
    this.#data = new Dataset(shape);
    this.#prng = new Prng(seed);
    this.#key = this.#data.newKey();
  }

  async warmUp(): Promise<void> {
    const reads = Math.max(WARM_UP_READS, this.#records * WARM_UP_SHARE);
    for (let done = 0; done < reads; done += READS_PER_TURN) {
      this.#readSome();
      await nextTurn();
    }
    this.#before = Atomics.load(this.#stop, 0);
  }

  async run(): Promise<Reads> {
    const startMs = performance.now();
    let turns = 0;
    do {
      this.#readSome();
      turns++;
      await nextTurn();
    } while (Atomics.load(this.#stop, 0) === this.#before);
    return {
      reads: turns * READS_PER_TURN,
      elapsedMs: performance.now() - startMs,
      checked: (turns * READS_PER_TURN) / CHECK_EVERY,
    };
  }

  /** Throws WrongResult when one is missing, or is not what was written. */
  #readSome(): void {
    for (let at = 0; at < READS_PER_TURN; at++) {
      const record = this.#prng.below(this.#records);
      this.#data.writeKey(this.#key, record);
      const found = this.#store.getSync(this.#key);
      if (found === undefined || at % CHECK_EVERY === 0) this.#data.checkValue(found, record, 0);
    }
  }
}
