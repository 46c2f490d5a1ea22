import type { Arena } from '@arena-level/common/arena/arena';
import { invariant } from '@arena-level/common/base/invariant';
import type { MemDb } from '@arena-level/common/memdb/memdb';
import type { LiveJournal } from '../journal/live-journal.ts';

/**
 * A MemDB with its life: the arena it is in, the journal it is paired with, and who still reads it.
 *
 * References: one for the store while the memtable is active or frozen, one per read view that holds it, one per
 * flush attempt whose thread may be reading the arena. At zero the arena goes back through `onUnused`.
 */
export class Memtable {
  readonly memdb: MemDb;
  readonly arena: Arena;
  readonly journal: LiveJournal;
  /** Greatest sequence number in it; of what came before while it is empty. */
  lastSequence: number;
  /** False once a thread that was reading the arena did not end normally: it may be reading still. */
  reusable = true;
  #references = 1;
  readonly #onUnused: (memtable: Memtable) => void;

  constructor(
    memdb: MemDb,
    journal: LiveJournal,
    lastSequence: number,
    onUnused: (memtable: Memtable) => void,
  ) {
    this.memdb = memdb;
    this.arena = memdb.arena;
    this.journal = journal;
    this.lastSequence = lastSequence;
    this.#onUnused = onUnused;
  }

  get isEmpty(): boolean {
    return this.memdb.count === 0;
  }

  retain(): void {
    invariant(this.#references > 0, 'a memtable is retained only by someone who can still see it');
    this.#references++;
  }

  release(): void {
    invariant(this.#references > 0, 'a memtable is released once per reference');
    this.#references--;
    if (this.#references === 0) this.#onUnused(this);
  }
}
