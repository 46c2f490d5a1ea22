import { MAX_SEQUENCE_DELTA } from '@arena-level/common/arena/layout';
import { EngineError, ErrorCode } from '@arena-level/common/base/errors';
import type { Steps } from '@arena-level/common/base/steps';
import type { MemDb, MemDbReader } from '@arena-level/common/memdb/memdb';
import type { ArenaPool } from '../memtable/arena-pool.ts';
import { giveBackUnused, takeMemDb } from '../memtable/take-memdb.ts';
import type { ReplayTarget } from '../recovery/journal-replay.ts';

interface Replayed {
  readonly memdb: MemDb;
  readonly firstSequence: number;
  lastSequence: number;
}

/**
 * Where journals go that are replayed for reading only: MemDBs that stay in memory, as many as it takes. Their arenas
 * count against the arena budget, and go back by `release`.
 *
 * A MemDB takes ascending sequence numbers only; a record that does not follow begins another. Lookups end in the first
 * MemDB that has a key, so they are put in order of their numbers. Ranges of numbers that overlap, as goleveldb may leave
 * them behind a sync that failed, have no such order and are refused: an open for writing makes tables of them.
 */
export class MemoryReplay implements ReplayTarget {
  /** The greatest sequence number seen, the manifest's included. */
  lastSequence: number;
  readonly #pool: ArenaPool;
  readonly #replayed: Replayed[] = [];

  constructor(pool: ArenaPool, lastSequence: number) {
    this.#pool = pool;
    this.lastSequence = lastSequence;
  }

  /** Takes the records of one checked batch. */
  insert(records: Uint8Array, start: number, end: number, entries: number, firstSequence: number): void {
    const lastSequence = firstSequence + entries - 1;
    const filling = this.#fillingFor(end - start, entries, firstSequence, lastSequence);
    filling.memdb.insert(records, start, end, entries, firstSequence);
    filling.lastSequence = lastSequence;
    this.lastSequence = Math.max(this.lastSequence, lastSequence);
  }

  /** Nothing becomes a table. */
  *buildFull(): Steps<void> {}

  /** The MemDBs, newest first; one that is empty where nothing was replayed. */
  finish(): MemDbReader[] {
    if (this.#replayed.length === 0) this.#begin(0, 0, this.lastSequence + 1);
    const ordered = [...this.#replayed].sort((left, right) => right.firstSequence - left.firstSequence);
    for (const [i, newer] of ordered.entries()) {
      newer.memdb.arena.freeze();
      const older = ordered[i + 1];
      if (older !== undefined && older.lastSequence >= newer.firstSequence) {
        throw new EngineError(
          ErrorCode.NotSupported,
          `journals give the sequence number ${newer.firstSequence} twice; open the store once without 'readOnly'`,
        );
      }
    }
    return ordered.map(({ memdb }) => memdb);
  }

  /** Gives the arenas back. REQUIRES: nobody reads them any more. */
  release(): void {
    for (const { memdb } of this.#replayed.splice(0)) giveBackUnused(this.#pool, memdb.arena);
  }

  #fillingFor(recordBytes: number, entries: number, firstSequence: number, lastSequence: number): Replayed {
    const filling = this.#replayed.at(-1);
    if (filling !== undefined) {
      const ascends = firstSequence > filling.lastSequence;
      const isNear = lastSequence - filling.memdb.arena.baseSequence <= MAX_SEQUENCE_DELTA;
      if (ascends && isNear && filling.memdb.fits(recordBytes, entries)) return filling;
    }
    return this.#begin(recordBytes, entries, firstSequence);
  }

  #begin(recordBytes: number, entries: number, firstSequence: number): Replayed {
    const memdb = takeMemDb(this.#pool, recordBytes, entries, firstSequence - 1);
    const begun = { memdb, firstSequence, lastSequence: firstSequence - 1 };
    this.#replayed.push(begun);
    return begun;
  }
}
