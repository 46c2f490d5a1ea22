import type { NodeRef } from './memdb.ts';
import type { MemDbCursor } from './memdb-iterator.ts';

/**
 * What differs between the kinds of MemDB: how nodes are laid out, linked, found and put in order. `ArenaMemDb` does
 * the rest.
 *
 * `count` is always the number of entries the caller may see: a node of a later entry is followed along its links,
 * and nothing else of it is believed, since another thread may be writing it. `delta` is a sequence number relative to
 * the arena's base.
 */
export interface MemDbIndex {
  /**
   * Lays out the nodes of `entries` batch records behind the nodes in use, linked to nothing, as if the records
   * stood behind the kvData in use. Returns the word behind the last. Throws when the records are malformed.
   */
  stage(records: Uint8Array, start: number, end: number, entries: number, firstDelta: number): number;
  /** Links the staged nodes; the records are in kvData now. Cannot fail. */
  link(endWord: number, atomically: boolean): void;
  /** Called when an insert is complete. */
  afterInsert(count: number): void;

  find(key: Uint8Array, keyStart: number, keyEnd: number, delta: number, count: number): NodeRef;
  /** One bounded piece of ordering work; whether any is left. */
  orderStep(count: number): boolean;
  cursor(count: number): MemDbCursor;
}
