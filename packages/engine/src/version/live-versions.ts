/**
 * Which tables are still in use: those of the current version and of every older one that a reader holds.
 *
 * A table lives from the version that added it to the one that removed it. It becomes obsolete when no live version
 * lies in between; the cost of a commit is that of what it changes, however many tables there are.
 */
import { invariant } from '@arena-level/common/base/invariant';
import type { TableMetadata } from '../manifest/table-metadata.ts';

/** A table that the current version does not have any more: it was in versions [addedIn, removedIn). */
interface RemovedTable {
  readonly table: TableMetadata;
  readonly addedIn: number;
  readonly removedIn: number;
}

export class LiveVersions {
  readonly #versions = new Set<number>();
  /** Tables of the current version, with the version that added each. */
  readonly #addedIn = new Map<number, number>();
  #removed: RemovedTable[] = [];
  readonly #onObsolete: (table: TableMetadata) => void;

  /** `onObsolete` is told once of each table, when no live version has it any more. */
  constructor(onObsolete: (table: TableMetadata) => void) {
    this.#onObsolete = onObsolete;
  }

  /** A version becomes current. A table that changes level is in neither list. */
  install(version: number, added: readonly TableMetadata[], removed: readonly TableMetadata[]): void {
    this.#versions.add(version);
    for (const table of removed) {
      const addedIn = this.#addedIn.get(table.number);
      invariant(addedIn !== undefined, 'a table is removed that no version has');
      this.#addedIn.delete(table.number);
      this.#removed.push({ table, addedIn, removedIn: version });
    }
    for (const { number } of added) this.#addedIn.set(number, version);
  }

  /** Nobody holds this version any more. */
  release(version: number): void {
    this.#versions.delete(version);
    const obsolete = this.#removed.filter((removed) => !this.#isHeld(removed));
    if (obsolete.length === 0) return;
    this.#removed = this.#removed.filter((removed) => this.#isHeld(removed));
    for (const { table } of obsolete) this.#onObsolete(table);
  }

  /** File numbers of the tables of all live versions. */
  tables(): Set<number> {
    const numbers = new Set(this.#addedIn.keys());
    for (const { table } of this.#removed) numbers.add(table.number);
    return numbers;
  }

  #isHeld({ addedIn, removedIn }: RemovedTable): boolean {
    for (const version of this.#versions) if (version >= addedIn && version < removedIn) return true;
    return false;
  }
}
