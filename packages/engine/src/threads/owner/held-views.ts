import type { Memtable } from '../../memtable/memtable.ts';
import type { ReadView } from '../../memtable/read-view.ts';

/** A view that threads may read, retained for them. */
export interface HeldView {
  readonly epoch: number;
  readonly view: ReadView;
  readonly memtables: readonly Memtable[];
}

/**
 * The views of the epochs that attached threads may still read: arenas are not used again and files of tables not deleted
 * before they are let go. The newest is always held: a thread may come to it at any moment.
 */
export class HeldViews {
  /** Ascending. */
  #views: HeldView[] = [];

  /** Views held because of threads that have not moved on. */
  get old(): number {
    return Math.max(0, this.#views.length - 1);
  }

  get newest(): HeldView | undefined {
    return this.#views.at(-1);
  }

  /** Takes a hold on the newest view. */
  add(held: HeldView): void {
    held.view.retain();
    this.#views.push(held);
  }

  /** Lets go of the old ones that nobody holds. */
  collect(isHeld: (epoch: number) => boolean): void {
    if (this.old === 0) return;
    const newest = this.newest!;
    this.#release((held) => held !== newest && !isHeld(held.epoch));
  }

  /** Whether one of the old views is held. */
  someOld(isHeld: (epoch: number) => boolean): boolean {
    return this.#views.slice(0, -1).some(({ epoch }) => isHeld(epoch));
  }

  /** Arenas of these views are never used again: a thread that was given up may be reading them. */
  spoil(isHeld: (epoch: number) => boolean): void {
    for (const { epoch, memtables } of this.#views) {
      if (isHeld(epoch)) for (const memtable of memtables) memtable.reusable = false;
    }
  }

  releaseAll(): void {
    this.#release(() => true);
  }

  #release(isDue: (held: HeldView) => boolean): void {
    const due = this.#views.filter(isDue);
    // Releasing runs code of others, which may lead back here.
    this.#views = this.#views.filter((held) => !due.includes(held));
    for (const { view } of due) view.release();
  }
}
