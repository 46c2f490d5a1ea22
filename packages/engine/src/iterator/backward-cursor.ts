import { MAX_SEQUENCE } from '@arena-level/common/base/limits';
import { EMPTY_BYTES, equalRanges } from '@arena-level/common/bytes/compare';
import { copyOwned, copyTo, textOf } from '@arena-level/common/bytes/owned-bytes';
import type { InternalIterator } from '@arena-level/common/iterator/internal-iterator';
import { ValueKind } from '@arena-level/common/key/value-kind';
import { isAboveRange, isBelowRange, type KeyRange } from './key-range.ts';
import { CursorState, MAX_PASSED_ENTRIES, type VisibleCursor } from './visible-cursor.ts';

const NO_VALUE: Buffer<ArrayBuffer> = Buffer.alloc(0);

/** What is known of the user key whose versions the cursor is passing. */
const Candidate = { None: 0, Put: 1, Deleted: 2 } as const;
type Candidate = (typeof Candidate)[keyof typeof Candidate];

/**
 * Descending: the versions of a user key come oldest first, so which one the reader sees is known only when the
 * source has moved on to the key before it. Each visible version replaces the candidate; a change of key decides.
 *
 * INVARIANT: in state Entry the candidate is the current entry, and the source is behind it already.
 */
export class BackwardCursor implements VisibleCursor {
  state: CursorState = CursorState.Unpositioned;
  readonly #source: InternalIterator;
  readonly #sequence: number;
  readonly #range: KeyRange;
  readonly #wantsValues: boolean;
  #candidate: Candidate = Candidate.None;
  /** User key of the candidate: #key[0, #keyLength). */
  #key: Uint8Array = EMPTY_BYTES;
  #keyLength = 0;
  #value: Buffer<ArrayBuffer> = NO_VALUE;
  /** Target of the last seek; the source may be blocked on it. */
  #seekKey: Uint8Array = EMPTY_BYTES;

  constructor(source: InternalIterator, sequence: number, range: KeyRange, wantsValues: boolean) {
    this.#source = source;
    this.#sequence = sequence;
    this.#range = range;
    this.#wantsValues = wantsValues;
  }

  start(): void {
    const { upper, includesUpper } = this.#range;
    if (upper === undefined) {
      this.#source.last();
      this.#beginScan();
    } else {
      this.#seekBefore(upper, includesUpper);
    }
  }

  seek(target: Uint8Array): void {
    if (
      isBelowRange(this.#range, target, 0, target.length) ||
      isAboveRange(this.#range, target, 0, target.length)
    ) {
      this.state = CursorState.End;
      return;
    }
    this.#seekBefore(target, true);
  }

  next(): void {
    this.#beginScan();
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
    return copyOwned(this.#key, 0, this.#keyLength);
  }

  /** The copy was made when the source passed the entry. */
  copyValue(): Buffer<ArrayBuffer> {
    return this.#value;
  }

  keyText(): string {
    return textOf(this.#key, 0, this.#keyLength);
  }

  valueText(): string {
    return textOf(this.#value, 0, this.#value.length);
  }

  /** To the last key before `key`, or at it when it is included: the key right behind it is itself and a zero byte. */
  #seekBefore(key: Uint8Array, includesKey: boolean): void {
    this.#seekKey = new Uint8Array(includesKey ? key.length + 1 : key.length);
    this.#seekKey.set(key);
    this.#source.seekBefore(this.#seekKey, 0, this.#seekKey.length, MAX_SEQUENCE);
    this.#beginScan();
  }

  #beginScan(): void {
    this.#candidate = Candidate.None;
    this.#value = NO_VALUE;
    this.#scan();
  }

  /** Goes on from the source's position until the entry that the reader sees next is decided. */
  #scan(): void {
    const source = this.#source;
    let passed = 0;
    while (source.valid) {
      const { keyBytes, keyStart, keyEnd } = source;
      if (isBelowRange(this.#range, keyBytes, keyStart, keyEnd)) {
        this.#finish();
        return;
      }
      const isSameKey = this.#candidate !== Candidate.None && this.#isAt(keyBytes, keyStart, keyEnd);
      if (this.#candidate === Candidate.Put && !isSameKey) {
        this.state = CursorState.Entry;
        return;
      }
      if (source.sequence <= this.#sequence) this.#take(isSameKey);
      source.prev();
      if (++passed >= MAX_PASSED_ENTRIES && source.valid) {
        this.state = CursorState.Paused;
        return;
      }
    }
    if (source.blocked) this.state = CursorState.Blocked;
    else this.#finish();
  }

  /** No further key: the candidate is the last entry. */
  #finish(): void {
    this.state = this.#candidate === Candidate.Put ? CursorState.Entry : CursorState.End;
  }

  /** Makes the source's entry the candidate. */
  #take(isSameKey: boolean): void {
    const source = this.#source;
    if (!isSameKey) {
      const length = source.keyEnd - source.keyStart;
      if (this.#key.length < length) this.#key = new Uint8Array(length * 2);
      copyTo(this.#key, 0, source.keyBytes, source.keyStart, source.keyEnd);
      this.#keyLength = length;
    }
    const isPut = source.kind === ValueKind.Put;
    this.#candidate = isPut ? Candidate.Put : Candidate.Deleted;
    this.#value =
      isPut && this.#wantsValues
        ? copyOwned(source.valueBytes, source.valueStart, source.valueEnd)
        : NO_VALUE;
  }

  #isAt(key: Uint8Array, keyStart: number, keyEnd: number): boolean {
    return equalRanges(key, keyStart, keyEnd, this.#key, 0, this.#keyLength);
  }
}
