import { EMPTY_BYTES, equalRanges } from '@arena-level/common/bytes/compare';
import { copyOwned, copyTo, textOf } from '@arena-level/common/bytes/owned-bytes';
import type { InternalIterator } from '@arena-level/common/iterator/internal-iterator';
import { ValueKind } from '@arena-level/common/key/value-kind';
import { isAboveRange, isBelowRange, type KeyRange } from './key-range.ts';
import { CursorState, MAX_PASSED_ENTRIES, type VisibleCursor } from './visible-cursor.ts';

/** Entries passed over one by one before a seek jumps over the further versions of a key, if it has any. */
const PASSED_BEFORE_SEEK = 32;

/**
 * Ascending: the first entry of a user key at or below the sequence number is the newest that the reader may see;
 * put or tombstone, it hides the rest of its key.
 */
export class ForwardCursor implements VisibleCursor {
  state: CursorState = CursorState.Unpositioned;
  readonly #source: InternalIterator;
  readonly #sequence: number;
  readonly #range: KeyRange;
  /** The user key whose further versions are hidden: #hidden[0, #hiddenLength); no key while the length is -1. */
  #hidden: Uint8Array = EMPTY_BYTES;
  #hiddenLength = -1;
  /** Target of the last seek past versions; the source may be blocked on it. */
  #seekKey: Uint8Array = EMPTY_BYTES;

  constructor(source: InternalIterator, sequence: number, range: KeyRange) {
    this.#source = source;
    this.#sequence = sequence;
    this.#range = range;
  }

  start(): void {
    const { lower, includesLower } = this.#range;
    this.#hiddenLength = -1;
    if (lower === undefined) {
      this.#source.first();
    } else if (includesLower) {
      this.#source.seek(lower, 0, lower.length, this.#sequence);
    } else {
      this.#hide(lower, 0, lower.length);
      this.#source.seek(lower, 0, lower.length, 0);
    }
    this.#scan();
  }

  seek(target: Uint8Array): void {
    if (
      isBelowRange(this.#range, target, 0, target.length) ||
      isAboveRange(this.#range, target, 0, target.length)
    ) {
      this.state = CursorState.End;
      return;
    }
    this.#hiddenLength = -1;
    this.#source.seek(target, 0, target.length, this.#sequence);
    this.#scan();
  }

  next(): void {
    this.#source.next();
    this.#scan();
  }

  resume(): void {
    this.#scan();
  }

  async unblock(): Promise<void> {
    await this.#source.unblock();
    this.#scan();
  }

  unblockNow(): void {
    this.#source.unblockNow();
    this.#scan();
  }

  copyKey(): Buffer<ArrayBuffer> {
    const source = this.#source;
    return copyOwned(source.keyBytes, source.keyStart, source.keyEnd);
  }

  copyValue(): Buffer<ArrayBuffer> {
    const source = this.#source;
    return copyOwned(source.valueBytes, source.valueStart, source.valueEnd);
  }

  keyText(): string {
    const source = this.#source;
    return textOf(source.keyBytes, source.keyStart, source.keyEnd);
  }

  valueText(): string {
    const source = this.#source;
    return textOf(source.valueBytes, source.valueStart, source.valueEnd);
  }

  /** Goes on from the source's position to the next entry that the reader sees. */
  #scan(): void {
    const source = this.#source;
    let passed = 0;
    let passedInRun = 0;
    while (source.valid) {
      const { keyBytes, keyStart, keyEnd } = source;
      if (isAboveRange(this.#range, keyBytes, keyStart, keyEnd)) {
        this.state = CursorState.End;
        return;
      }
      const isHidden = this.#hides(keyBytes, keyStart, keyEnd);
      if (!isHidden && source.sequence <= this.#sequence) {
        this.#hide(keyBytes, keyStart, keyEnd);
        if (source.kind === ValueKind.Put) {
          this.state = CursorState.Entry;
          return;
        }
        passedInRun = 0;
      }
      if (++passedInRun < PASSED_BEFORE_SEEK) {
        source.next();
      } else {
        passedInRun = 0;
        this.#seekPast(isHidden);
      }
      if (++passed >= MAX_PASSED_ENTRIES && source.valid) {
        this.state = CursorState.Paused;
        return;
      }
    }
    this.state = source.blocked ? CursorState.Blocked : CursorState.End;
  }

  /** Jumps over the versions of the current key that are hidden, or that are newer than what the reader sees. */
  #seekPast(isHidden: boolean): void {
    const source = this.#source;
    const length = source.keyEnd - source.keyStart;
    if (this.#seekKey.length < length) this.#seekKey = new Uint8Array(length * 2);
    copyTo(this.#seekKey, 0, source.keyBytes, source.keyStart, source.keyEnd);
    source.seek(this.#seekKey, 0, length, isHidden ? 0 : this.#sequence);
  }

  #hides(key: Uint8Array, keyStart: number, keyEnd: number): boolean {
    return (
      this.#hiddenLength === keyEnd - keyStart &&
      equalRanges(key, keyStart, keyEnd, this.#hidden, 0, this.#hiddenLength)
    );
  }

  #hide(key: Uint8Array, keyStart: number, keyEnd: number): void {
    const length = keyEnd - keyStart;
    if (this.#hidden.length < length) this.#hidden = new Uint8Array(length * 2);
    copyTo(this.#hidden, 0, key, keyStart, keyEnd);
    this.#hiddenLength = length;
  }
}
