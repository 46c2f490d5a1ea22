/**
 * Seeks that a table cost in vain: a read looked into it and had to go on to another. A table that costs many is merged
 * into the next level, which then costs less than the seeks (LevelDB's seek compaction).
 */
import { KIB } from '@arena-level/common/base/limits';
import type { TableMetadata } from '../manifest/table-metadata.ts';

const LEAST_ALLOWANCE = 100;
/** A seek costs about as much as merging so many bytes. */
const BYTES_PER_SEEK: number = 16 * KIB;

/** Seeks that a table of so many bytes may cost. */
export function seekAllowance(sizeBytes: number): number {
  return Math.max(LEAST_ALLOWANCE, Math.floor(sizeBytes / BYTES_PER_SEEK));
}

export class SeekCharges {
  /** By table number: only tables that were charged since they were last used up. */
  readonly #charged = new Map<number, number>();

  /** Tables with a charge. */
  get size(): number {
    return this.#charged.size;
  }

  /**
   * Charges one seek. True when that uses the allowance up; the count then starts anew, so a table whose compaction
   * did not come to pass is named again an allowance later, not at each seek.
   */
  charge({ number, size }: Pick<TableMetadata, 'number' | 'size'>): boolean {
    const charged = (this.#charged.get(number) ?? 0) + 1;
    if (charged < seekAllowance(size)) {
      this.#charged.set(number, charged);
      return false;
    }
    this.#charged.delete(number);
    return true;
  }

  /** The table left the store, or its level. */
  forget(number: number): void {
    this.#charged.delete(number);
  }
}
