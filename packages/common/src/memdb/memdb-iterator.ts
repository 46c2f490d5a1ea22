import type { Arena } from '../arena/arena.ts';
import { NODE_KEY_LENGTH, NODE_KEY_OFFSET, NODE_SEQUENCE_DELTA } from '../arena/layout.ts';
import { invariant } from '../base/invariant.ts';
import type { InternalIterator } from '../iterator/internal-iterator.ts';
import type { NodeRef } from './memdb.ts';
import { deltaOf, valueKindOf, valueLengthOf, valueOffsetOf } from './node-fields.ts';

/**
 * Moves over the entries of one moment, in internal-key order. Every move returns the node it arrived at, or 0
 * beyond either end. `delta` is a sequence number relative to the arena's base.
 */
export interface MemDbCursor {
  first(): NodeRef;
  last(): NodeRef;
  /** To the first entry at or after (user key, delta). */
  seek(key: Uint8Array, keyStart: number, keyEnd: number, delta: number): NodeRef;
  /** To the last entry before (user key, delta). */
  seekBefore(key: Uint8Array, keyStart: number, keyEnd: number, delta: number): NodeRef;
  /** REQUIRES: the last move of this cursor arrived at `node`. */
  next(node: NodeRef): NodeRef;
  prev(node: NodeRef): NodeRef;
}

/** An iterator over a MemDB of either kind. It is over memory, so it is never blocked. */
export class MemDbIterator implements InternalIterator {
  readonly keyBytes: Uint8Array;
  readonly valueBytes: Uint8Array;
  readonly #nodeData: Int32Array;
  readonly #baseSequence: number;
  #cursor: MemDbCursor | undefined;
  #node: NodeRef = 0;

  constructor(arena: Arena, cursor: MemDbCursor) {
    this.keyBytes = arena.kvData;
    this.valueBytes = arena.kvData;
    this.#nodeData = arena.nodeData;
    this.#baseSequence = arena.baseSequence;
    this.#cursor = cursor;
  }

  get valid(): boolean {
    return this.#node !== 0;
  }

  get blocked(): boolean {
    return false;
  }

  get keyStart(): number {
    return this.#nodeData[this.#node + NODE_KEY_OFFSET]!;
  }

  get keyEnd(): number {
    const node = this.#node;
    return this.#nodeData[node + NODE_KEY_OFFSET]! + this.#nodeData[node + NODE_KEY_LENGTH]!;
  }

  get sequence(): number {
    return this.#baseSequence + this.#nodeData[this.#node + NODE_SEQUENCE_DELTA]!;
  }

  get kind(): number {
    return valueKindOf(this.#nodeData, this.#node);
  }

  get valueStart(): number {
    return valueOffsetOf(this.#nodeData, this.#node);
  }

  get valueEnd(): number {
    return valueOffsetOf(this.#nodeData, this.#node) + valueLengthOf(this.#nodeData, this.#node);
  }

  first(): void {
    this.#node = this.#cursor!.first();
  }

  last(): void {
    this.#node = this.#cursor!.last();
  }

  seek(key: Uint8Array, keyStart: number, keyEnd: number, sequence: number): void {
    this.#node = this.#cursor!.seek(key, keyStart, keyEnd, deltaOf(sequence, this.#baseSequence));
  }

  seekBefore(key: Uint8Array, keyStart: number, keyEnd: number, sequence: number): void {
    this.#node = this.#cursor!.seekBefore(key, keyStart, keyEnd, deltaOf(sequence, this.#baseSequence));
  }

  next(): void {
    invariant(this.#node !== 0, 'an iterator moves on from an entry');
    this.#node = this.#cursor!.next(this.#node);
  }

  prev(): void {
    invariant(this.#node !== 0, 'an iterator moves on from an entry');
    this.#node = this.#cursor!.prev(this.#node);
  }

  unblock(): Promise<void> {
    return Promise.resolve();
  }

  unblockNow(): void {}

  release(): void {
    this.#node = 0;
    this.#cursor = undefined;
  }
}
