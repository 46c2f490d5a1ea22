/**
 * The threads that are attached to a store, on the side of the thread that owns it.
 *
 * Each change of the read view is one epoch. In this order: links are published with atomics, arenas that threads do not
 * know are posted, the lists are appended to the catalog, the epoch is stored; only then anything is inserted that the new
 * lists alone show. So a thread that finds its epoch unchanged misses nothing that was acknowledged before.
 *
 * Views are held for threads until their slots say that they have moved on (`held-views.ts`). A thread whose port closes
 * has ended. One that holds something back and does not take part for its `stallMs` is given up: what it holds is let go,
 * arenas it may be reading are never used again, and it hears of it when it comes back. Main thread only.
 */
import { MessageChannel, threadId } from 'node:worker_threads';
import type { Clock } from '@arena-level/common/base/clock';
import { EngineError, ErrorCode } from '@arena-level/common/base/errors';
import type { Storage } from '@arena-level/common/storage/storage';
import type { SharedBlockCache } from '../../cache/shared/shared-block-cache.ts';
import type { EventSink } from '../../events/event-sink.ts';
import type { Health } from '../../health/health.ts';
import type { ArenaPool } from '../../memtable/arena-pool.ts';
import type { MemtableSet } from '../../memtable/memtable-set.ts';
import type { ResolvedOptions } from '../../options/options.ts';
import type { StoreStats } from '../../public/stats.ts';
import type { ReadPath } from '../../read/read-path.ts';
import type { SnapshotList } from '../../read/snapshot-list.ts';
import type { WriteRings } from '../../rings/write-rings.ts';
import { type ControlBuffer, createControl } from '../control/control-buffer.ts';
import { EPOCH_CLOSED, MAX_THREADS, NO_EPOCH, SlotState } from '../control/control-layout.ts';
import { cacheParticipant, makeHandle, type ThreadHandle } from '../control/handle.ts';
import type { ThreadMessage } from '../control/messages.ts';
import type { ControlTarget } from '../control/store-control.ts';
import { ThreadSlot } from '../control/thread-slot.ts';
import { ArenaIds } from './arena-ids.ts';
import { CatalogWriter } from './catalog-writer.ts';
import { HeldViews } from './held-views.ts';
import { resolveShareOptions, type ShareOptions } from './share-options.ts';
import { ThreadLink } from './thread-link.ts';
import { ThreadSnapshots } from './thread-snapshots.ts';

/** How often slots are looked at while a thread holds something back: at first, and at most. */
const FIRST_LOOK_MS = 50;
const SELDOM_LOOK_MS = 1000;
/** Looks before a thread is given up, at least. */
const LOOKS_PER_STALL = 4;

export interface ThreadSharingModules {
  readonly storage: Storage;
  readonly clock: Clock;
  readonly events: EventSink;
  readonly health: Health;
  readonly options: ResolvedOptions;
  readonly memtables: MemtableSet;
  readonly pool: ArenaPool;
  readonly snapshots: SnapshotList;
  readonly rings: Pick<WriteRings, 'add'>;
  readonly reads: Pick<ReadPath, 'sharedCache'>;
  /** See `LookupParts.flushedFrom`. */
  readonly flushedFrom: number;
}

/** What all threads of a store share. Made by the first `share`, kept for the life of the store. */
interface Shared {
  readonly control: ControlBuffer;
  readonly catalog: CatalogWriter;
  /** Undefined: the option says so. */
  readonly blocks: SharedBlockCache | undefined;
}

export class ThreadSharing {
  readonly #modules: ThreadSharingModules;
  readonly #arenas = new ArenaIds();
  readonly #held = new HeldViews();
  readonly #links = new Map<number, ThreadLink>();
  #shared: Shared | undefined;
  #epoch = NO_EPOCH;
  #revoked = 0;
  #lookMs = FIRST_LOOK_MS;
  #cancelLook: (() => void) | undefined;

  constructor(modules: ThreadSharingModules) {
    this.#modules = modules;
  }

  get stats(): StoreStats['threads'] {
    let attached = 0;
    for (const link of this.#links.values()) if (link.isAttached) attached++;
    return {
      handles: this.#links.size,
      attached,
      heldViews: this.#held.old,
      revoked: this.#revoked,
      sharedBytes: this.#sharedBytes,
    };
  }

  get #sharedBytes(): number {
    if (this.#shared === undefined) return 0;
    const { control, catalog } = this.#shared;
    return control.words.byteLength + catalog.buffer.shared.byteLength;
  }

  /**
   * A handle for one thread, whose calls go to `target`. Throws ARENA_INVALID_ARGUMENT, LEVEL_DATABASE_NOT_OPEN, LEVEL_NOT_SUPPORTED for a storage that
   * no other thread can open, ARENA_TOO_MANY_THREADS, and ARENA_MEMORY_BUDGET.
   */
  share(given: ShareOptions, target: ControlTarget): ThreadHandle {
    const { storage, health, options, flushedFrom } = this.#modules;
    const resolved = resolveShareOptions(given);
    health.checkOpen();
    if (storage.spec === undefined) {
      throw new EngineError(ErrorCode.NotSupported, 'no other thread can open the storage of this store');
    }
    const index = this.#freeSlot();
    this.#shared ??= this.#makeShared();
    const { control, catalog, blocks } = this.#shared;
    const { port1, port2 } = new MessageChannel();
    const slot = new ThreadSlot(control.words, index);
    slot.hand();
    const link = new ThreadLink(slot, index, port1, resolved);
    if (this.#links.size === 0) this.#begin();
    this.#links.set(index, link);
    try {
      link.sendCatalog(catalog.buffer);
      this.#sendArenas(link);
      this.#sendRing(link, resolved);
      link.sendControl(target);
    } catch (error) {
      this.#left(link);
      throw error;
    }
    port1.on('message', (message: ThreadMessage) => this.#heard(link, message));
    port1.on('close', () => this.#left(link));
    port1.unref();
    return makeHandle({
      control: control.words.buffer,
      sharedCache: blocks?.memory,
      slot: index,
      incarnation: slot.incarnation,
      port: port2,
      storage: storage.spec,
      location: storage.location,
      owner: threadId,
      flushedFrom,
      options: {
        cacheBytes: options.cacheBytes,
        maxOpenFiles: options.maxOpenFiles,
        reads: options.reads,
      },
    });
  }

  /** Threads that read go on with what they have in hand, and are refused from their next read on. */
  close(): void {
    if (this.#shared === undefined) return;
    this.#cancelLook?.();
    this.#shared.control.epoch = EPOCH_CLOSED;
    if (this.#links.size > 0) this.#held.spoil(() => true);
    for (const link of this.#links.values()) {
      link.slot.raiseSignal();
      link.end();
    }
    this.#links.clear();
    this.#end();
    this.#shared = undefined;
  }

  #freeSlot(): number {
    for (let index = 0; index < MAX_THREADS; index++) if (!this.#links.has(index)) return index;
    throw new EngineError(
      ErrorCode.TooManyThreads,
      `a store is shared with ${MAX_THREADS} threads at most, handles that were not used included`,
    );
  }

  #makeShared(): Shared {
    const { snapshots, pool, reads } = this.#modules;
    const blocks = reads.sharedCache();
    const control = createControl();
    const catalog = new CatalogWriter(control, (buffer) => {
      for (const link of this.#links.values()) link.sendCatalog(buffer);
    });
    snapshots.watch(new ThreadSnapshots(control, () => this.#links.values()));
    pool.onDropped = (arena) => {
      const id = this.#arenas.forget(arena);
      if (id !== undefined) for (const link of this.#links.values()) link.forgetArena(id);
    };
    return { control, catalog, blocks };
  }

  /** The first thread comes: from here on every change is published. */
  #begin(): void {
    this.#modules.memtables.onViewChanged = () => this.#publish();
    this.#publish();
  }

  /** The last one has gone. */
  #end(): void {
    const { memtables } = this.#modules;
    memtables.onViewChanged = undefined;
    memtables.active.memdb.publishLinksAtomically = false;
    this.#held.releaseAll();
  }

  /** The view that there is now becomes that of a new epoch. */
  #publish(): void {
    const { memtables, clock } = this.#modules;
    const { control, catalog } = this.#shared!;
    const { active, frozen, view } = memtables;
    active.memdb.publishLinksAtomically = true;
    this.#epoch++;
    const arenas = [active, ...[...frozen].reverse()].map(({ arena }) => ({
      id: this.#arenas.of(arena),
      generation: arena.generation,
    }));
    for (const link of this.#links.values()) this.#sendArenas(link);
    catalog.append(
      { epoch: this.#epoch, nextArena: this.#arenas.next, arenasInUse: this.#arenas.inUse, arenas },
      view.version.levels,
    );
    // Not before nothing can fail any more: the epoch before is the newest, to which threads come, until this one is stored.
    this.#held.add({ epoch: this.#epoch, view, memtables: [active, ...frozen] });
    control.epoch = this.#epoch;
    this.#lookAtSlots();
    const now = clock.now();
    for (const link of this.#links.values()) if (link.slot.seen !== this.#epoch) link.nudge(now);
  }

  #sendArenas(link: ThreadLink, isAskedFor = false): void {
    const { active, frozen } = this.#modules.memtables;
    for (const { arena } of [active, ...frozen]) link.sendArena(this.#arenas.of(arena), arena, isAskedFor);
  }

  /** A channel of its own: both sides read it when they want to know of writes, and only then. */
  #sendRing(link: ThreadLink, options: { readonly ringBytes: number }): void {
    const { rings, options: ofStore } = this.#modules;
    const { port1, port2 } = new MessageChannel();
    const { memory } = rings.add(port1, options);
    link.sendRing({ memory, port: port2, maxPendingBytes: ofStore.maxPendingBytes });
  }

  #heard(link: ThreadLink, message: ThreadMessage): void {
    if (this.#links.get(link.index) !== link) return;
    switch (message.kind) {
      case 'attached':
        this.#modules.events.emit('thread-attached', nameOf(link));
        break;
      case 'moved':
        this.#lookAtSlots();
        break;
      case 'want':
        this.#sendArenas(link, true);
        link.slot.raiseSignal();
        break;
    }
  }

  #left(link: ThreadLink): void {
    if (this.#links.get(link.index) !== link) return;
    const { slot } = link;
    const wasClosed = slot.state === SlotState.Closed;
    // Nothing says that it was not in the middle of a read.
    if (!wasClosed) this.#held.spoil((epoch) => link.holds(epoch));
    this.#links.delete(link.index);
    link.end();
    this.#shared?.blocks?.release(cacheParticipant(link.index));
    slot.free();
    if (link.thread !== undefined) {
      this.#modules.events.emit('thread-left', { ...nameOf(link), wasClosed });
    }
    if (this.#links.size === 0) this.#end();
    else this.#lookAtSlots();
  }

  /** Lets go of what nobody holds any more, gives up who is silent, and comes back while anything is held. */
  #lookAtSlots(): void {
    const { clock } = this.#modules;
    const links = [...this.#links.values()];
    const isHeld = (epoch: number): boolean => links.some((link) => link.holds(epoch));
    this.#held.collect(isHeld);
    const holding = links.filter((link) => this.#isHolding(link));
    for (const link of holding) {
      const silentMs = link.silentMs(clock.now());
      if (silentMs >= link.stallMs) this.#revoke(link, silentMs);
    }
    if (holding.length > 0) this.#lookAgain();
    else this.#lookMs = FIRST_LOOK_MS;
  }

  #isHolding(link: ThreadLink): boolean {
    if (!link.isAttached) return false;
    return link.slot.snapshots > 0 || this.#held.someOld((epoch) => link.holds(epoch));
  }

  #lookAgain(): void {
    let mostMs = SELDOM_LOOK_MS;
    for (const { stallMs } of this.#links.values()) mostMs = Math.min(mostMs, stallMs / LOOKS_PER_STALL);
    this.#cancelLook ??= this.#modules.clock.after(Math.min(this.#lookMs, mostMs), () => {
      this.#cancelLook = undefined;
      this.#lookMs = Math.min(this.#lookMs * 2, SELDOM_LOOK_MS);
      this.#lookAtSlots();
      this.#wakeHolders();
    });
  }

  /**
   * Asks those who hold something back to take part: through the port, and by a new epoch those who have not done so since
   * they were asked before: one that reads in a loop does not look at its port.
   */
  #wakeHolders(): void {
    const now = this.#modules.clock.now();
    const holding = [...this.#links.values()].filter((link) => this.#isHolding(link));
    const isSilent = holding.some((link) => link.silentMs(now) > 0);
    for (const link of holding) link.nudge(now);
    if (isSilent) this.#publish();
  }

  #revoke(link: ThreadLink, silentMs: number): void {
    const { slot } = link;
    const { snapshots } = slot;
    const isRevoked = slot.change(SlotState.Attached, SlotState.Revoked);
    if (!isRevoked) return;
    this.#held.spoil((epoch) => slot.holds(epoch));
    const before = this.#held.old;
    this.#revoked++;
    this.#held.collect((epoch) => [...this.#links.values()].some((other) => other.holds(epoch)));
    const views = before - this.#held.old;
    this.#modules.events.emit('thread-revoked', { ...nameOf(link), silentMs, snapshots, views });
  }
}

/** REQUIRES: it has attached. */
function nameOf({ thread, index, name }: ThreadLink): { thread: number; slot: number; name: string } {
  return { thread: thread!, slot: index, name };
}
