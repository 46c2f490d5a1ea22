import type { Arena } from '@arena-level/common/arena/arena';
import { ArenaState } from '@arena-level/common/arena/arena-state';
import type { Clock } from '@arena-level/common/base/clock';
import { createMemDb } from '@arena-level/common/memdb/create-memdb';
import type { Storage } from '@arena-level/common/storage/storage';
import type { EventSink } from '../events/event-sink.ts';
import { LiveJournal } from '../journal/live-journal.ts';
import type { ArenaPool } from './arena-pool.ts';
import { commonPrefixOf } from './common-prefix.ts';
import { Memtable } from './memtable.ts';
import type { MemtableSet } from './memtable-set.ts';

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
 * What can fail (an arena over the budget, a journal that cannot be created) comes before anything is changed.
 */
export class Rotation {
  readonly stats: RotationStats = { count: 0, totalMs: 0, maxMs: 0 };
  readonly #modules: RotationModules;

  constructor(modules: RotationModules) {
    this.#modules = modules;
  }

  /** A first memtable, for a store that is being opened. */
  first(journalNumber: number, lastSequence: number): Memtable {
    const { storage, events } = this.#modules;
    const arena = this.#modules.pool.take(0, 0);
    try {
      const journal = LiveJournal.createNow(storage, journalNumber, lastSequence + 1);
      events.emit('journal-created', { journal: journalNumber });
      arena.activate(lastSequence);
      return this.#memtable(arena, journal, lastSequence);
    } catch (error) {
      this.#modules.pool.give(arena);
      throw error;
    }
  }

  /**
   * Freezes the active memtable of `memtables` and installs one with room for a batch of this size. Returns the
   * frozen one. Throws, with nothing changed, when there is no memory or no new journal.
   */
  rotate(memtables: MemtableSet, recordBytes: number, entries: number): Memtable {
    const { storage, pool, clock, events, newFileNumber } = this.#modules;
    const began = clock.now();
    const previous = memtables.active;
    const { lastSequence } = previous;
    const arena = pool.take(recordBytes, entries);
    let journal: LiveJournal;
    try {
      journal = LiveJournal.createNow(storage, newFileNumber(), lastSequence + 1);
    } catch (error) {
      pool.give(arena);
      throw error;
    }
    events.emit('journal-created', { journal: journal.number });
    previous.arena.freeze();
    events.emit('memtable-frozen', {
      journal: previous.journal.number,
      lastSequence,
      entries: previous.memdb.count,
      bytes: previous.arena.kvBytesUsed,
    });
    arena.activate(lastSequence, commonPrefixOf(previous.memdb));
    memtables.rotate(this.#memtable(arena, journal, lastSequence));
    const durationMs = clock.now() - began;
    events.emit('memtable-installed', {
      journal: journal.number,
      capacityBytes: arena.kvData.length,
      durationMs,
    });
    this.stats.count++;
    this.stats.totalMs += durationMs;
    this.stats.maxMs = Math.max(this.stats.maxMs, durationMs);
    return previous;
  }

  /** Gives an active memtable that is still empty more room; journal and history stay. Throws as `rotate` does. */
  enlargeEmpty(memtables: MemtableSet, recordBytes: number, entries: number): void {
    const { journal, lastSequence } = memtables.active;
    const arena = this.#modules.pool.take(recordBytes, entries);
    arena.activate(lastSequence);
    memtables.replaceEmpty(this.#memtable(arena, journal, lastSequence));
  }

  #memtable(arena: Arena, journal: LiveJournal, lastSequence: number): Memtable {
    return new Memtable(createMemDb(arena), journal, lastSequence, (memtable) => this.#unused(memtable));
  }

  /** No one reads the memtable any more: its arena goes back to the pool, unless a thread may still be in it. */
  #unused(memtable: Memtable): void {
    const { arena } = memtable;
    if (!memtable.reusable) {
      this.#modules.pool.discard(arena);
      return;
    }
    if (arena.state === ArenaState.Flushed) arena.transition(ArenaState.Free);
    else arena.abandon();
    this.#modules.pool.give(arena);
  }
}
