import type { Arena } from '../arena/arena.ts';
import { NODE_KEY_LENGTH, NODE_KEY_OFFSET, NODE_SEQUENCE_DELTA } from '../arena/layout.ts';
import { compareNodes } from './compare-nodes.ts';
import type { NodeRef } from './memdb.ts';
import type { MemDbCursor } from './memdb-iterator.ts';
import { lowerBound, type SortedRun } from './sorted-run.ts';

/**
 * Moves over several sorted runs as over one: a loser tree. Each inner node of the tree remembers the run that lost
 * there, so that after a move only the path from the winner's leaf to the root is played again: log2(runs) comparisons
 * of two numbers, and of two keys where the numbers are equal.
 *
 *         [0]  the winner              runs 0 .. n-1 are the leaves n .. 2n-1;
 *          │                           the parent of slot s is slot s >> 1
 *         [1]
 *        ╱    ╲
 *      [2]    [3]
 *      ╱ ╲    ╱ ╲
 */
export class RunCursor implements MemDbCursor {
  readonly #arena: Arena;
  readonly #runs: readonly SortedRun[];
  /** Index into each run; its node there, 0 beyond its ends; the node's number, an infinity beyond the ends. */
  readonly #positions: Int32Array;
  readonly #nodes: Int32Array;
  readonly #digits: Float64Array;
  readonly #tree: Int32Array;
  #forward = true;

  /** All runs have the same `prefix`, and no entry is in two of them. */
  constructor(arena: Arena, runs: readonly SortedRun[]) {
    this.#arena = arena;
    this.#runs = runs;
    this.#positions = new Int32Array(runs.length);
    this.#nodes = new Int32Array(runs.length);
    this.#digits = new Float64Array(runs.length);
    this.#tree = new Int32Array(runs.length);
  }

  /** Number of the current node's key. REQUIRES: the last move arrived at a node. */
  get digits(): number {
    return this.#digits[this.#tree[0]!]!;
  }

  first(): NodeRef {
    this.#forward = true;
    for (let run = 0; run < this.#runs.length; run++) this.#place(run, 0);
    return this.#play();
  }

  last(): NodeRef {
    this.#forward = false;
    for (let run = 0; run < this.#runs.length; run++) this.#place(run, this.#runs[run]!.nodes.length - 1);
    return this.#play();
  }

  seek(key: Uint8Array, keyStart: number, keyEnd: number, delta: number): NodeRef {
    this.#forward = true;
    return this.#seek(key, keyStart, keyEnd, delta, 0);
  }

  seekBefore(key: Uint8Array, keyStart: number, keyEnd: number, delta: number): NodeRef {
    this.#forward = false;
    return this.#seek(key, keyStart, keyEnd, delta, -1);
  }

  next(node: NodeRef): NodeRef {
    if (this.#forward) return this.#advance(1);
    const { nodeData, kvData } = this.#arena;
    const start = nodeData[node + NODE_KEY_OFFSET]!;
    const end = start + nodeData[node + NODE_KEY_LENGTH]!;
    // The place right behind an entry: its key, one sequence number down.
    return this.seek(kvData, start, end, nodeData[node + NODE_SEQUENCE_DELTA]! - 1);
  }

  prev(node: NodeRef): NodeRef {
    if (!this.#forward) return this.#advance(-1);
    const { nodeData, kvData } = this.#arena;
    const start = nodeData[node + NODE_KEY_OFFSET]!;
    const end = start + nodeData[node + NODE_KEY_LENGTH]!;
    return this.seekBefore(kvData, start, end, nodeData[node + NODE_SEQUENCE_DELTA]!);
  }

  #seek(key: Uint8Array, keyStart: number, keyEnd: number, delta: number, offset: number): NodeRef {
    const runs = this.#runs;
    if (runs.length === 0) return 0;
    const digits = runs[0]!.prefix.of(key, keyStart, keyEnd);
    for (let run = 0; run < runs.length; run++) {
      const bound = lowerBound(this.#arena, runs[run]!, digits, key, keyStart, keyEnd, delta);
      this.#place(run, bound + offset);
    }
    return this.#play();
  }

  #advance(step: number): NodeRef {
    const tree = this.#tree;
    let winner = tree[0]!;
    this.#place(winner, this.#positions[winner]! + step);
    for (let slot = (winner + tree.length) >> 1; slot > 0; slot >>= 1) {
      const challenger = tree[slot]!;
      if (this.#wins(challenger, winner)) {
        tree[slot] = winner;
        winner = challenger;
      }
    }
    tree[0] = winner;
    return this.#nodes[winner]!;
  }

  /** Plays all matches anew. */
  #play(): NodeRef {
    const tree = this.#tree;
    const size = tree.length;
    if (size === 0) return 0;
    const winners = new Int32Array(2 * size);
    for (let run = 0; run < size; run++) winners[size + run] = run;
    for (let slot = size - 1; slot > 0; slot--) {
      const left = winners[2 * slot]!;
      const right = winners[2 * slot + 1]!;
      const leftWins = this.#wins(left, right);
      winners[slot] = leftWins ? left : right;
      tree[slot] = leftWins ? right : left;
    }
    tree[0] = winners[1]!;
    return this.#nodes[tree[0]!]!;
  }

  /** Whether run `left` is before run `right`, in the direction of movement. A run that has ended wins nothing. */
  #wins(left: number, right: number): boolean {
    const leftDigits = this.#digits[left]!;
    const rightDigits = this.#digits[right]!;
    if (leftDigits !== rightDigits) return leftDigits < rightDigits === this.#forward;
    const leftNode = this.#nodes[left]!;
    if (leftNode === 0) return false; // Both have ended.
    const { nodeData, kvData } = this.#arena;
    const skip = this.#runs[0]!.prefix.sharedBytes(leftDigits);
    return compareNodes(nodeData, kvData, leftNode, this.#nodes[right]!, skip) < 0 === this.#forward;
  }

  #place(run: number, position: number): void {
    const { nodes, digits } = this.#runs[run]!;
    this.#positions[run] = position;
    if (position >= 0 && position < nodes.length) {
      this.#nodes[run] = nodes[position]!;
      this.#digits[run] = digits[position]!;
    } else {
      this.#nodes[run] = 0;
      this.#digits[run] = this.#forward ? Infinity : -Infinity;
    }
  }
}
