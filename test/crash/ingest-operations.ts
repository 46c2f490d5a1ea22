/** The operations of an ingest, each a function of the seed and its place: the killed and the checking process agree. */
import { Prng } from '@arena-level/common/base/prng';
import type { Change } from './history.ts';

const KEYS = 500;
const MAX_BATCH_CHANGES = 5;
const MAX_VALUE_LENGTH = 300;

export interface IngestOperation {
  readonly changes: readonly Change[];
  readonly sync: boolean;
}

export function ingestOperation(seed: number, index: number): IngestOperation {
  const prng = new Prng(seed ^ Math.imul(index + 1, 0x9e3779b1));
  const length = prng.oneIn(5) ? 2 + prng.below(MAX_BATCH_CHANGES - 1) : 1;
  const changes = Array.from({ length }, (_, i): Change => {
    const key = `k${String(prng.below(KEYS)).padStart(3, '0')}`;
    const value = `${index}.${i}.${'v'.repeat(prng.below(MAX_VALUE_LENGTH))}`;
    return { key, value: prng.oneIn(5) ? undefined : value };
  });
  return { changes, sync: prng.oneIn(20) };
}

/** Goes over an ingest from its beginning. */
export class IngestModel {
  readonly contents = new Map<string, string>();
  readonly #seed: number;
  /** Operations that are in `contents`, and the entries they consist of. */
  operations = 0;
  entries = 0;

  constructor(seed: number) {
    this.#seed = seed;
  }

  /** Takes operations until there are this many entries. False when that is in the middle of an operation. */
  advanceTo(entries: number): boolean {
    while (this.entries < entries) {
      for (const { key, value } of ingestOperation(this.#seed, this.operations).changes) {
        if (value === undefined) this.contents.delete(key);
        else this.contents.set(key, value);
        this.entries++;
      }
      this.operations++;
    }
    return this.entries === entries;
  }
}
