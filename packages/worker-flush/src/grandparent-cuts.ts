/**
 * Where an output has to end because it overlaps too many bytes of the tables it will be merged with one day: LevelDB's
 * rule, asked for user keys that ascend. One owner.
 */
import { compareRanges } from '@arena-level/common/bytes/compare';
import type { SizedKeyRange } from '@arena-level/common/protocol/compaction-protocol';

export class GrandparentCuts {
  readonly #grandparents: readonly SizedKeyRange[];
  readonly #maxBytes: number;
  /** The first one that does not end before the last key. */
  #next = 0;
  /** Bytes of those that were passed since the last cut. */
  #overlappedBytes = 0;
  #hasKey = false;

  constructor(grandparents: readonly SizedKeyRange[], maxBytes: number) {
    this.#grandparents = grandparents;
    this.#maxBytes = maxBytes;
  }

  /** Whether an output must end before this user key. */
  cutsBefore(keys: Uint8Array, keyStart: number, keyEnd: number): boolean {
    while (this.isPassedBy(keys, keyStart, keyEnd)) {
      if (this.#hasKey) this.#overlappedBytes += this.#grandparents[this.#next]!.size;
      this.#next++;
    }
    this.#hasKey = true;
    if (this.#overlappedBytes <= this.#maxBytes) return false;
    this.#overlappedBytes = 0;
    return true;
  }

  /** Whether this user key lies behind the grandparent that the last one lay in or before. */
  isPassedBy(keys: Uint8Array, keyStart: number, keyEnd: number): boolean {
    if (this.#next === this.#grandparents.length) return false;
    const { largest } = this.#grandparents[this.#next]!;
    return compareRanges(keys, keyStart, keyEnd, largest, 0, largest.length) > 0;
  }
}
