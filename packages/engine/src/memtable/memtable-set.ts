import { invariant } from '@arena-level/common/base/invariant';
import type { LiveJournal } from '../journal/live-journal.ts';
import type { Version } from '../version/version.ts';
import type { Memtable } from './memtable.ts';
import { ReadView } from './read-view.ts';

/**
 * The active memtable, the frozen ones that wait for their flush, and the read view made of them.
 *
 * Every change replaces the view as a whole, so a reader sees each write exactly once: in a memtable, or, when the
 * version that holds its table is installed, there.
 */
export class MemtableSet {
  #active: Memtable;
  /** Oldest first. */
  #frozen: readonly Memtable[] = [];
  #view: ReadView;
  /** Told of each new view before anything is written that only it shows, and before the one before is released. */
  onViewChanged: (() => void) | undefined;

  constructor(active: Memtable, version: Version) {
    this.#active = active;
    this.#view = new ReadView(active, [], version);
  }

  get active(): Memtable {
    return this.#active;
  }

  /** Oldest first. */
  get frozen(): readonly Memtable[] {
    return this.#frozen;
  }

  /** The current view; a reader retains it for as long as it reads. */
  get view(): ReadView {
    return this.#view;
  }

  /** Journals that hold what no table holds yet, oldest first. */
  journals(): LiveJournal[] {
    return [...this.#frozen.map((memtable) => memtable.journal), this.#active.journal];
  }

  /** Freezes the active memtable and installs the next one. */
  rotate(next: Memtable): void {
    this.#frozen = [...this.#frozen, this.#active];
    this.#active = next;
    this.#renewView(this.#view.version);
  }

  /** Replaces an active memtable that is still empty, such as by one with room for a large batch. */
  replaceEmpty(next: Memtable): void {
    const previous = this.#active;
    invariant(previous.isEmpty, 'only an empty memtable is replaced without a flush');
    this.#active = next;
    this.#renewView(this.#view.version);
    previous.release();
  }

  /** Drops the oldest frozen memtable: its entries are in tables of `version`, which is installed with it. */
  dropOldest(memtable: Memtable, version: Version): void {
    invariant(this.#frozen[0] === memtable, 'memtables are dropped in order of age');
    this.#frozen = this.#frozen.slice(1);
    this.#renewView(version);
    memtable.release();
  }

  /** Readers see this version from now on: other tables, the same entries. */
  installVersion(version: Version): void {
    this.#renewView(version);
  }

  /** Lets go of everything: the store is closed. */
  release(): void {
    this.#view.release();
    for (const memtable of this.#frozen) memtable.release();
    this.#active.release();
  }

  #renewView(version: Version): void {
    const previous = this.#view;
    this.#view = new ReadView(this.#active, [...this.#frozen].reverse(), version);
    this.onViewChanged?.();
    previous.release();
  }
}
