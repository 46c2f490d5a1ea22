/**
 * Builds the contents of one block at a time, in place:
 *
 *     ┌ entry ────────────────────────────────────────────────────────────────────────────────────────────┐
 *     │ shared (varint32) │ unshared (varint32) │ value length (varint32) │ key suffix (unshared) │ value │  ...
 *     └───────────────────────────────────────────────────────────────────────────────────────────────────┘
 *     │ restart offsets (u32 LE each) │ restart count (u32 LE, at least 1) │
 *
 * `shared` bytes are those of the entry's key that equal the key before; at a restart point, every
 * `restartInterval` entries, it is 0. LevelDB gives the same bytes for the same entries.
 *
 * Memory: one growing buffer, reused for block after block. Its contents start at HEAD_ROOM_BYTES, so that the
 * Merkle leaf can be hashed in place with its prefix in front. Nothing is allocated per entry. One owner.
 */
import { invariant } from '../base/invariant.ts';
import { KIB, MIB } from '../base/limits.ts';
import { writeU32LE } from '../bytes/endian.ts';
import { encodeVarint32, MAX_VARINT32_BYTES } from '../bytes/varint.ts';
import { readTrailerKind, readTrailerSequence, TRAILER_BYTES, writeTrailer } from '../key/internal-key.ts';
import { copyRange, withCapacity } from './copy-range.ts';

const HEAD_ROOM_BYTES = 1;
const FIRST_BUFFER_BYTES: number = 16 * KIB;
/** A buffer that one huge value made larger than this is not kept. */
const KEPT_BUFFER_BYTES: number = 4 * MIB;
const FIRST_KEY_BYTES = 64;
const MAX_ENTRY_HEADER_BYTES: number = 3 * MAX_VARINT32_BYTES;

export class BlockBuilder {
  readonly #restartInterval: number;
  #buffer: Uint8Array<ArrayBuffer> = new Uint8Array(FIRST_BUFFER_BYTES);
  /** Behind the last entry; behind the restart count once finished. */
  #end = HEAD_ROOM_BYTES;
  #restarts: Uint32Array<ArrayBuffer> = new Uint32Array(16);
  #restartCount = 1;
  #sinceRestart = 0;
  #entries = 0;
  /** The last key added, whole: lastKey[0, lastKeyEnd). Kept over `reset`; empty before the first. */
  #lastKey: Uint8Array<ArrayBuffer> = new Uint8Array(FIRST_KEY_BYTES);
  #lastKeyEnd = 0;
  #lastSequence = 0;
  #lastKind = 0;
  readonly #trailer: Uint8Array<ArrayBuffer> = new Uint8Array(TRAILER_BYTES);

  /** REQUIRES: restartInterval is at least 1. */
  constructor(restartInterval: number) {
    invariant(restartInterval >= 1, 'a block has restart points');
    this.#restartInterval = restartInterval;
  }

  get entries(): number {
    return this.#entries;
  }

  /** Bytes of the contents if the block were finished now. */
  get sizeBytes(): number {
    return this.#end - HEAD_ROOM_BYTES + 4 * this.#restartCount + 4;
  }

  /** The finished contents are buffer[start, end), until the next `reset`. */
  get buffer(): Uint8Array<ArrayBuffer> {
    return this.#buffer;
  }

  get start(): number {
    return HEAD_ROOM_BYTES;
  }

  get end(): number {
    return this.#end;
  }

  /** The last key added is lastKey[0, lastKeyEnd), until the next `add`. */
  get lastKey(): Uint8Array<ArrayBuffer> {
    return this.#lastKey;
  }

  get lastKeyEnd(): number {
    return this.#lastKeyEnd;
  }

  /** Adds an entry under the internal key of (user key, sequence, kind). REQUIRES: it sorts after the one before. */
  addEntry(
    keyBytes: Uint8Array,
    keyStart: number,
    keyEnd: number,
    sequence: number,
    kind: number,
    valueBytes: Uint8Array,
    valueStart: number,
    valueEnd: number,
  ): void {
    const userLength = keyEnd - keyStart;
    const length = userLength + TRAILER_BYTES;
    if (length > this.#lastKey.length) this.#lastKey = withCapacity(this.#lastKey, length);
    const last = this.#lastKey;
    const lastEnd = this.#lastKeyEnd;

    // As LevelDB, over whole internal keys: a common prefix may run on into the trailer of the key before.
    const sharable = Math.min(userLength, lastEnd);
    let shared = 0;
    while (shared < sharable && last[shared] === keyBytes[keyStart + shared]) shared++;
    invariant(
      lastEnd === 0 || this.#ascends(shared, keyBytes, keyStart, userLength, sequence, kind),
      'the entries of a table ascend',
    );

    if (shared < userLength) {
      copyRange(last, shared, keyBytes, keyStart + shared, keyEnd);
      writeTrailer(last, userLength, sequence, kind);
    } else {
      shared = this.#replaceTrailer(userLength, sequence, kind);
    }
    this.#lastKeyEnd = length;
    this.#lastSequence = sequence;
    this.#lastKind = kind;
    this.#append(shared, valueBytes, valueStart, valueEnd);
  }

  /** Adds an entry under a key that is taken as it is. REQUIRES: it sorts after the one before. */
  add(
    keyBytes: Uint8Array,
    keyStart: number,
    keyEnd: number,
    valueBytes: Uint8Array,
    valueStart: number,
    valueEnd: number,
  ): void {
    const length = keyEnd - keyStart;
    this.#lastKey = withCapacity(this.#lastKey, length);
    const sharable = Math.min(length, this.#lastKeyEnd);
    let shared = 0;
    while (shared < sharable && this.#lastKey[shared] === keyBytes[keyStart + shared]) shared++;
    copyRange(this.#lastKey, shared, keyBytes, keyStart + shared, keyEnd);
    this.#lastKeyEnd = length;
    this.#append(shared, valueBytes, valueStart, valueEnd);
  }

  /** Appends restart offsets and count. Nothing can be added before the next `reset`. */
  finish(): void {
    this.#buffer = withCapacity(this.#buffer, HEAD_ROOM_BYTES + this.sizeBytes);
    for (let i = 0; i < this.#restartCount; i++) {
      writeU32LE(this.#buffer, this.#end, this.#restarts[i]!);
      this.#end += 4;
    }
    writeU32LE(this.#buffer, this.#end, this.#restartCount);
    this.#end += 4;
  }

  /**
   * Takes keyBytes[keyStart, keyEnd), an internal key that was added elsewhere, for the last one: the next must sort
   * after it. REQUIRES: no entries in this block.
   */
  follow(keyBytes: Uint8Array, keyStart: number, keyEnd: number): void {
    invariant(this.#entries === 0, 'a block follows others before it has entries');
    this.#lastKeyEnd = keyEnd - keyStart;
    this.#lastKey = withCapacity(this.#lastKey, this.#lastKeyEnd);
    copyRange(this.#lastKey, 0, keyBytes, keyStart, keyEnd);
    const userEnd = this.#lastKeyEnd - TRAILER_BYTES;
    this.#lastSequence = readTrailerSequence(this.#lastKey, userEnd);
    this.#lastKind = readTrailerKind(this.#lastKey, userEnd);
  }

  /** Begins the next block. The last key stays known: the next one must sort after it. */
  reset(): void {
    if (this.#buffer.length > KEPT_BUFFER_BYTES) this.#buffer = new Uint8Array(FIRST_BUFFER_BYTES);
    this.#end = HEAD_ROOM_BYTES;
    this.#restartCount = 1;
    this.#sinceRestart = 0;
    this.#entries = 0;
  }

  /** True when the entry sorts after the last one, of which the first `shared` bytes equal the user key. */
  #ascends(
    shared: number,
    keyBytes: Uint8Array,
    keyStart: number,
    userLength: number,
    sequence: number,
    kind: number,
  ): boolean {
    const lastUserLength = this.#lastKeyEnd - TRAILER_BYTES;
    if (shared < userLength && shared < lastUserLength)
      return this.#lastKey[shared]! < keyBytes[keyStart + shared]!;
    if (userLength !== lastUserLength) return userLength > lastUserLength;
    return sequence < this.#lastSequence || (sequence === this.#lastSequence && kind < this.#lastKind);
  }

  /** Writes the trailer behind a user key that is already there, and returns how long the shared prefix now is. */
  #replaceTrailer(userLength: number, sequence: number, kind: number): number {
    writeTrailer(this.#trailer, 0, sequence, kind);
    let same = 0;
    while (userLength + same < this.#lastKeyEnd && this.#lastKey[userLength + same] === this.#trailer[same])
      same++;
    this.#lastKey.set(this.#trailer, userLength);
    return userLength + same;
  }

  /** The entry of the key in #lastKey, of which the first `shared` bytes are those of the key before. */
  #append(shared: number, valueBytes: Uint8Array, valueStart: number, valueEnd: number): void {
    let kept = shared;
    if (this.#entries === 0) {
      kept = 0;
    } else if (this.#sinceRestart === this.#restartInterval) {
      kept = 0;
      this.#addRestart();
    }
    const keyLength = this.#lastKeyEnd;
    const valueLength = valueEnd - valueStart;
    const needed = this.#end + MAX_ENTRY_HEADER_BYTES + (keyLength - kept) + valueLength;
    if (needed > this.#buffer.length) this.#buffer = withCapacity(this.#buffer, needed);
    const buffer = this.#buffer;
    let at = encodeVarint32(buffer, this.#end, kept);
    at = encodeVarint32(buffer, at, keyLength - kept);
    at = encodeVarint32(buffer, at, valueLength);
    at = copyRange(buffer, at, this.#lastKey, kept, keyLength);
    this.#end = copyRange(buffer, at, valueBytes, valueStart, valueEnd);
    this.#sinceRestart++;
    this.#entries++;
  }

  #addRestart(): void {
    if (this.#restartCount === this.#restarts.length) {
      const larger = new Uint32Array(2 * this.#restartCount);
      larger.set(this.#restarts);
      this.#restarts = larger;
    }
    this.#restarts[this.#restartCount++] = this.#end - HEAD_ROOM_BYTES;
    this.#sinceRestart = 0;
  }
}
