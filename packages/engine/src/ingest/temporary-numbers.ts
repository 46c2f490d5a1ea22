import { tempFile } from '@arena-level/common/storage/file-desc';
import type { Storage } from '@arena-level/common/storage/storage';
import type { VersionSet } from '../version/version-set.ts';

/** Outputs per table's worth of input bytes that numbers are set aside for: the last one takes what is left. */
const OUTPUTS_PER_TABLE_BYTES = 4;
const SPARE_OUTPUTS = 4;

interface NumberRange {
  readonly first: number;
  readonly count: number;
}

/** The numbers that one ingest has set aside for temporary files, whoever writes them. */
export class TemporaryNumbers {
  readonly #versions: VersionSet;
  readonly #tableBytes: number;
  readonly #ranges: NumberRange[] = [];

  constructor(versions: VersionSet, tableBytes: number) {
    this.#versions = versions;
    this.#tableBytes = tableBytes;
  }

  /** For tables of so many bytes in all. */
  take(bytes: number): NumberRange {
    const count = OUTPUTS_PER_TABLE_BYTES * Math.ceil(bytes / this.#tableBytes) + SPARE_OUTPUTS;
    const range = { first: this.#versions.reserveNumbers(count), count };
    this.#ranges.push(range);
    return range;
  }

  /** Removes what is left of all of them, as far as that is possible; the next open removes the rest. */
  removeFiles(storage: Storage): void {
    if (this.#ranges.length === 0) return;
    try {
      for (const { type, number } of storage.listNow()) {
        if (type === 'temp' && this.#isOurs(number)) storage.removeNow(tempFile(number));
      }
    } catch {
      // What the ingest came to is what its caller hears.
    }
  }

  #isOurs(number: number): boolean {
    return this.#ranges.some(({ first, count }) => number >= first && number < first + count);
  }
}
