import type { Arena } from '../arena/arena.ts';
import { invariant } from '../base/invariant.ts';
import type { NodeRef } from './memdb.ts';
import { RunCursor } from './run-cursor.ts';
import type { SortedRun } from './sorted-run.ts';

/** A merge of sorted runs that can be done in pieces. */
export class RunMerge {
  readonly inputs: readonly SortedRun[];
  readonly #cursor: RunCursor;
  readonly #nodes: Int32Array;
  readonly #digits: Float64Array;
  #length = 0;
  #next: NodeRef;

  constructor(arena: Arena, inputs: readonly SortedRun[]) {
    const entries = inputs.reduce((sum, run) => sum + run.nodes.length, 0);
    this.inputs = inputs;
    this.#nodes = new Int32Array(entries);
    this.#digits = new Float64Array(entries);
    this.#cursor = new RunCursor(arena, inputs);
    this.#next = this.#cursor.first();
  }

  /** Merges at most `maxEntries` entries. True when all are merged. */
  step(maxEntries: number): boolean {
    const cursor = this.#cursor;
    const end = Math.min(this.#length + maxEntries, this.#nodes.length);
    let node = this.#next;
    for (let i = this.#length; i < end; i++) {
      this.#nodes[i] = node;
      this.#digits[i] = cursor.digits;
      node = cursor.next(node);
    }
    this.#next = node;
    this.#length = end;
    return end === this.#nodes.length;
  }

  /** REQUIRES: all entries are merged. */
  result(): SortedRun {
    invariant(this.#next === 0, 'a merge is complete before its result is taken');
    const { level, prefix } = this.inputs[0]!;
    return { level: level + 1, nodes: this.#nodes, digits: this.#digits, prefix };
  }
}
