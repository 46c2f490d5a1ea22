/**
 * Watches which tables point reads look into, and charges the first one of a read when it was looked into in vain and
 * another had to be. A table whose charges are used up is named: it is worth a compaction.
 *
 * One search at a time: `begin`, `searched` for each table, `end`. A search that has to wait begins anew and is not ended
 * meanwhile. There is one only where the option `seekCompaction` is on.
 */
import { SeekCharges } from '../compaction/seek-charges.ts';
import type { TableMetadata } from '../manifest/table-metadata.ts';

export class SeekWatch {
  readonly #charges = new SeekCharges();
  readonly #onUsedUp: (table: number) => void;
  #first: TableMetadata | undefined;
  #isFirstInVain = false;
  #hasSecond = false;

  constructor(onUsedUp: (table: number) => void) {
    this.#onUsedUp = onUsedUp;
  }

  begin(): void {
    this.#first = undefined;
    this.#isFirstInVain = false;
    this.#hasSecond = false;
  }

  searched(table: TableMetadata, inVain: boolean): void {
    if (this.#first === undefined) {
      this.#first = table;
      this.#isFirstInVain = inVain;
    } else {
      this.#hasSecond = true;
    }
  }

  end(): void {
    const first = this.#first;
    if (first === undefined || !this.#isFirstInVain || !this.#hasSecond) return;
    if (this.#charges.charge(first)) this.#onUsedUp(first.number);
  }

  /** The table left the store. */
  forget(table: number): void {
    this.#charges.forget(table);
  }
}
