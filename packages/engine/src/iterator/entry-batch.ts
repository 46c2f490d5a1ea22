import { EMPTY_BYTES } from '@arena-level/common/bytes/compare';
import type { VisibleCursor } from './visible-cursor.ts';

/** A key and its value: Buffers of the caller's own. The part that was not asked for is empty. */
export type Entry = [key: Uint8Array<ArrayBuffer>, value: Uint8Array<ArrayBuffer>];

/** What a fill gathers, in whatever form. It says when it has enough; one entry fits whatever its size. */
export interface CursorBatch {
  readonly isFull: boolean;
  /** Adds a copy of the cursor's entry. REQUIRES: not full. */
  add(cursor: VisibleCursor): void;
}

/** Entries on their way to the caller, bounded in number and bytes. */
export class EntryBatch implements CursorBatch {
  readonly entries: Entry[] = [];
  readonly #maxEntries: number;
  readonly #maxBytes: number;
  readonly #withKeys: boolean;
  readonly #withValues: boolean;
  #bytes = 0;

  constructor(maxEntries: number, maxBytes: number, withKeys: boolean, withValues: boolean) {
    this.#maxEntries = maxEntries;
    this.#maxBytes = maxBytes;
    this.#withKeys = withKeys;
    this.#withValues = withValues;
  }

  get isFull(): boolean {
    const count = this.entries.length;
    return count >= this.#maxEntries || (count > 0 && this.#bytes >= this.#maxBytes);
  }

  add(cursor: VisibleCursor): void {
    const key = this.#withKeys ? cursor.copyKey() : EMPTY_BYTES;
    const value = this.#withValues ? cursor.copyValue() : EMPTY_BYTES;
    this.entries.push([key, value]);
    this.#bytes += key.length + value.length;
  }
}
