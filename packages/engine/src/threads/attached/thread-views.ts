/**
 * The current view of an attached thread, and what its slot says of the views it holds.
 *
 * A read loads the epoch. Where it is the one this thread has seen, the view in hand shows everything that was acknowledged
 * before. Otherwise the thread takes the newest lists, with no help of the owner:
 *
 *   1. lists of the epoch from the catalog, arenas they name from the port
 *   2. pins the view it leaves, if an iterator holds it; stores the epoch in its slot
 *   3. loads the epoch again, and its state: only when both are as before does the owner know that this thread is there
 *   4. opens the arenas
 *
 * A thread that was revoked lets go of everything and attaches anew: what it held is not held any more, reads go on.
 */
import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads';
import type { Clock } from '@arena-level/common/base/clock';
import { EngineError, ErrorCode } from '@arena-level/common/base/errors';
import type { MemDbReader } from '@arena-level/common/memdb/memdb';
import { type MemtableHandle, ReadView } from '../../memtable/read-view.ts';
import type { ControlBuffer } from '../control/control-buffer.ts';
import { ControlWord, EPOCH_CLOSED, NO_EPOCH, SlotState } from '../control/control-layout.ts';
import type { OwnerMessage, ThreadMessage, ThreadRing } from '../control/messages.ts';
import type { ThreadSlot } from '../control/thread-slot.ts';
import { CatalogReader, type StoreLists } from './catalog-reader.ts';
import { HeldEpochs } from './held-epochs.ts';
import { KnownArenas } from './known-arenas.ts';

/** How long a read waits for an owner that is in the middle of a change, or that has to send an arena. */
const PATIENCE_MS = 10_000;
const PAUSE_MS = 1;
const ANSWER_MS = 100;

/** Why the newest lists could not be taken. */
const Obstacle = {
  None: 0,
  /** There are newer ones by now. */
  Moved: 1,
  /** The owner is writing the catalog: it is done in a moment. */
  Catalog: 2,
  /** An arena was not sent, for too much was in the port: the owner has to be asked. */
  Arena: 3,
} as const;
type Obstacle = (typeof Obstacle)[keyof typeof Obstacle];

export interface ThreadViewsModules {
  readonly control: ControlBuffer;
  readonly slot: ThreadSlot;
  readonly port: MessagePort;
  readonly clock: Clock;
  readonly onRing: (ring: ThreadRing) => void;
  readonly onControl: (port: MessagePort) => void;
  /** No view that is held has this table any more. */
  readonly onObsolete: (table: number) => void;
}

export class ThreadViews {
  readonly #modules: ThreadViewsModules;
  readonly #words: Int32Array;
  readonly #catalog: CatalogReader;
  readonly #arenas = new KnownArenas();
  readonly #held: HeldEpochs;
  /** NO_EPOCH: there is no view in hand, and the slot says so. */
  #epoch = NO_EPOCH;
  #view: ReadView | undefined;
  #active: MemDbReader | undefined;

  constructor(modules: ThreadViewsModules) {
    this.#modules = modules;
    this.#words = modules.control.words;
    this.#catalog = new CatalogReader(modules.control);
    this.#held = new HeldEpochs(modules.slot, modules.onObsolete);
  }

  /** The view that shows everything acknowledged so far. Throws LEVEL_DATABASE_NOT_OPEN, ARENA_OWNER_BUSY. */
  get view(): ReadView {
    if (Atomics.load(this.#words, ControlWord.Epoch) !== this.#epoch) this.#refresh();
    return this.#view!;
  }

  /** The greatest sequence number that is seen in the view that was just taken. */
  get lastSequence(): number {
    return this.#active!.lastSequence;
  }

  /** Epoch of the view that was just taken. */
  get epoch(): number {
    return this.#epoch;
  }

  /** How often this thread was revoked, and has noticed. What it got hold of before is not held any more. */
  get revocations(): number {
    if (this.#modules.slot.state === SlotState.Revoked) this.#attachAnew();
    return this.#held.revocations;
  }

  /** Why a table that a view has may be gone; undefined: it may not. What the current view has may be if that was lost just now. */
  whyLost(table: number): EngineError | undefined {
    if (this.#modules.control.isClosed) return storeClosed();
    return this.revocations > 0 && !this.#held.holds(table) ? revoked() : undefined;
  }

  /** Takes what the port has. */
  drain(): void {
    const { port } = this.#modules;
    for (let got = receiveMessageOnPort(port); got !== undefined; got = receiveMessageOnPort(port)) {
      this.take(got.message as OwnerMessage);
    }
  }

  take(message: OwnerMessage): void {
    this.#modules.slot.countTaken();
    if (message.kind === 'arena') this.#arenas.add(message.id, message.shared);
    else if (message.kind === 'catalog') this.#catalog.setBuffer(message.id, message.shared);
    else if (message.kind === 'ring') this.#modules.onRing(message);
    else if (message.kind === 'control') this.#modules.onControl(message.port);
  }

  /** Holds nothing any more. REQUIRES: `view` is not used again. */
  release(): void {
    this.#epoch = NO_EPOCH;
    this.#view = undefined;
    this.#held.leave();
  }

  /** For a thread that is not reading: leaves the view that it holds for the newest, if it can without waiting. */
  moveOn(): void {
    const { port, control, slot } = this.#modules;
    slot.beat();
    let obstacle: Obstacle = Obstacle.Moved;
    while (obstacle === Obstacle.Moved && this.#epoch !== NO_EPOCH && this.#epoch !== control.epoch) {
      obstacle = this.#tryToMove();
    }
    if (obstacle === Obstacle.Arena) port.postMessage({ kind: 'want' } satisfies ThreadMessage);
  }

  #refresh(): void {
    const { slot, clock, port } = this.#modules;
    const began = clock.now();
    /** The signal when the owner was asked last: it raises it with each answer. */
    let askedAt: number | undefined;
    slot.beat();
    for (;;) {
      const { signal } = slot;
      const obstacle = this.#tryToMove();
      if (obstacle === Obstacle.None) return;
      if (clock.now() - began > PATIENCE_MS) throw ownerBusy();
      if (obstacle === Obstacle.Moved) continue;
      const mustAsk = obstacle === Obstacle.Arena;
      // Again, when there were newer lists by the time of the answer, and arenas of these did not fit in the port either.
      if (mustAsk && signal !== askedAt) {
        askedAt = signal;
        port.postMessage({ kind: 'want' } satisfies ThreadMessage);
      }
      slot.waitForSignal(signal, mustAsk ? ANSWER_MS : PAUSE_MS);
    }
  }

  #tryToMove(): Obstacle {
    const { control, slot } = this.#modules;
    this.drain();
    if (slot.state === SlotState.Revoked) this.#attachAnew();
    const { epoch } = control;
    if (epoch === EPOCH_CLOSED) throw storeClosed();
    const lists = this.#catalog.read(epoch);
    if (lists === undefined) return Obstacle.Catalog;
    if (!this.#arenas.hasAll(lists)) return Obstacle.Arena;
    return this.#moveTo(lists) ? Obstacle.None : Obstacle.Moved;
  }

  /** False: the owner may have moved on before it knew that this thread holds these lists. */
  #moveTo(lists: StoreLists): boolean {
    const { control, slot } = this.#modules;
    this.#epoch = NO_EPOCH;
    this.#held.moveTo(lists);
    if (control.epoch !== lists.epoch || slot.state !== SlotState.Attached) {
      this.#held.leave();
      return false;
    }
    const [active, ...frozen] = this.#openArenas(lists);
    const { revocations } = this.#held;
    const version = this.#held.version(lists);
    this.#view = new ReadView(active!, frozen, version, () => this.#check(revocations));
    this.#held.keep(this.#view);
    this.#active = active!.memdb;
    this.#epoch = lists.epoch;
    return true;
  }

  /** An owner that closes frees its arenas whoever reads them; nothing is ever written to them after that. */
  #openArenas(lists: StoreLists): MemtableHandle[] {
    try {
      return this.#arenas.open(lists);
    } catch (error) {
      throw this.#modules.control.isClosed ? storeClosed() : error;
    }
  }

  /** For a reader that has a view of its own, each time before it reads on. */
  #check(revocations: number): void {
    const { control, slot } = this.#modules;
    slot.beat();
    if (control.isClosed) throw storeClosed();
    if (this.revocations !== revocations) throw revoked();
  }

  #attachAnew(): void {
    this.#epoch = NO_EPOCH;
    this.#view = undefined;
    this.#held.loseAll();
    this.#modules.slot.change(SlotState.Revoked, SlotState.Attached);
  }
}

export function storeClosed(): EngineError {
  return new EngineError(ErrorCode.DatabaseNotOpen, 'the store was closed by the thread that owns it');
}

export function revoked(): EngineError {
  return new EngineError(
    ErrorCode.ThreadRevoked,
    'this thread held data of the store for too long without taking part: its iterators and snapshots were given up',
  );
}

function ownerBusy(): EngineError {
  return new EngineError(
    ErrorCode.OwnerBusy,
    `the thread that owns the store has not answered for ${PATIENCE_MS / 1000} s`,
  );
}
