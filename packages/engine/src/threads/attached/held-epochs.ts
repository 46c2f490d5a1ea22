import type { ReadView } from '../../memtable/read-view.ts';
import { LiveVersions } from '../../version/live-versions.ts';
import { EMPTY_LEVELS, type Levels, Version } from '../../version/version.ts';
import { editBetween } from '../control/catalog-record.ts';
import { NO_EPOCH } from '../control/control-layout.ts';
import type { ThreadSlot } from '../control/thread-slot.ts';
import type { StoreLists } from './catalog-reader.ts';

/** Of one epoch: what this thread has of it. */
interface HeldEpoch {
  readonly epoch: number;
  readonly revocations: number;
  view: ReadView | undefined;
  isReleased: boolean;
  /** Place of its pin; NOT_PINNED: none. */
  pin: number;
}

const NOT_PINNED = -1;

/**
 * Which epochs an attached thread holds, said in its slot. The current one is the epoch it has seen; older ones, which an
 * iterator or a read that waits still has, are pinned, or, where pins run out, lie above the floor.
 */
export class HeldEpochs {
  /** How often everything was lost. */
  revocations = 0;
  readonly #slot: ThreadSlot;
  readonly #live: LiveVersions;
  #levels: Levels = EMPTY_LEVELS;
  /** Number of the newest version, and whether nobody has it any more: it counts as live until the next one is there. */
  #newest = 0;
  #isNewestReleased = false;
  #current: HeldEpoch | undefined;
  /** Those for which there was no pin. */
  readonly #unpinned = new Set<HeldEpoch>();

  constructor(slot: ThreadSlot, onObsolete: (table: number) => void) {
    this.#slot = slot;
    this.#live = new LiveVersions(({ number }) => onObsolete(number));
  }

  /** Says that these lists are the current ones. What it has said is sure when the epoch has not changed since. */
  moveTo({ epoch }: StoreLists): void {
    this.#letGoOfCurrent();
    const { revocations } = this;
    this.#current = { epoch, revocations, view: undefined, isReleased: false, pin: NOT_PINNED };
    this.#slot.seen = epoch;
  }

  /** The version of the current lists, with one hold, for the view that is made with it. */
  version({ levels }: StoreLists): Version {
    const held = this.#current!;
    const id = ++this.#newest;
    const { newTables = [], deletedTables = [] } = editBetween(this.#levels, levels);
    const added = newTables.map(({ table }) => table);
    const moved = new Set(added.map(({ number }) => number));
    const gone = new Set(deletedTables.map(({ number }) => number).filter((number) => !moved.has(number)));
    const known = new Set(deletedTables.map(({ number }) => number));
    this.#live.install(
      id,
      added.filter(({ number }) => !known.has(number)),
      this.#levels.flat().filter(({ number }) => gone.has(number)),
    );
    this.#levels = levels;
    if (this.#isNewestReleased) this.#live.release(id - 1);
    this.#isNewestReleased = false;
    return new Version(id, levels, () => {
      if (id === this.#newest) this.#isNewestReleased = true;
      else this.#live.release(id);
      this.#released(held);
    });
  }

  /** The current view, which has the hold of its maker on the version. */
  keep(view: ReadView): void {
    view.version.release();
    this.#current!.view = view;
  }

  /** Whether the owner keeps a table for the current lists. */
  holds(table: number): boolean {
    return (
      this.#current !== undefined &&
      this.#levels.some((tables) => tables.some(({ number }) => number === table))
    );
  }

  /** Nothing is current any more. */
  leave(): void {
    this.#letGoOfCurrent();
    this.#slot.seen = NO_EPOCH;
  }

  /** The owner holds nothing for this thread any more. */
  loseAll(): void {
    const current = this.#current;
    this.#current = undefined;
    this.revocations++;
    this.#unpinned.clear();
    this.#slot.letGo();
    current?.view?.release();
  }

  #letGoOfCurrent(): void {
    const held = this.#current;
    this.#current = undefined;
    if (held?.view === undefined) return;
    held.view.release();
    if (held.isReleased) return;
    // Someone reads it still: this comes before `seen` changes.
    held.pin = this.#slot.pin(held.epoch);
    if (held.pin !== NOT_PINNED) return;
    this.#unpinned.add(held);
    this.#setFloor();
  }

  #released(held: HeldEpoch): void {
    held.isReleased = true;
    if (held.revocations !== this.revocations) return;
    if (held.pin !== NOT_PINNED) this.#slot.unpin(held.pin);
    if (this.#unpinned.delete(held)) this.#setFloor();
  }

  #setFloor(): void {
    let floor = Number.POSITIVE_INFINITY;
    for (const { epoch } of this.#unpinned) floor = Math.min(floor, epoch);
    this.#slot.floor = Number.isFinite(floor) ? floor : NO_EPOCH;
  }
}
