/**
 * The entries behind one restart point, remembered in a forward pass so that they can be visited backwards: a
 * prefix-compressed key can only be put together from the ones before it.
 *
 * Reused for run after run. It holds a bounded number of entries and of key bytes; where a run is longer, its end.
 */
import { KIB } from '../base/limits.ts';
import { copyRange, withCapacity } from './copy-range.ts';

const MAX_ENTRIES = 64;
/** One key may be longer. Shared prefixes can make the keys of a block far larger than the block. */
const MAX_KEY_BYTES: number = 64 * KIB;

export class EntryRun {
  count = 0;
  readonly #entryOffsets: Uint32Array = new Uint32Array(MAX_ENTRIES);
  readonly #valueStarts: Uint32Array = new Uint32Array(MAX_ENTRIES);
  readonly #valueEnds: Uint32Array = new Uint32Array(MAX_ENTRIES);
  readonly #keyEnds: Uint32Array = new Uint32Array(MAX_ENTRIES);
  #keys: Uint8Array<ArrayBuffer> = new Uint8Array(KIB);

  get keys(): Uint8Array<ArrayBuffer> {
    return this.#keys;
  }

  /** REQUIRES: index < count; so below. */
  entryOffset(index: number): number {
    return this.#entryOffsets[index]!;
  }

  valueStart(index: number): number {
    return this.#valueStarts[index]!;
  }

  valueEnd(index: number): number {
    return this.#valueEnds[index]!;
  }

  /** The key is keys[keyStart, keyEnd). */
  keyStart(index: number): number {
    return index === 0 ? 0 : this.#keyEnds[index - 1]!;
  }

  keyEnd(index: number): number {
    return this.#keyEnds[index]!;
  }

  /** Remembers an entry under the key keyBytes[0, keyEnd). */
  add(entryOffset: number, valueStart: number, valueEnd: number, keyBytes: Uint8Array, keyEnd: number): void {
    if (this.count === MAX_ENTRIES || this.keyStart(this.count) + keyEnd > MAX_KEY_BYTES) this.count = 0;
    const index = this.count++;
    const start = this.keyStart(index);
    if (start + keyEnd > this.#keys.length) this.#keys = withCapacity(this.#keys, start + keyEnd);
    this.#keyEnds[index] = copyRange(this.#keys, start, keyBytes, 0, keyEnd);
    this.#entryOffsets[index] = entryOffset;
    this.#valueStarts[index] = valueStart;
    this.#valueEnds[index] = valueEnd;
  }
}
