import type { Arena } from '../arena/arena.ts';
import { HASH_NODE_WORDS, NODE_KEY_LENGTH, NODE_KEY_OFFSET } from '../arena/layout.ts';
import { RunMerge } from './run-merge.ts';
import { RunPrefix } from './run-prefix.ts';
import { sortNodes } from './sort-nodes.ts';
import { digitsOfNodes, type SortedRun } from './sorted-run.ts';

/** Entries of a chunk: sorting one takes less than half a millisecond. */
const CHUNK_ENTRIES = 2048;
/** Greatest number of entries sorted into the newest run before the whole tail is sorted anew. */
const RECENT_ENTRIES = 256;
/** Runs of one level that are merged into one of the next. */
const MERGE_WIDTH = 8;
/** Entries merged in one step. */
const MERGE_STEP_ENTRIES = 2048;

/**
 * The order of a hash MemDB, as sorted runs that together hold every entry once, in the order of insertion:
 *
 *     │ chunks, and what they were merged into       │ tail        │ recent   │ not sorted yet │
 *     └ multiples of CHUNK_ENTRIES, 8 : 1 by level   └ < a chunk   └ <= 256   ┘
 *
 * Nothing is sorted until the first iterator is opened or the first step is taken. From then on each chunk is sorted
 * when it is full, so that an iterator sorts only what came after the last full chunk, and of that only what came
 * after the last iterator. Each thread has its own runs; the arena knows nothing of them.
 */
export class SortedRuns {
  readonly #arena: Arena;
  #chunks: SortedRun[] = [];
  #tail: SortedRun | undefined;
  #recent: SortedRun | undefined;
  /** Entries in chunks, in chunks and tail, in all three. */
  #chunkEnd = 0;
  #tailEnd = 0;
  #recentEnd = 0;
  /** Of all runs. Chosen anew while there is no chunk. */
  #prefix: RunPrefix | undefined;
  #merge: RunMerge | undefined;
  #isWanted = false;

  constructor(arena: Arena) {
    this.#arena = arena;
  }

  /** After an insert: sorts a chunk that is full, if anyone ever asked for order. One at most, to bound the insert. */
  sortFilledChunk(count: number): void {
    if (this.#isWanted && count - this.#chunkEnd >= CHUNK_ENTRIES) this.#sortChunk();
  }

  /** Sorts one chunk or merges one piece; whether there is more to do. */
  step(count: number): boolean {
    this.#isWanted = true;
    if (count - this.#chunkEnd >= CHUNK_ENTRIES) this.#sortChunk();
    else this.#mergeStep();
    this.#merge ??= this.#nextMerge();
    return count - this.#chunkEnd >= CHUNK_ENTRIES || this.#merge !== undefined;
  }

  /** Runs of exactly the first `count` entries. REQUIRES: count does not shrink from call to call. */
  open(count: number): readonly SortedRun[] {
    this.#isWanted = true;
    while (count - this.#chunkEnd >= CHUNK_ENTRIES) this.#sortChunk();
    if (count > this.#recentEnd) this.#sortRecent(count);
    const runs = this.#chunks.slice();
    if (this.#tail !== undefined) runs.push(this.#tail);
    if (this.#recent !== undefined) runs.push(this.#recent);
    return runs;
  }

  #sortChunk(): void {
    const end = this.#chunkEnd + CHUNK_ENTRIES;
    if (this.#chunks.length === 0) this.#prefix = undefined;
    this.#chunks.push(this.#sort(this.#chunkEnd, end));
    this.#tail = undefined;
    this.#recent = undefined;
    this.#chunkEnd = end;
    this.#tailEnd = end;
    this.#recentEnd = end;
  }

  /** Takes the entries up to `count` into the recent run, or, where that would be too long, into the tail. */
  #sortRecent(count: number): void {
    if (count - this.#tailEnd <= RECENT_ENTRIES) {
      const added = this.#sort(this.#recentEnd, count);
      this.#recent = this.#recent === undefined ? added : mergeWhole(this.#arena, [this.#recent, added]);
    } else {
      if (this.#chunks.length === 0) this.#prefix = undefined;
      this.#tail = this.#sort(this.#chunkEnd, count);
      this.#recent = undefined;
      this.#tailEnd = count;
    }
    this.#recentEnd = count;
  }

  #sort(from: number, to: number): SortedRun {
    const arena = this.#arena;
    const { nodeData, kvData } = arena;
    const nodes = sortNodes(nodeData, kvData, arena.firstNode + from * HASH_NODE_WORDS, to - from);
    this.#prefix ??= prefixOfNodes(arena, nodes);
    return { level: 0, nodes, digits: digitsOfNodes(arena, nodes, this.#prefix), prefix: this.#prefix };
  }

  #mergeStep(): void {
    this.#merge ??= this.#nextMerge();
    const merge = this.#merge;
    if (merge === undefined || !merge.step(MERGE_STEP_ENTRIES)) return;
    this.#chunks.splice(this.#chunks.indexOf(merge.inputs[0]!), MERGE_WIDTH, merge.result());
    this.#merge = undefined;
  }

  /** A merge of the first MERGE_WIDTH neighbours of one level. */
  #nextMerge(): RunMerge | undefined {
    const chunks = this.#chunks;
    let from = 0;
    for (let i = 1; i <= chunks.length; i++) {
      if (i - from === MERGE_WIDTH) return new RunMerge(this.#arena, chunks.slice(from, i));
      if (chunks[i]?.level !== chunks[from]!.level) from = i;
    }
    return undefined;
  }
}

function mergeWhole(arena: Arena, runs: readonly SortedRun[]): SortedRun {
  const merge = new RunMerge(arena, runs);
  merge.step(Infinity);
  return merge.result();
}

/** What all keys of a sorted run share is what its first and its last share. */
function prefixOfNodes({ nodeData, kvData }: Arena, nodes: Int32Array): RunPrefix {
  const first = nodes[0]!;
  const last = nodes[nodes.length - 1]!;
  const firstStart = nodeData[first + NODE_KEY_OFFSET]!;
  const lastStart = nodeData[last + NODE_KEY_OFFSET]!;
  const firstEnd = firstStart + nodeData[first + NODE_KEY_LENGTH]!;
  const lastEnd = lastStart + nodeData[last + NODE_KEY_LENGTH]!;
  return new RunPrefix(kvData, firstStart, firstEnd, lastStart, lastEnd);
}
