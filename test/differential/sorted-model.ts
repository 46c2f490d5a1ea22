/** The plain model: all there is in a map, sorted anew for each look at it. */
import type { Change, IteratorSpec, ValueSpec } from './operations.ts';

export type ModelEntry = readonly [key: string, value: Uint8Array];

export class SortedModel {
  readonly #values = new Map<string, Uint8Array>();

  apply(changes: readonly Change[]): void {
    for (const { key, value } of changes) {
      if (value === undefined) this.#values.delete(key);
      else this.#values.set(key, valueBytes(value));
    }
  }

  /** All there is now, in the order of the keys. */
  moment(): Moment {
    return new Moment(new Map(this.#values));
  }
}

/** What the model held at one moment. */
export class Moment {
  readonly values: ReadonlyMap<string, Uint8Array>;
  #entries: readonly ModelEntry[] | undefined;

  constructor(values: ReadonlyMap<string, Uint8Array>) {
    this.values = values;
  }

  /** Keys have one byte per character, so that the order of the texts is that of the bytes. */
  get entries(): readonly ModelEntry[] {
    this.#entries ??= [...this.values].sort(([left], [right]) => (left < right ? -1 : 1));
    return this.#entries;
  }
}

/** An iterator over a moment. */
export class ModelIterator {
  readonly #inRange: readonly ModelEntry[];
  readonly #spec: IteratorSpec;
  #at = 0;
  #left: number;

  constructor(moment: Moment, spec: IteratorSpec) {
    const inRange = moment.entries.filter(([key]) => isInRange(key, spec));
    this.#inRange = spec.reverse ? inRange.reverse() : inRange;
    this.#spec = spec;
    this.#left = spec.limit < 0 ? Number.POSITIVE_INFINITY : spec.limit;
  }

  take(count: number): readonly ModelEntry[] {
    const entries = this.#inRange.slice(this.#at, this.#at + Math.min(count, this.#left));
    this.#at += entries.length;
    this.#left -= entries.length;
    return entries;
  }

  seek(target: string): void {
    const { reverse } = this.#spec;
    const at = this.#inRange.findIndex(([key]) => (reverse ? key <= target : key >= target));
    this.#at = at < 0 || !isInRange(target, this.#spec) ? this.#inRange.length : at;
  }
}

/** The lower bound that counts is `gte` where both are there; the operations have at most one of each. */
export function isInRange(key: string, { gt, gte, lt, lte }: IteratorSpec): boolean {
  return (
    (gt === undefined || key > gt) &&
    (gte === undefined || key >= gte) &&
    (lt === undefined || key < lt) &&
    (lte === undefined || key <= lte)
  );
}

/** The first half is noise, the rest compresses well. */
export function valueBytes({ number, length }: ValueSpec): Uint8Array {
  const bytes = Buffer.alloc(length, `${number}.`);
  let state = number;
  for (let i = 0; i < length >>> 1; i++) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    bytes[i] = state >>> 16;
  }
  return bytes;
}
