/**
 * Puts the records of a log together from its blocks and says what ends them (`log-reader.ts` brings the blocks).
 *
 * What it finds follows LevelDB's reader for every log that LevelDB, goleveldb or `log-writer.ts` can have written.
 * For all others it is stricter: it never steps over a bad chunk by itself, and it tells a tear from damage
 * (`log-damage.ts`).
 */
import { invariant } from '@arena-level/common/base/invariant';
import { EMPTY_BYTES } from '@arena-level/common/bytes/compare';
import { type BadChunk, claimedEnd, judge } from './log-damage.ts';
import {
  BLOCK_BYTES,
  ChunkCheck,
  ChunkType,
  checkChunk,
  chunkLength,
  chunkTypeOf,
  HEADER_BYTES,
} from './log-format.ts';

/** What ends a log. `goodEnd` is the end of the last whole record before that. */
export type LogEnd =
  | { readonly kind: 'end'; readonly goodEnd: number }
  /** What a crash leaves: from `offset` on there is the beginning of a record, or nothing. */
  | { readonly kind: 'tear'; readonly offset: number; readonly goodEnd: number; readonly reason: string }
  /** A bad chunk at `offset` that no crash explains. */
  | { readonly kind: 'damage'; readonly offset: number; readonly goodEnd: number; readonly reason: string };

/** Takes one record: bytes[start, end), borrowed during the call, which begins at `offset` in the file. */
export type OnRecord = (bytes: Uint8Array, start: number, end: number, offset: number) => void;

/** A part of a log that was stepped over. */
export interface LogDrop {
  readonly offset: number;
  readonly bytes: number;
  readonly reason: string;
}

export interface LogReadOptions {
  /**
   * Every record was synced before the next was appended, as in a manifest: then zero-filled sectors with readable
   * records behind them are damage, too. Default false.
   */
  readonly everyRecordSynced?: boolean;
  /** Salvage as LevelDB does: the rest of a bad block is dropped, reported here, and reading goes on behind it. */
  readonly onDrop?: (drop: LogDrop) => void;
}

const CHECK_REASONS: Readonly<Record<ChunkCheck, string>> = {
  [ChunkCheck.Good]: '',
  [ChunkCheck.ZeroHeader]: 'zeros where a chunk should begin',
  [ChunkCheck.BeyondBlock]: 'chunk length leads beyond its block',
  [ChunkCheck.WrongChecksum]: 'chunk checksum does not match',
  [ChunkCheck.UnknownType]: 'unknown chunk type',
};
const FRAGMENT_INITIAL_BYTES = 2 * BLOCK_BYTES;

/** A bad chunk while it is open whether anything readable follows. */
interface Suspect {
  readonly offset: number;
  readonly reason: string;
}

export class LogParser {
  readonly #fileSize: number;
  readonly #onRecord: OnRecord;
  readonly #onDrop: ((drop: LogDrop) => void) | undefined;
  readonly #everyRecordSynced: boolean;

  #goodEnd = 0;
  #end: LogEnd | undefined;
  #suspect: Suspect | undefined;
  /** Salvage: chunks of a record whose beginning was dropped are dropped silently. */
  #isResyncing = false;

  /** The record under way: fragment[0, fragmentLength), begun at recordOffset; -1 when there is none. */
  #recordOffset = -1;
  #fragment: Uint8Array = EMPTY_BYTES;
  #fragmentLength = 0;

  constructor(fileSize: number, onRecord: OnRecord, options: LogReadOptions) {
    this.#fileSize = fileSize;
    this.#onRecord = onRecord;
    this.#onDrop = options.onDrop;
    this.#everyRecordSynced = options.everyRecordSynced === true;
  }

  /** Takes the next block, bytes[start, end), which begins at `offset` in the file. True: reading is over. */
  takeBlock(bytes: Uint8Array, start: number, end: number, offset: number): boolean {
    const toFile = offset - start;
    let at = start;
    while (end - at >= HEADER_BYTES) {
      const check = checkChunk(bytes, at, end);
      if (check !== ChunkCheck.Good) {
        const isLastBlock = end + toFile === this.#fileSize;
        this.#takeBadChunk({ bytes, blockStart: start, blockEnd: end, at, check, isLastBlock }, toFile);
        return this.#end !== undefined;
      }
      const next = at + HEADER_BYTES + chunkLength(bytes, at);
      this.#takeChunk(chunkTypeOf(bytes, at), bytes, at + HEADER_BYTES, next, toFile);
      if (this.#end !== undefined) return true;
      at = next;
    }
    const isCut = at < end && end - start < BLOCK_BYTES;
    if (isCut && this.#suspect === undefined) this.#tear(at + toFile, 'the file ends inside a chunk header');
    return this.#end !== undefined;
  }

  /** What ended the log. REQUIRES: `takeBlock` said that reading is over, or took the last block. */
  finish(): LogEnd {
    const suspect = this.#suspect;
    if (suspect !== undefined) this.#tear(suspect.offset, suspect.reason);
    if (this.#recordOffset >= 0) this.#tear(this.#recordOffset, 'the file ends inside a record');
    return this.#end ?? { kind: 'end', goodEnd: this.#goodEnd };
  }

  #takeChunk(type: number, bytes: Uint8Array, start: number, end: number, toFile: number): void {
    const isBeginning = type === ChunkType.Full || type === ChunkType.First;
    const offset = start - HEADER_BYTES + toFile;
    const suspect = this.#suspect;
    if (suspect !== undefined) {
      if (isBeginning) this.#damage(suspect.offset, suspect.reason);
      return;
    }
    if (isBeginning) {
      this.#endFragmentBefore(offset);
      if (this.#end !== undefined) return;
      if (type === ChunkType.Full) this.#deliver(bytes, start, end, offset, end + toFile);
      else this.#beginFragment(bytes, start, end, offset);
    } else if (this.#recordOffset >= 0) {
      this.#appendFragment(bytes, start, end);
      if (type === ChunkType.Last) {
        this.#deliver(this.#fragment, 0, this.#fragmentLength, this.#recordOffset, end + toFile);
      }
    } else if (!this.#isResyncing) {
      this.#drop(offset, end - start + HEADER_BYTES, 'a record goes on that never began');
    }
  }

  #deliver(bytes: Uint8Array, start: number, end: number, offset: number, fileEnd: number): void {
    this.#recordOffset = -1;
    this.#onRecord(bytes, start, end, offset);
    this.#goodEnd = fileEnd;
  }

  /** Early LevelDB left an empty first chunk at a block's end and began again behind it: an empty fragment is no loss. */
  #endFragmentBefore(offset: number): void {
    if (this.#recordOffset >= 0 && this.#fragmentLength > 0) {
      this.#drop(
        this.#recordOffset,
        offset - this.#recordOffset,
        'a record begins before the one before it ended',
      );
    }
    this.#recordOffset = -1;
    this.#isResyncing = false;
  }

  #beginFragment(bytes: Uint8Array, start: number, end: number, offset: number): void {
    this.#recordOffset = offset;
    this.#fragmentLength = 0;
    this.#appendFragment(bytes, start, end);
  }

  #appendFragment(bytes: Uint8Array, start: number, end: number): void {
    const length = this.#fragmentLength + end - start;
    if (length > this.#fragment.length) {
      const capacity = Math.min(Math.max(2 * length, FRAGMENT_INITIAL_BYTES), this.#fileSize);
      const grown = new Uint8Array(capacity);
      grown.set(this.#fragment.subarray(0, this.#fragmentLength));
      this.#fragment = grown;
    }
    this.#fragment.set(bytes.subarray(start, end), this.#fragmentLength);
    this.#fragmentLength = length;
  }

  #takeBadChunk(chunk: BadChunk, toFile: number): void {
    const { blockEnd, at, check, isLastBlock } = chunk;
    const offset = at + toFile;
    const reason = CHECK_REASONS[check];
    if (this.#suspect !== undefined) return;
    if (this.#onDrop !== undefined) {
      if (isLastBlock && claimedEnd(chunk) >= blockEnd) this.#tear(offset, reason);
      else this.#dropBlock(offset, blockEnd - at, reason);
      return;
    }
    const verdict = judge(chunk, this.#everyRecordSynced);
    if (verdict === 'damage') this.#damage(offset, reason);
    else if (verdict === 'tear') this.#tear(offset, reason);
    else this.#suspect = { offset, reason };
  }

  /** A tear begins with the record that is under way. */
  #tear(offset: number, reason: string): void {
    const from = this.#recordOffset >= 0 ? this.#recordOffset : offset;
    this.#end ??= { kind: 'tear', offset: from, goodEnd: this.#goodEnd, reason };
  }

  #damage(offset: number, reason: string): void {
    this.#end ??= { kind: 'damage', offset, goodEnd: this.#goodEnd, reason };
  }

  #drop(offset: number, bytes: number, reason: string): void {
    if (this.#onDrop === undefined) this.#damage(offset, reason);
    else this.#onDrop({ offset, bytes, reason });
  }

  #dropBlock(offset: number, bytes: number, reason: string): void {
    invariant(this.#onDrop !== undefined, 'a block is dropped only when salvaging');
    const from = this.#recordOffset >= 0 ? this.#recordOffset : offset;
    this.#onDrop({ offset: from, bytes: offset + bytes - from, reason });
    this.#recordOffset = -1;
    this.#isResyncing = true;
  }
}
