/**
 * Room for the next write in the active memtable, by rotation where it is needed: what stands in the way of one, and
 * how a blocking call clears it away.
 *
 * Main thread only.
 */
import type { RotationReason, StallReason } from '../events/events.ts';
import type { FlushCoordinator } from '../flush/flush-coordinator.ts';
import type { Durability } from '../journal/durability.ts';
import type { ArenaPool } from '../memtable/arena-pool.ts';
import type { Memtable } from '../memtable/memtable.ts';
import type { MemtableSet } from '../memtable/memtable-set.ts';
import type { Rotation } from '../memtable/rotation.ts';

/** What writers need to know of table compaction, and may ask of it. */
export interface Level0 {
  /** At its pause trigger: a rotation waits. */
  readonly holdsRotations: boolean;
  /** So far beyond it that a blocking writer, which does not wait, goes no further either. */
  readonly isOverdue: boolean;
  /** Why it does not get smaller; undefined while it may. */
  readonly failure: unknown;
  /** Makes it smaller on this thread. */
  compactNow(): void;
}

export interface WriteRoomModules {
  readonly memtables: MemtableSet;
  readonly rotation: Rotation;
  readonly flush: FlushCoordinator;
  readonly level0: Level0;
  readonly durability: Durability;
  readonly pool: ArenaPool;
}

/** What is to be written. */
export interface RoomNeed {
  readonly recordBytes: number;
  readonly entries: number;
  /** A rotation is wanted for its own sake: nothing fits without. */
  readonly wantsRotation?: boolean;
}

export interface Obstacle {
  readonly reason: StallReason;
  /** Set when waiting is of no use. */
  readonly failure: unknown;
}

/** When one part in this many of the active arena is used, its other pages are touched and the next one is made ready. */
const AHEAD_SHARE = 8;

export class WriteRoom {
  readonly #modules: WriteRoomModules;
  readonly #maxFrozenMemtables: number;

  constructor(modules: WriteRoomModules, maxFrozenMemtables: number) {
    this.#modules = modules;
    this.#maxFrozenMemtables = maxFrozenMemtables;
  }

  fits({ recordBytes, entries, wantsRotation = false }: RoomNeed): boolean {
    return !wantsRotation && this.#modules.memtables.active.memdb.fits(recordBytes, entries);
  }

  /** What a rotation for `need` has to wait for. A blocking call waits only for a slot, see `makeNow`. */
  obstacle(need: RoomNeed, isBlocking: boolean): Obstacle | undefined {
    const { flush, level0 } = this.#modules;
    if (!this.#needsRotation(need)) return undefined;
    if (this.#slotsAreTaken()) return { reason: 'frozen-memtables', failure: flush.failure };
    if (!isBlocking && level0.holdsRotations) return { reason: 'level0-pause', failure: level0.failure };
    return undefined;
  }

  /** Flushes and compacts on this thread until there may be a rotation for `need`. */
  makeNow(need: RoomNeed): void {
    const { flush, level0 } = this.#modules;
    while (this.#needsRotation(need) && this.#slotsAreTaken()) flush.finishOldestNow();
    while (this.#needsRotation(need) && level0.isOverdue) level0.compactNow();
  }

  /** Rotates, unless the active memtable is empty and large enough. Returns what was frozen. */
  rotate({ recordBytes, entries, wantsRotation = false }: RoomNeed): Memtable | undefined {
    const { memtables, rotation } = this.#modules;
    if (!memtables.active.isEmpty) {
      return this.#rotate(recordBytes, entries, wantsRotation ? 'asked' : 'full');
    }
    if (!memtables.active.memdb.fits(recordBytes, entries)) {
      rotation.enlargeEmpty(memtables, recordBytes, entries);
    }
    return undefined;
  }

  /**
   * Behind a write: one that leaves no room rotates at once, as in goleveldb, if that needs no wait; one that has used
   * an eighth, of bytes or of entries, has the pages of the active arena, if it is new, touched ahead of the writer, and the next
   * one made ready. Its pages may take as long to be touched as half of this one takes to be filled. A store that stays small
   * comes to have no more in memory than it needs, and starts no thread.
   */
  lookAhead({ memdb, arena }: Memtable): void {
    const { pool } = this.#modules;
    const usedBytes = arena.kvData.length - memdb.freeRecordBytes;
    if (AHEAD_SHARE * usedBytes < arena.kvData.length && AHEAD_SHARE * memdb.count < memdb.freeEntries)
      return;
    pool.touchAhead(arena);
    pool.prepareAhead();
    if (memdb.freeEntries > 0 && memdb.freeRecordBytes > 1) return;
    if (this.#slotsAreTaken() || this.#modules.level0.holdsRotations) return;
    try {
      this.#rotate(0, 0, 'full');
    } catch {
      // The next write rotates, and is told if it cannot.
    }
  }

  #needsRotation(need: RoomNeed): boolean {
    return !this.fits(need) && !this.#modules.memtables.active.isEmpty;
  }

  #slotsAreTaken(): boolean {
    return this.#modules.memtables.frozen.length >= this.#maxFrozenMemtables;
  }

  /** Rotates, starts to sync the old journal, and asks for the flush. */
  #rotate(recordBytes: number, entries: number, reason: RotationReason): Memtable {
    const { memtables, rotation, durability, flush, pool } = this.#modules;
    const frozen = rotation.rotate(memtables, recordBytes, entries, reason);
    // A store that fills one memtable fills the next. Asked for behind this flush, its arena would often come too late.
    if (reason === 'full' && !this.#slotsAreTaken()) pool.prepareAhead();
    durability.reach().catch(() => {
      // Failures are handled where journals fail; no writer waits for this sync.
    });
    flush.request();
    return frozen;
  }
}
