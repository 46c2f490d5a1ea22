/**
 * Says which of several runs has the smallest current entry: a loser tree, as in `memdb/run-cursor.ts`. After a move of
 * the winner only the path from its leaf to the root is played again, and most matches are decided by the words of
 * the keys, which lie in arrays here.
 *
 * Order: user key ascending, sequence number descending, then the newer run: of versions that are in two runs, that of
 * the newer one comes first. One owner.
 */
import { compareRanges } from '@arena-level/common/bytes/compare';
import type { InputRun } from './input-run.ts';

const NO_RUN = -1;

export class MergeTree {
  readonly #runs: readonly InputRun[];
  /** Words of the runs' current keys. */
  readonly #highs: Int32Array;
  readonly #lows: Int32Array;
  /** At 0 the winner; at slot s the loser of the match played there. The leaves, runs 0 .. n-1, are the slots n .. 2n-1. */
  readonly #tree: Int32Array;
  /** Bytes that all user keys have in common. */
  readonly #prefixLength: number;

  /** Runs newest first, at least one, each at its first entry. */
  constructor(runs: readonly InputRun[], prefixLength: number) {
    this.#runs = runs;
    this.#prefixLength = prefixLength;
    this.#highs = new Int32Array(runs.length);
    this.#lows = new Int32Array(runs.length);
    this.#tree = new Int32Array(runs.length);
    for (let run = 0; run < runs.length; run++) this.#note(run);
    this.#play();
  }

  /** The run with the smallest current entry: one that has ended only when all have. */
  get winner(): InputRun {
    return this.#runs[this.#tree[0]!]!;
  }

  /** Finds the winner anew, after the winner moved. */
  replay(): void {
    const tree = this.#tree;
    let winner = tree[0]!;
    this.#note(winner);
    for (let slot = (winner + tree.length) >> 1; slot > 0; slot >>= 1) {
      const challenger = tree[slot]!;
      if (this.#wins(challenger, winner)) {
        tree[slot] = winner;
        winner = challenger;
      }
    }
    tree[0] = winner;
  }

  /** Whether all that is left of the winner's batch sorts before the current entries of all other runs. */
  winnerIsAlone(): boolean {
    const tree = this.#tree;
    const winner = tree[0]!;
    // The second best lost to the winner, so it is on its path.
    let second = NO_RUN;
    for (let slot = (winner + tree.length) >> 1; slot > 0; slot >>= 1) {
      const loser = tree[slot]!;
      if (second === NO_RUN || this.#wins(loser, second)) second = loser;
    }
    if (second === NO_RUN || this.#runs[second]!.ended) return true;
    const { batch, count } = this.#runs[winner]!;
    const last = count - 1;
    const high = batch.words[2 * last]!;
    if (high !== this.#highs[second]!) return high < this.#highs[second]!;
    const low = batch.words[2 * last + 1]!;
    if (low !== this.#lows[second]!) return low < this.#lows[second]!;
    return this.#comesFirst(winner, last, second, this.#runs[second]!.at);
  }

  #note(run: number): void {
    const { at, batch, ended } = this.#runs[run]!;
    this.#highs[run] = ended ? 0x7fff_ffff : batch.words[2 * at]!;
    this.#lows[run] = ended ? 0x7fff_ffff : batch.words[2 * at + 1]!;
  }

  /** Plays all matches. */
  #play(): void {
    const size = this.#tree.length;
    const winners = new Int32Array(2 * size);
    for (let run = 0; run < size; run++) winners[size + run] = run;
    for (let slot = size - 1; slot > 0; slot--) {
      const left = winners[2 * slot]!;
      const right = winners[2 * slot + 1]!;
      const leftWins = this.#wins(left, right);
      winners[slot] = leftWins ? left : right;
      this.#tree[slot] = leftWins ? right : left;
    }
    this.#tree[0] = winners[1]!;
  }

  #wins(left: number, right: number): boolean {
    const high = this.#highs[left]!;
    const otherHigh = this.#highs[right]!;
    if (high !== otherHigh) return high < otherHigh;
    const low = this.#lows[left]!;
    const otherLow = this.#lows[right]!;
    if (low !== otherLow) return low < otherLow;
    if (this.#runs[left]!.ended) return false;
    if (this.#runs[right]!.ended) return true;
    return this.#comesFirst(left, this.#runs[left]!.at, right, this.#runs[right]!.at);
  }

  /** Whether an entry of run `left` sorts before one of run `right`; both have the same words. */
  #comesFirst(left: number, leftAt: number, right: number, rightAt: number): boolean {
    const one = this.#runs[left]!.batch;
    const other = this.#runs[right]!.batch;
    const skip = this.#prefixLength;
    const order = compareRanges(
      one.keys,
      one.keyStarts[leftAt]! + skip,
      one.keyEnds[leftAt]!,
      other.keys,
      other.keyStarts[rightAt]! + skip,
      other.keyEnds[rightAt]!,
    );
    if (order !== 0) return order < 0;
    const newer = one.sequences[leftAt]! - other.sequences[rightAt]!;
    return newer !== 0 ? newer > 0 : left < right;
  }
}
