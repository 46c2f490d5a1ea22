import type { Arena } from '../arena/arena.ts';
import { ArenaState } from '../arena/arena-state.ts';
import { IndexKind } from '../arena/index-kind.ts';
import {
  HeaderWord,
  MAX_ARENA_ENTRIES,
  MAX_SEQUENCE_DELTA,
  maxNodeWords,
  NODE_KEY_LENGTH,
  NODE_KEY_OFFSET,
  NODE_SEQUENCE_DELTA,
} from '../arena/layout.ts';
import { EngineError, ErrorCode } from '../base/errors.ts';
import { invariant } from '../base/invariant.ts';
import type { InternalIterator } from '../iterator/internal-iterator.ts';
import { HashIndex } from './hash-index.ts';
import type { MemDb, NodeRef } from './memdb.ts';
import type { MemDbIndex } from './memdb-index.ts';
import { MemDbIterator } from './memdb-iterator.ts';
import { deltaOf, valueKindOf, valueLengthOf, valueOffsetOf } from './node-fields.ts';
import { SkiplistIndex } from './skiplist-index.ts';

/** Below this a loop copies faster than set(), which needs a view of the range. */
const LOOP_COPY_BYTES = 64;

/**
 * A MemDB over an arena, of either kind: space, publishing, and the fields of entries. The index does the rest.
 *
 * Publishing: bytes and node words first, then the links, then, once per insert, the visible count and the last delta.
 *
 * INVARIANT: one object per activation of the arena writes (the owner's); any number on any thread read. Until the
 * count is stored, nothing of an insert shows in the header, and nothing that can fail comes after the first link.
 */
export class ArenaMemDb implements MemDb {
  readonly arena: Arena;
  readonly kind: IndexKind;
  publishLinksAtomically = false;
  readonly #owner: boolean;
  readonly #nodeData: Int32Array;
  readonly #header: Int32Array;
  readonly #baseSequence: number;
  readonly #index: MemDbIndex;
  readonly #maxNodeWords: number;
  /** The owner's copy of the visible count: a plain field is cheaper than an atomic load. */
  #count = 0;
  #lastDelta = -1;

  constructor(arena: Arena, owner: boolean) {
    this.arena = arena;
    this.kind = arena.kind;
    this.#owner = owner;
    this.#nodeData = arena.nodeData;
    this.#header = arena.header;
    this.#baseSequence = arena.baseSequence;
    this.#index = arena.kind === IndexKind.Hash ? new HashIndex(arena) : new SkiplistIndex(arena);
    this.#maxNodeWords = maxNodeWords(arena.kind);
  }

  get count(): number {
    return this.#owner ? this.#count : Atomics.load(this.#header, HeaderWord.VisibleCount);
  }

  get lastSequence(): number {
    return this.#baseSequence + Atomics.load(this.#header, HeaderWord.LastDelta);
  }

  find(key: Uint8Array, keyStart: number, keyEnd: number, sequence: number): NodeRef {
    // The count comes first: what is linked by then is at least what it covers.
    const { count } = this;
    if (count === 0) return 0;
    return this.#index.find(key, keyStart, keyEnd, deltaOf(sequence, this.#baseSequence), count);
  }

  keyOffset(node: NodeRef): number {
    return this.#nodeData[node + NODE_KEY_OFFSET]!;
  }

  keyLength(node: NodeRef): number {
    return this.#nodeData[node + NODE_KEY_LENGTH]!;
  }

  valueOffset(node: NodeRef): number {
    return valueOffsetOf(this.#nodeData, node);
  }

  valueLength(node: NodeRef): number {
    return valueLengthOf(this.#nodeData, node);
  }

  valueKind(node: NodeRef): number {
    return valueKindOf(this.#nodeData, node);
  }

  sequence(node: NodeRef): number {
    return this.#baseSequence + this.#nodeData[node + NODE_SEQUENCE_DELTA]!;
  }

  orderStep(): boolean {
    return this.#index.orderStep(this.count);
  }

  iterator(): InternalIterator {
    return new MemDbIterator(this.arena, this.#index.cursor(this.count));
  }

  get freeRecordBytes(): number {
    return this.arena.kvData.length - this.#header[HeaderWord.KvBytesUsed]!;
  }

  get freeEntries(): number {
    const freeWords = this.#nodeData.length - this.#header[HeaderWord.NodeWordsUsed]!;
    const byWords = Math.floor(freeWords / this.#maxNodeWords);
    return Math.min(byWords, MAX_ARENA_ENTRIES - this.#count, MAX_SEQUENCE_DELTA - this.#lastDelta);
  }

  fits(recordBytes: number, entries: number): boolean {
    return recordBytes <= this.freeRecordBytes && entries <= this.freeEntries;
  }

  insert(records: Uint8Array, start: number, end: number, entries: number, firstSequence: number): void {
    invariant(
      this.#owner && this.arena.state === ArenaState.Active,
      'only the owner inserts, into an active arena',
    );
    invariant(start >= 0 && start <= end && end <= records.length, 'records lie inside their buffer');
    invariant(this.fits(end - start, entries), 'an insert fits in the free space');
    const firstDelta = firstSequence - this.#baseSequence;
    const lastDelta = firstDelta + entries - 1;
    invariant(Number.isSafeInteger(firstDelta) && firstDelta > this.#lastDelta, 'sequence numbers ascend');
    if (lastDelta > MAX_SEQUENCE_DELTA) {
      const range = `${this.#baseSequence} to ${this.#baseSequence + MAX_SEQUENCE_DELTA}`;
      throw new EngineError(
        ErrorCode.TooLarge,
        `sequence number ${firstSequence} is out of the arena's range ${range}`,
      );
    }
    const header = this.#header;
    const kvStart = header[HeaderWord.KvBytesUsed]!;
    const endWord = this.#index.stage(records, start, end, entries, firstDelta);
    copyRange(this.arena.kvData, kvStart, records, start, end);
    this.#index.link(endWord, this.publishLinksAtomically);
    header[HeaderWord.KvBytesUsed] = kvStart + (end - start);
    header[HeaderWord.NodeWordsUsed] = endWord;
    this.#count += entries;
    Atomics.store(header, HeaderWord.VisibleCount, this.#count);
    this.#publishLast(lastDelta);
    this.#index.afterInsert(this.#count);
  }

  passSequence(sequence: number): void {
    const delta = sequence - this.#baseSequence;
    invariant(
      this.#owner && delta >= this.#lastDelta && delta <= MAX_SEQUENCE_DELTA,
      'a sequence number in range',
    );
    this.#publishLast(delta);
  }

  #publishLast(delta: number): void {
    this.#lastDelta = delta;
    if (this.publishLinksAtomically) Atomics.store(this.#header, HeaderWord.LastDelta, delta);
    else this.#header[HeaderWord.LastDelta] = delta;
  }
}

function copyRange(target: Uint8Array, offset: number, source: Uint8Array, start: number, end: number): void {
  if (end - start <= LOOP_COPY_BYTES) {
    for (let i = start; i < end; i++) target[offset + i - start] = source[i]!;
  } else if (end - start === source.length) {
    target.set(source, offset);
  } else {
    target.set(source.subarray(start, end), offset);
  }
}
