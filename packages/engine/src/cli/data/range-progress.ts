import type { Store } from '../../db/store.ts';
import type { RangeBounds } from '../../iterator/key-range.ts';
import type { CliIo } from '../command.ts';
import { counted, formatRate } from '../format.ts';
import { ProgressLine } from '../progress-line.ts';

/** Above the keys that people use; a longer one is counted as done a little early. */
const ABOVE_ALL = new Uint8Array(64).fill(0xff);
const BELOW_ALL = new Uint8Array(0);

/**
 * The progress of reading a range, by where its last key stands among the bytes of the tables. That is an estimate, and
 * leaves out what is in journals only.
 */
export class RangeProgress {
  readonly #store: Pick<Store, 'approximateSize'>;
  readonly #line: ProgressLine;
  readonly #from: Uint8Array;
  readonly #to: Uint8Array;
  readonly #isReverse: boolean;
  #totalBytes: number | undefined;

  constructor(
    store: Pick<Store, 'approximateSize'>,
    { gt, gte, lt, lte }: RangeBounds,
    isReverse: boolean,
    io: CliIo,
  ) {
    this.#store = store;
    this.#line = ProgressLine.on(io);
    this.#from = gte ?? gt ?? BELOW_ALL;
    this.#to = lt ?? lte ?? ABOVE_ALL;
    this.#isReverse = isReverse;
  }

  /** `entries` have been read, `key` being the last. */
  async update(entries: number, key: Uint8Array): Promise<void> {
    if (!this.#line.isDue) return;
    this.#totalBytes ??= await this.#store.approximateSize(this.#from, this.#to);
    const done = this.#isReverse
      ? await this.#store.approximateSize(key, this.#to)
      : await this.#store.approximateSize(this.#from, key);
    this.#line.update(() => ({
      parts: [counted(entries, 'entry', 'entries'), formatRate(entries, this.#line.elapsedMs)],
      done,
      total: this.#totalBytes,
    }));
  }

  clear(): void {
    this.#line.clear();
  }
}
