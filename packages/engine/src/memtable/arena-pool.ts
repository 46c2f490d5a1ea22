import { type Arena, createArena } from '@arena-level/common/arena/arena';
import { type ArenaSizes, arenaByteLength, arenaSizesFor } from '@arena-level/common/arena/layout';
import type { Clock } from '@arena-level/common/base/clock';
import { ErrorCode, hasCode } from '@arena-level/common/base/errors';
import { invariant } from '@arena-level/common/base/invariant';
import type { MemDbKind } from '@arena-level/common/memdb/memdb';
import { releaseArenaBytes, reserveArenaBytes } from './arena-budget.ts';

const DRAIN_INTERVAL_MS = 30_000;

export interface ArenaPoolOptions {
  readonly kind: MemDbKind;
  /** kvData bytes of a standard arena: the write buffer size. */
  readonly standardBytes: number;
  readonly maxIdle: number;
}

/** What another thread does for arenas. */
export interface ArenaPreparer {
  /** Clears a used arena and touches the pages of a new one. */
  prepare(arena: SharedArrayBuffer): Promise<void>;
  /** Touches the pages of one that is being filled. */
  touch(arena: SharedArrayBuffer): Promise<void>;
}

export interface ArenaPoolModules {
  readonly clock: Clock;
  /** Undefined: arenas are cleared on activation, here, and their pages are touched as they are filled. */
  readonly preparer: ArenaPreparer | undefined;
}

/**
 * The arenas of one store: goleveldb's mpoolGet, mpoolPut and mpoolDrain as `take`, `give` and `drain`.
 *
 * An arena is in exactly one place: taken (by a memtable), being prepared, or idle. Its bytes count against the
 * process-wide budget from its creation until it is dropped. Main thread only.
 */
export class ArenaPool {
  readonly #options: ArenaPoolOptions;
  readonly #modules: ArenaPoolModules;
  readonly #idle: Arena[] = [];
  readonly #taken = new Set<Arena>();
  /** Of those, the new ones whose pages nobody was asked to touch. */
  readonly #untouched = new Set<Arena>();
  #preparing = 0;
  #takenSinceDrain = false;
  #cancelDrain: (() => void) | undefined;
  #closed = false;
  /** Told of each arena that the pool lets go of. */
  onDropped: ((arena: Arena) => void) | undefined;

  constructor(options: ArenaPoolOptions, modules: ArenaPoolModules) {
    this.#options = options;
    this.#modules = modules;
  }

  /** Arenas taken and not given back, idle, and being prepared; and the bytes of all of them but the last. */
  get inUse(): number {
    return this.#taken.size;
  }

  get idle(): number {
    return this.#idle.length;
  }

  get preparing(): number {
    return this.#preparing;
  }

  get bytes(): number {
    let bytes = 0;
    for (const arena of this.#idle) bytes += arena.shared.byteLength;
    for (const arena of this.#taken) bytes += arena.shared.byteLength;
    return bytes;
  }

  /** True when a batch of this size needs an arena larger than the standard one. */
  exceedsStandard(recordBytes: number, entries: number): boolean {
    const needed = arenaSizesFor(this.#options.kind, recordBytes, entries);
    const standard = this.#standardSizes();
    return needed.kvBytes > standard.kvBytes || needed.nodeWords > standard.nodeWords;
  }

  /** True for an arena of the size that is kept for the next one who asks. */
  isStandard(arena: Arena): boolean {
    const standard = this.#standardSizes();
    return arena.kvData.length === standard.kvBytes && arena.nodeData.length === standard.nodeWords;
  }

  /**
   * An arena, in state Free, with room for a batch of this size: an idle standard one, or a new one of
   * max(standard, needed). Throws ARENA_MEMORY_BUDGET.
   */
  take(recordBytes: number, entries: number): Arena {
    invariant(!this.#closed, 'no arena is taken from a closed pool');
    this.#takenSinceDrain = true;
    let arena: Arena | undefined;
    if (!this.exceedsStandard(recordBytes, entries)) arena = this.#idle.pop();
    if (arena === undefined) {
      arena = this.#createWithin(recordBytes, entries);
      this.#untouched.add(arena);
    }
    this.#taken.add(arena);
    return arena;
  }

  /** Takes an arena back. REQUIRES: state Free; no thread reads it any more. */
  give(arena: Arena): void {
    const known = this.#taken.delete(arena);
    invariant(known, 'an arena is given back once, to the pool it was taken from');
    this.#untouched.delete(arena);
    if (
      this.#closed ||
      !this.isStandard(arena) ||
      this.#idle.length + this.#preparing >= this.#options.maxIdle
    )
      this.#drop(arena);
    else this.#prepare(arena);
  }

  /** Lets go of an arena that a thread may still read: it is never used again, the collector takes it. */
  discard(arena: Arena): void {
    const known = this.#taken.delete(arena);
    invariant(known, 'an arena is discarded once, by the pool it was taken from');
    this.#drop(arena);
  }

  /** Has the pages of an arena that was new when it was taken touched in the background: ahead of who fills it. */
  touchAhead(arena: Arena): void {
    if (this.#untouched.delete(arena)) this.#touch(arena);
  }

  /**
   * Makes a standard arena, unless there is one, and has its pages touched in the background, so that a rotation and the
   * writes behind it need not. It may be taken at once: touching goes on ahead of who fills it.
   */
  prepareAhead(): void {
    if (this.#closed || this.#options.maxIdle === 0 || this.#idle.length + this.#preparing > 0) return;
    if (this.#modules.preparer === undefined) return;
    try {
      const arena = this.#create(0, 0);
      this.#touch(arena);
      this.#keep(arena);
    } catch {
      // Over the budget: the rotation itself will ask again, and report it.
    }
  }

  /** Lets the idle arenas go. */
  drain(): void {
    for (const arena of this.#idle.splice(0)) this.#drop(arena);
  }

  /** Drains and keeps nothing that comes back later. */
  close(): void {
    this.#closed = true;
    this.#cancelDrain?.();
    this.drain();
  }

  #standardSizes(): ArenaSizes {
    return arenaSizesFor(this.#options.kind, this.#options.standardBytes, 0);
  }

  /** What is only kept for later makes room for what is needed now. */
  #createWithin(recordBytes: number, entries: number): Arena {
    try {
      return this.#create(recordBytes, entries);
    } catch (error) {
      if (!hasCode(error, ErrorCode.MemoryBudget) || this.#idle.length === 0) throw error;
      this.drain();
      return this.#create(recordBytes, entries);
    }
  }

  #create(recordBytes: number, entries: number): Arena {
    const standard = this.#standardSizes();
    const needed = arenaSizesFor(this.#options.kind, recordBytes, entries);
    const sizes: ArenaSizes = {
      kvBytes: Math.max(standard.kvBytes, needed.kvBytes),
      nodeWords: Math.max(standard.nodeWords, needed.nodeWords),
    };
    const bytes = arenaByteLength(sizes);
    reserveArenaBytes(bytes);
    try {
      return createArena({ kind: this.#options.kind, ...sizes });
    } catch (error) {
      releaseArenaBytes(bytes);
      throw error;
    }
  }

  #touch(arena: Arena): void {
    // Nothing depends on it.
    this.#modules.preparer?.touch(arena.shared).catch(() => {});
  }

  #drop(arena: Arena): void {
    releaseArenaBytes(arena.shared.byteLength);
    this.#untouched.delete(arena);
    this.onDropped?.(arena);
  }

  #prepare(arena: Arena): void {
    const { preparer } = this.#modules;
    if (preparer === undefined) {
      this.#keep(arena);
      return;
    }
    this.#preparing++;
    preparer.prepare(arena.shared).then(
      () => {
        this.#preparing--;
        this.#keep(arena);
      },
      () => {
        // A thread that failed may still be writing to it.
        this.#preparing--;
        this.#drop(arena);
      },
    );
  }

  #keep(arena: Arena): void {
    if (this.#closed || this.#idle.length >= this.#options.maxIdle) {
      this.#drop(arena);
      return;
    }
    this.#idle.push(arena);
    this.#cancelDrain ??= this.#modules.clock.after(DRAIN_INTERVAL_MS, () => this.#drainTick());
  }

  /** An arena that has been idle for a whole interval is let go. */
  #drainTick(): void {
    this.#cancelDrain = undefined;
    if (!this.#takenSinceDrain) this.drain();
    this.#takenSinceDrain = false;
    if (this.#idle.length > 0) {
      this.#cancelDrain = this.#modules.clock.after(DRAIN_INTERVAL_MS, () => this.#drainTick());
    }
  }
}
