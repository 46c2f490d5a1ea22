import { ArenaState } from '@arena-level/common/arena/arena-state';
import type { Clock } from '@arena-level/common/base/clock';
import { asError } from '@arena-level/common/base/errors';
import type { MemDb } from '@arena-level/common/memdb/memdb';
import type { Storage } from '@arena-level/common/storage/storage';
import type { EventSink } from '../events/event-sink.ts';
import type { RotationReason } from '../events/events.ts';
import { LiveJournal } from '../journal/live-journal.ts';
import type { ArenaPool } from './arena-pool.ts';
import { commonPrefixOf } from './common-prefix.ts';
import { Memtable } from './memtable.ts';
import type { MemtableSet } from './memtable-set.ts';
import { giveBackUnused, takeMemDb } from './take-memdb.ts';

export interface RotationModules {
  readonly storage: Storage;
  readonly pool: ArenaPool;
  readonly clock: Clock;
  readonly events: EventSink;
  /** The next unused file number. */
  readonly newFileNumber: () => number;
}

/** How often and how long rotations held the thread. */
export interface RotationStats {
  count: number;
  totalMs: number;
  maxMs: number;
}

/**
 * Rotation: goleveldb's newMem. In this order, on one thread, with no wait in between:
 * new journal → freeze the active memtable → install the new one.
 *
 * What can fail (an arena over the budget or refused by its own checks, a journal that cannot be created) comes
 * before anything is changed.
 */
export class Rotation {
  readonly stats: RotationStats = { count: 0, totalMs: 0, maxMs: 0 };
  readonly #modules: RotationModules;

  constructor(modules: RotationModules) {
    this.#modules = modules;
  }

  /** A first memtable, for a store that is being opened. */
  first(journalNumber: number, lastSequence: number): Memtable {
    const memdb = takeMemDb(this.#modules.pool, 0, 0, lastSequence);
    return this.#memtable(memdb, this.#newJournal(memdb, journalNumber, lastSequence), lastSequence);
  }

  /**
   * Freezes the active memtable of `memtables` and installs one with room for a batch of this size. Returns the
   * frozen one. Throws, with nothing changed, when there is no memory or no new journal.
   */
  rotate(
    memtables: MemtableSet,
    recordBytes: number,
    entries: number,
    reason: RotationReason = 'full',
  ): Memtable {
    const { clock, events } = this.#modules;
    const began = clock.now();
    const previous = memtables.active;
    const { lastSequence } = previous;
    const { memdb, journal } = this.#next(previous, recordBytes, entries, reason);
    previous.arena.freeze();
    events.emit('memtable-frozen', {
      reason,
      journal: previous.journal.number,
      lastSequence,
      entries: previous.memdb.count,
      bytes: previous.arena.kvBytesUsed,
    });
    memtables.rotate(this.#memtable(memdb, journal, lastSequence));
    const durationMs = clock.now() - began;
    events.emit('memtable-installed', {
      journal: journal.number,
      capacityBytes: memdb.arena.kvData.length,
      durationMs,
    });
    this.stats.count++;
    this.stats.totalMs += durationMs;
    this.stats.maxMs = Math.max(this.stats.maxMs, durationMs);
    return previous;
  }

  /** All that can fail. */
  #next(
    previous: Memtable,
    recordBytes: number,
    entries: number,
    reason: RotationReason,
  ): { readonly memdb: MemDb; readonly journal: LiveJournal } {
    const { pool, events, newFileNumber } = this.#modules;
    const { lastSequence } = previous;
    try {
      const memdb = takeMemDb(pool, recordBytes, entries, lastSequence, commonPrefixOf(previous.memdb));
      return { memdb, journal: this.#newJournal(memdb, newFileNumber(), lastSequence) };
    } catch (error) {
      events.emit('rotation-failed', {
        reason,
        journal: previous.journal.number,
        entries: previous.memdb.count,
        bytes: previous.arena.kvBytesUsed,
        error: asError(error),
      });
      throw error;
    }
  }

  /** Gives an active memtable that is still empty more room; journal and history stay. Throws as `rotate` does. */
  enlargeEmpty(memtables: MemtableSet, recordBytes: number, entries: number): void {
    const { journal, lastSequence } = memtables.active;
    const memdb = takeMemDb(this.#modules.pool, recordBytes, entries, lastSequence);
    memtables.replaceEmpty(this.#memtable(memdb, journal, lastSequence));
  }

  /** The journal of a MemDB just taken, whose arena goes back when there is none. */
  #newJournal(memdb: MemDb, number: number, lastSequence: number): LiveJournal {
    const { storage, pool, events } = this.#modules;
    let journal: LiveJournal;
    try {
      journal = LiveJournal.createNow(storage, number, lastSequence + 1);
    } catch (error) {
      giveBackUnused(pool, memdb.arena);
      throw error;
    }
    events.emit('journal-created', { journal: number });
    return journal;
  }

  #memtable(memdb: MemDb, journal: LiveJournal, lastSequence: number): Memtable {
    return new Memtable(memdb, journal, lastSequence, (memtable) => this.#unused(memtable));
  }

  /** No one reads the memtable any more: its arena goes back to the pool, unless a thread may still be in it. */
  #unused(memtable: Memtable): void {
    const { arena } = memtable;
    if (!memtable.reusable) {
      this.#modules.pool.discard(arena);
      return;
    }
    if (arena.state === ArenaState.Flushed) arena.transition(ArenaState.Free);
    giveBackUnused(this.#modules.pool, arena);
  }
}
