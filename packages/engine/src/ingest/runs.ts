/**
 * What threads have built of a source so far: runs of tables under temporary names, oldest first, and the range of all
 * their keys. Of a key that is in several runs, the one in the newest run counts.
 */
import { compareBytes } from '@arena-level/common/bytes/compare';
import { userKeyOf } from '@arena-level/common/key/internal-key';
import type {
  CompactedTable,
  InputTable,
  UserKeyRange,
} from '@arena-level/common/protocol/compaction-protocol';

export type Run = readonly CompactedTable[];

export class Runs {
  #runs: Run[] = [];
  #range: UserKeyRange | undefined;
  #overlap = false;

  /** Whether some overlap, so that they have to be merged. */
  get overlap(): boolean {
    return this.#overlap;
  }

  /** Oldest first, none of them empty. */
  get all(): readonly Run[] {
    return this.#runs;
  }

  /** Of the user keys of all runs; undefined without any. */
  get range(): UserKeyRange | undefined {
    return this.#range;
  }

  add(run: Run): void {
    if (run.length === 0) return;
    this.#runs.push(run);
    this.#overlap ||= inOrder(this.#runs) === undefined;
    const smallest = userKeyOf(run[0]!.table.smallest);
    const largest = userKeyOf(run.at(-1)!.table.largest);
    const range = this.#range;
    this.#range = {
      smallest: range === undefined || compareBytes(smallest, range.smallest) < 0 ? smallest : range.smallest,
      largest: range === undefined || compareBytes(largest, range.largest) > 0 ? largest : range.largest,
    };
  }

  /** Puts these in the place of all that are there: the same entries. */
  replace(runs: readonly Run[]): void {
    this.#runs = [...runs];
  }

  /** Gives all of them away, oldest first. */
  take(): readonly Run[] {
    const runs = this.#runs;
    this.#runs = [];
    this.#range = undefined;
    return runs;
  }
}

/** The tables of all runs in the order of their keys; undefined when runs overlap. */
export function inOrder(runs: readonly Run[]): CompactedTable[] | undefined {
  const sorted = [...runs].sort((left, right) =>
    compareBytes(userKeyOf(left[0]!.table.smallest), userKeyOf(right[0]!.table.smallest)),
  );
  const overlaps = sorted.some((run, at) => {
    const before = sorted[at - 1]?.at(-1)?.table.largest;
    return before !== undefined && compareBytes(userKeyOf(before), userKeyOf(run[0]!.table.smallest)) >= 0;
  });
  return overlaps ? undefined : sorted.flat();
}

/** A table that a thread is to read. */
export function inputOf({ tempNumber, table: { size, smallest, largest } }: CompactedTable): InputTable {
  return { number: tempNumber, size, smallest, largest, isTemporary: true };
}
