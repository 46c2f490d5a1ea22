import { EMPTY_BYTES } from '@arena-level/common/bytes/compare';
import type { VisibleCursor } from './visible-cursor.ts';

/** A key and its value: Buffers of the caller's own. The part that was not asked for is empty. */
export type Entry = [key: Uint8Array<ArrayBuffer>, value: Uint8Array<ArrayBuffer>];

/** Entries on their way to the caller, bounded in number and bytes; one entry fits whatever its size. */
export class EntryBatch {
  readonly entries: Entry[] = [];
  readonly #maxEntries: number;
  readonly #maxBytes: number;
  #bytes = 0;

  constructor(maxEntries: number, maxBytes: number) {
    this.#maxEntries = maxEntries;
    this.#maxBytes = maxBytes;
  }

  get isFull(): boolean {
    const count = this.entries.length;
    return count >= this.#maxEntries || (count > 0 && this.#bytes >= this.#maxBytes);
  }

  /** Adds a copy of the cursor's entry. */
  add(cursor: VisibleCursor, withKey: boolean, withValue: boolean): void {
    const key = withKey ? cursor.copyKey() : EMPTY_BYTES;
    const value = withValue ? cursor.copyValue() : EMPTY_BYTES;
    this.entries.push([key, value]);
    this.#bytes += key.length + value.length;
  }
}
