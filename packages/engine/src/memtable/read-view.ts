import { invariant } from '@arena-level/common/base/invariant';
import type { MemDbReader } from '@arena-level/common/memdb/memdb';
import type { Version } from '../version/version.ts';

/** A counted hold on a MemDB: its arena is not used again before every hold is released. */
export interface MemtableHandle {
  readonly memdb: MemDbReader;
  retain(): void;
  release(): void;
}

/**
 * What a read needs of the store at one moment: the memtables and the version. Immutable; rotation and version
 * changes replace it as a whole, so a reader that holds one misses nothing and sees nothing twice.
 *
 * It does not say up to which sequence number to read: writes publish in the active memtable without replacing the
 * view, so that number is an argument of every read.
 *
 * Counted: made with one hold, for its maker. The last release lets go of the memtables and the version.
 */
export class ReadView {
  readonly active: MemtableHandle;
  /** Newest first. */
  readonly frozen: readonly MemtableHandle[];
  readonly version: Version;
  /** Throws when what the view holds was taken from it; only that of another thread's store can be. */
  readonly check: () => void;
  #holds = 1;

  constructor(
    active: MemtableHandle,
    frozen: readonly MemtableHandle[],
    version: Version,
    check: () => void = () => {},
  ) {
    this.active = active;
    this.frozen = frozen;
    this.version = version;
    this.check = check;
    active.retain();
    for (const memtable of frozen) memtable.retain();
    version.retain();
  }

  retain(): void {
    invariant(this.#holds > 0, 'a released read view is not used again');
    this.#holds++;
  }

  release(): void {
    invariant(this.#holds > 0, 'a read view is released once per hold');
    if (--this.#holds > 0) return;
    this.active.release();
    for (const memtable of this.frozen) memtable.release();
    this.version.release();
  }
}
