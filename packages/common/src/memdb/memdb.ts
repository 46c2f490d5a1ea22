import type { Arena } from '../arena/arena.ts';
import type { IndexKind } from '../arena/index-kind.ts';
import type { InternalIterator } from '../iterator/internal-iterator.ts';

/** The index kinds of a MemDB; `hash` and `skiplist` have the same contract and the same tests. */
export { IndexKind as MemDbKind } from '../arena/index-kind.ts';

/** A word index into nodeData; 0 is nil. */
export type NodeRef = number;

/**
 * Reading side of a MemDB: an ordered run of versioned entries in an arena. Any thread, over an attached arena.
 *
 * Only entries below the published count are seen. Lookups allocate nothing.
 */
export interface MemDbReader {
  readonly kind: IndexKind;
  readonly arena: Arena;
  /** Entries published so far, tombstones and shadowed versions included. */
  readonly count: number;
  /**
   * Sequence number of the last entry published so far, the arena's base sequence without one. A batch is published as a
   * whole: a reader at this number sees all of it. REQUIRES, on other threads: `publishLinksAtomically`.
   */
  readonly lastSequence: number;

  /** The newest entry of a user key with a sequence number at most `sequence`; 0 when there is none. */
  find(key: Uint8Array, keyStart: number, keyEnd: number, sequence: number): NodeRef;

  /** Where the parts of an entry are, in `arena.kvData`. */
  keyOffset(node: NodeRef): number;
  keyLength(node: NodeRef): number;
  valueOffset(node: NodeRef): number;
  /** 0 for a tombstone. */
  valueLength(node: NodeRef): number;
  /** A `ValueKind`. */
  valueKind(node: NodeRef): number;
  sequence(node: NodeRef): number;

  /**
   * One bounded piece of the work that puts the published entries in order, and whether any is left. An iterator
   * may be opened at any time and does what is left itself; calling this between turns of the event loop first
   * keeps that short. A skiplist has nothing to do.
   */
  orderStep(): boolean;
  /** An iterator over the entries published when it is opened. Never blocked. */
  iterator(): InternalIterator;
}

/** Writing side. Only the thread that owns the engine, only while the arena is Active. */
export interface MemDb extends MemDbReader {
  /** True when `entries` more entries, of `recordBytes` bytes of batch records in all, fit in both regions. */
  fits(recordBytes: number, entries: number): boolean;
  /** Bytes and entries that still fit: what `fits` compares with. */
  readonly freeRecordBytes: number;
  readonly freeEntries: number;

  /**
   * Whether links between nodes are published with Atomics. Set while other threads are attached to the arena, or
   * may attach: they walk the links while entries are inserted. Off otherwise: an atomic store costs ten plain ones.
   */
  publishLinksAtomically: boolean;

  /**
   * Copies batch records (`key/batch-record.ts`; already validated) into kvData and indexes them, the first under
   * `firstSequence`, each next one under the next number; then publishes them together.
   * REQUIRES: fits; firstSequence above every sequence number inserted before. Copies; `records` may be reused.
   */
  insert(records: Uint8Array, start: number, end: number, entries: number, firstSequence: number): void;

  /**
   * Sequence numbers up to this one are used, by entries elsewhere: `lastSequence` is `sequence` from now on, so that
   * readers see them. REQUIRES: at or above `lastSequence`, and within MAX_SEQUENCE_DELTA of the arena's base sequence.
   */
  passSequence(sequence: number): void;
}
