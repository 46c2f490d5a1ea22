import type { Prng } from '@arena-level/common/base/prng';
import { compareBytes, compareRanges, EMPTY_BYTES } from '@arena-level/common/bytes/compare';
import type { InternalIterator } from '@arena-level/common/iterator/internal-iterator';
import { ValueKind } from '@arena-level/common/key/value-kind';

/** One versioned entry. A literal reads `key#sequence` for a tombstone and `key#sequence=value` for a put. */
export interface VersionedEntry {
  readonly key: Uint8Array;
  readonly sequence: number;
  readonly kind: ValueKind;
  readonly value: Uint8Array;
}

/** `entries('a#2 a#1=x')`: a tombstone of `a` over a put of `x`. */
export function entries(literals: string): VersionedEntry[] {
  return literals.split(/\s+/).filter(Boolean).map(entry);
}

function entry(literal: string): VersionedEntry {
  const [, key = '', sequence, value] = /^(.*)#(\d+)(?:=(.*))?$/.exec(literal) ?? [];
  if (sequence === undefined) throw new Error(`not an entry: ${literal}`);
  return {
    key: Buffer.from(key),
    sequence: Number(sequence),
    kind: value === undefined ? ValueKind.Delete : ValueKind.Put,
    value: Buffer.from(value ?? ''),
  };
}

/** In internal order: keys ascending, sequences descending. */
export function compareEntries(a: VersionedEntry, b: VersionedEntry): number {
  return compareBytes(a.key, b.key) || b.sequence - a.sequence;
}

export function sorted(run: readonly VersionedEntry[]): VersionedEntry[] {
  return [...run].sort(compareEntries);
}

/** What a reader at `sequence` sees, ascending: the model that iterators and lookups are compared with. */
export function visibleEntries(all: readonly VersionedEntry[], sequence: number): VersionedEntry[] {
  const seen: VersionedEntry[] = [];
  let last: Uint8Array | undefined;
  for (const candidate of sorted(all.filter((one) => one.sequence <= sequence))) {
    if (last !== undefined && compareBytes(last, candidate.key) === 0) continue;
    last = candidate.key;
    if (candidate.kind === ValueKind.Put) seen.push(candidate);
  }
  return seen;
}

export function literal({ key, sequence, kind, value }: VersionedEntry): string {
  const head = `${Buffer.from(key).toString('latin1')}#${sequence}`;
  return kind === ValueKind.Put ? `${head}=${Buffer.from(value).toString('latin1')}` : head;
}

/** The current entry of an iterator, as a literal; undefined when it has none. */
export function current(iterator: InternalIterator): string | undefined {
  if (!iterator.valid) return undefined;
  return literal({
    key: iterator.keyBytes.slice(iterator.keyStart, iterator.keyEnd),
    sequence: iterator.sequence,
    kind: iterator.kind as ValueKind,
    value: iterator.valueBytes.slice(iterator.valueStart, iterator.valueEnd),
  });
}

/** How a run waits for its blocks: which moves are blocked, and how long. */
export interface Blocking {
  /** Whether the next move waits for a block. */
  isBlocked(): boolean;
  /** What a load waits for; rejects when the load fails. */
  load(): Promise<void>;
  loadNow(): void;
}

/** Moves are blocked at random, once in `oneIn`. */
export function randomBlocking(prng: Prng, oneIn: number): Blocking {
  return { isBlocked: () => prng.oneIn(oneIn), load: () => Promise.resolve(), loadNow: () => {} };
}

export const NEVER_BLOCKED: Blocking = {
  isBlocked: () => false,
  load: () => Promise.resolve(),
  loadNow: () => {},
};

/**
 * An ordered run of entries in an array, behind the contract of an internal iterator, and strict about it: the key
 * lies in one buffer that each move overwrites, nothing is readable while blocked, and misuse throws.
 */
export class EntryRun implements InternalIterator {
  valid = false;
  blocked = false;
  keyBytes: Uint8Array = EMPTY_BYTES;
  keyStart = 0;
  keyEnd = 0;
  sequence = 0;
  kind = 0;
  valueBytes: Uint8Array = EMPTY_BYTES;
  valueStart = 0;
  valueEnd = 0;
  released = false;
  readonly #run: readonly VersionedEntry[];
  readonly #blocking: Blocking;
  #at = -1;
  #buffer = new Uint8Array(16);

  constructor(run: readonly VersionedEntry[], blocking: Blocking = NEVER_BLOCKED) {
    this.#run = sorted(run);
    this.#blocking = blocking;
  }

  first(): void {
    this.#move(0);
  }

  last(): void {
    this.#move(this.#run.length - 1);
  }

  seek(key: Uint8Array, keyStart: number, keyEnd: number, sequence: number): void {
    this.#move(this.#indexOf(key, keyStart, keyEnd, sequence));
  }

  seekBefore(key: Uint8Array, keyStart: number, keyEnd: number, sequence: number): void {
    this.#move(this.#indexOf(key, keyStart, keyEnd, sequence) - 1);
  }

  next(): void {
    if (!this.valid) throw new Error('next without a current entry');
    this.#move(this.#at + 1);
  }

  prev(): void {
    if (!this.valid) throw new Error('prev without a current entry');
    this.#move(this.#at - 1);
  }

  async unblock(): Promise<void> {
    if (!this.blocked) throw new Error('unblock of an iterator that is not blocked');
    await this.#blocking.load();
    this.#arrive();
  }

  unblockNow(): void {
    if (!this.blocked) throw new Error('unblockNow of an iterator that is not blocked');
    this.#blocking.loadNow();
    this.#arrive();
  }

  release(): void {
    if (this.released) throw new Error('released twice');
    this.released = true;
    this.valid = false;
    this.blocked = false;
  }

  #indexOf(key: Uint8Array, keyStart: number, keyEnd: number, sequence: number): number {
    let index = 0;
    for (; index < this.#run.length; index++) {
      const { key: own, sequence: ownSequence } = this.#run[index]!;
      const order = compareRanges(own, 0, own.length, key, keyStart, keyEnd);
      if (order > 0 || (order === 0 && ownSequence <= sequence)) break;
    }
    return index;
  }

  #move(index: number): void {
    if (this.released) throw new Error('moved after release');
    if (this.blocked) throw new Error('moved while blocked');
    this.#at = index;
    this.valid = false;
    this.#buffer.fill(0xee);
    if (this.#blocking.isBlocked()) this.blocked = true;
    else this.#arrive();
  }

  #arrive(): void {
    this.blocked = false;
    const found = this.#run[this.#at];
    this.valid = found !== undefined && !this.released;
    if (found === undefined || this.released) return;
    if (this.#buffer.length < found.key.length + 1) this.#buffer = new Uint8Array(found.key.length * 2);
    this.#buffer.set(found.key, 1);
    this.keyBytes = this.#buffer;
    this.keyStart = 1;
    this.keyEnd = 1 + found.key.length;
    this.sequence = found.sequence;
    this.kind = found.kind;
    this.valueBytes = found.value;
    this.valueStart = 0;
    this.valueEnd = found.value.length;
  }
}
