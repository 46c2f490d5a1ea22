/**
 * Whether deeper levels may hold a user key, asked for keys that ascend: a pointer for each level moves along with
 * them. One owner.
 */
import { compareRanges } from '@arena-level/common/bytes/compare';
import type { UserKeyRange } from '@arena-level/common/protocol/compaction-protocol';

export class RangesBelow {
  readonly #levels: readonly (readonly UserKeyRange[])[];
  /** By level: the first range that does not end before the last key asked for. */
  readonly #next: Uint32Array;

  /** Ranges of each level in order, free of overlaps. */
  constructor(levels: readonly (readonly UserKeyRange[])[]) {
    this.#levels = levels;
    this.#next = new Uint32Array(levels.length);
  }

  /** REQUIRES: the key does not sort before the one asked for last. */
  mayContain(keys: Uint8Array, keyStart: number, keyEnd: number): boolean {
    for (let level = 0; level < this.#levels.length; level++) {
      const ranges = this.#levels[level]!;
      let next = this.#next[level]!;
      while (next < ranges.length && compareKey(keys, keyStart, keyEnd, ranges[next]!.largest) > 0) next++;
      this.#next[level] = next;
      if (next < ranges.length && compareKey(keys, keyStart, keyEnd, ranges[next]!.smallest) >= 0)
        return true;
    }
    return false;
  }
}

function compareKey(keys: Uint8Array, keyStart: number, keyEnd: number, key: Uint8Array): number {
  return compareRanges(keys, keyStart, keyEnd, key, 0, key.length);
}
