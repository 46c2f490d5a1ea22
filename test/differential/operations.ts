/**
 * Random operations as plain data: drawn from a seed, they can be played again, and again without some of them. What
 * refers to a slot in which there is nothing does nothing.
 */
import type { Prng } from '@arena-level/common/base/prng';

/** A value: so many bytes, which follow from the number. */
export interface ValueSpec {
  readonly number: number;
  readonly length: number;
}

/** Keys are text, one byte per character. Without a value: a deletion. */
export interface Change {
  readonly key: string;
  readonly value?: ValueSpec;
}

export interface IteratorSpec {
  readonly gt?: string;
  readonly gte?: string;
  readonly lt?: string;
  readonly lte?: string;
  readonly reverse: boolean;
  readonly limit: number;
}

export type Operation =
  | { readonly do: 'put' | 'del'; readonly change: Change; readonly sync: boolean; readonly blocks: boolean }
  | {
      readonly do: 'batch';
      readonly changes: readonly Change[];
      readonly sync: boolean;
      readonly blocks: boolean;
    }
  | { readonly do: 'open-snapshot' | 'read-snapshot' | 'close-snapshot'; readonly slot: number }
  | {
      readonly do: 'open-iterator';
      readonly slot: number;
      /** Of this snapshot, if there is one. */
      readonly snapshot?: number;
      readonly range: IteratorSpec;
    }
  | { readonly do: 'step-iterator'; readonly slot: number; readonly steps: number; readonly blocks: boolean }
  | { readonly do: 'seek-iterator'; readonly slot: number; readonly target: string }
  | { readonly do: 'close-iterator'; readonly slot: number }
  | { readonly do: 'get-many'; readonly keys: readonly string[]; readonly snapshot?: number }
  | { readonly do: 'flush' | 'rotate' | 'turn' | 'reopen' | 'check' }
  | {
      readonly do: 'compact';
      readonly start?: string;
      readonly end?: string;
      /** Whether what comes next waits for it. */
      readonly awaited: boolean;
    };

export const SLOTS = 4;
const MAX_VALUE_LENGTH = 65_536;
const MAX_BATCH_CHANGES = 12;
const MAX_STEPS = 80;
const MAX_GETS = 12;
/** Keys begin with one of these. */
const PREFIXES = [
  '',
  '',
  'a common beginning/',
  'a common beginning/of some keys/',
  'b\xff',
  '\xff\xff\xff\xff',
];
const LETTERS = '\x00\x01abcm\xfe\xff';

export function randomOperations(prng: Prng, count: number): Operation[] {
  const keys = Array.from({ length: 40 + prng.below(400) }, () => newKey(prng));
  const draw = new OperationDraw(prng, keys);
  return Array.from({ length: count }, () => draw.next());
}

class OperationDraw {
  readonly #prng: Prng;
  readonly #keys: readonly string[];
  #values = 0;

  constructor(prng: Prng, keys: readonly string[]) {
    this.#prng = prng;
    this.#keys = keys;
  }

  next(): Operation {
    const prng = this.#prng;
    const kind = prng.below(1000);
    const style = { sync: prng.oneIn(20), blocks: prng.oneIn(4) };
    if (kind < 420) return { do: 'put', change: this.#put(), ...style };
    if (kind < 520) return { do: 'del', change: { key: this.#key() }, ...style };
    if (kind < 640) return { do: 'batch', changes: this.#changes(), ...style };
    if (kind < 760) return this.#readOperation();
    if (kind < 860) return this.#iteratorOperation();
    if (kind < 920) return this.#snapshotOperation();
    if (kind < 945) return { do: 'flush' };
    if (kind < 955) return { do: 'rotate' };
    if (kind < 972) return this.#compaction();
    if (kind < 988) return { do: 'turn' };
    return { do: kind < 994 ? 'reopen' : 'check' };
  }

  #put(): Change {
    return { key: this.#key(), value: this.#value() };
  }

  #changes(): Change[] {
    const length = this.#prng.below(MAX_BATCH_CHANGES + 1);
    return Array.from({ length }, () => (this.#prng.oneIn(3) ? { key: this.#key() } : this.#put()));
  }

  #value(): ValueSpec {
    const prng = this.#prng;
    const kind = prng.below(100);
    let length = prng.below(300);
    if (kind < 8) length = 0;
    else if (kind < 14) length = prng.below(6000);
    else if (kind === 14) length = prng.below(MAX_VALUE_LENGTH + 1);
    return { number: ++this.#values, length };
  }

  #readOperation(): Operation {
    const keys = Array.from({ length: 1 + this.#prng.below(MAX_GETS) }, () => this.#anyKey());
    return { do: 'get-many', keys, ...this.#perhapsSnapshot() };
  }

  #iteratorOperation(): Operation {
    const prng = this.#prng;
    const slot = prng.below(SLOTS);
    switch (prng.below(8)) {
      case 0:
      case 1:
        return { do: 'open-iterator', slot, ...this.#perhapsSnapshot(), range: this.#range() };
      case 2:
        return { do: 'close-iterator', slot };
      case 3:
        return { do: 'seek-iterator', slot, target: this.#anyKey() };
      default:
        return { do: 'step-iterator', slot, steps: 1 + prng.below(MAX_STEPS), blocks: prng.oneIn(2) };
    }
  }

  #snapshotOperation(): Operation {
    const kind = this.#prng.below(5);
    const slot = this.#prng.below(SLOTS);
    return { do: kind < 2 ? 'open-snapshot' : kind < 4 ? 'read-snapshot' : 'close-snapshot', slot };
  }

  #perhapsSnapshot(): { snapshot?: number } {
    return this.#prng.oneIn(3) ? { snapshot: this.#prng.below(SLOTS) } : {};
  }

  #range(): IteratorSpec {
    const prng = this.#prng;
    const lower = prng.below(4);
    const upper = prng.below(4);
    return {
      ...(lower === 0 ? { gt: this.#anyKey() } : lower === 1 ? { gte: this.#anyKey() } : {}),
      ...(upper === 0 ? { lt: this.#anyKey() } : upper === 1 ? { lte: this.#anyKey() } : {}),
      reverse: prng.oneIn(2),
      limit: prng.oneIn(4) ? prng.below(100) : -1,
    };
  }

  #compaction(): Operation {
    const prng = this.#prng;
    const awaited = !prng.oneIn(3);
    const [first, second] = [this.#anyKey(), this.#anyKey()].sort();
    return {
      do: 'compact',
      ...(prng.oneIn(3) ? {} : { start: first! }),
      ...(prng.oneIn(3) ? {} : { end: second! }),
      awaited,
    };
  }

  #key(): string {
    return this.#keys[this.#prng.below(this.#keys.length)]!;
  }

  /** One of the keys, or one that nothing was ever written to. */
  #anyKey(): string {
    return this.#prng.oneIn(4) ? newKey(this.#prng) : this.#key();
  }
}

function newKey(prng: Prng): string {
  if (prng.oneIn(100)) return '';
  const prefix = PREFIXES[prng.below(PREFIXES.length)]!;
  const length = prng.oneIn(50) ? 500 : 1 + prng.below(6);
  return prefix + Array.from({ length }, () => LETTERS[prng.below(LETTERS.length)]).join('');
}
