/**
 * A position in a data block: entries under internal keys (`key/internal-key.ts`), in their order.
 *
 * Reusable for block after block; it owns the bytes of the current key, the value lies in the contents of the
 * block. Nothing is allocated per entry. Damage throws, naming file, block and entry, and leaves no current entry.
 */
import { EngineError, ErrorCode } from '../base/errors.ts';
import { MAX_SEQUENCE } from '../base/limits.ts';
import { compareRanges } from '../bytes/compare.ts';
import { readTrailerKind, readTrailerSequence, TRAILER_BYTES } from '../key/internal-key.ts';
import { ValueKind } from '../key/value-kind.ts';
import type { Block } from './block.ts';
import { BlockCursor } from './block-cursor.ts';
import { SCAN_UNDECIDED, scanEntries } from './block-scan.ts';
import { EntryRun } from './entry-run.ts';
import { restartBefore, restartFor } from './restart-search.ts';

export class BlockIterator {
  /** True when there is a current entry. */
  valid = false;
  /** User key of the current entry: keyBytes[0, keyEnd), good until the next move. */
  keyEnd = 0;
  sequence = 0;
  /** A `ValueKind`. */
  kind = 0;
  readonly #cursor: BlockCursor = new BlockCursor();
  /** Made for the first move backwards. Of this block while #runIndex, the entry in it that was given last, is above 0. */
  #run: EntryRun | undefined;
  #runIndex = 0;

  get keyBytes(): Uint8Array<ArrayBuffer> {
    return this.#cursor.keyBytes;
  }

  /** Value of the current entry: valueBytes[valueStart, valueEnd). */
  get valueBytes(): Uint8Array<ArrayBuffer> {
    return this.#cursor.contents;
  }

  get valueStart(): number {
    return this.#cursor.valueStart;
  }

  get valueEnd(): number {
    return this.#cursor.valueEnd;
  }

  /** Offset of the current entry in the contents. */
  get entryOffset(): number {
    return this.#cursor.entryOffset;
  }

  attach(block: Block): void {
    this.valid = false;
    this.#runIndex = 0;
    this.#cursor.attach(block);
  }

  /** Lets go of the block. */
  detach(): void {
    this.valid = false;
    this.#runIndex = 0;
    this.#cursor.detach();
  }

  first(): void {
    this.#cursor.toRestart(0);
    this.#advance();
  }

  last(): void {
    this.#goBefore(this.#attached().restartsOffset);
  }

  next(): void {
    this.#advance();
  }

  prev(): void {
    const run = this.#run;
    const current = this.#cursor.entryOffset;
    // Going on backwards, the run has the entry before the one it gave last.
    if (run !== undefined && this.#runIndex > 0 && run.entryOffset(this.#runIndex) === current) {
      this.#cursor.toRemembered(run, --this.#runIndex);
      this.#settle();
    } else {
      this.#goBefore(current);
    }
  }

  /** To the first entry at or after (user key, sequence); no current entry when there is none in this block. */
  seek(key: Uint8Array, keyStart: number, keyEnd: number, sequence: number): void {
    const block = this.#attached();
    const { contents, restartsOffset } = block;
    this.valid = false;
    const restart = restartFor(block, key, keyStart, keyEnd, sequence);
    const found = scanEntries(contents, restart, restartsOffset, key, keyStart, keyEnd, sequence);
    if (found === SCAN_UNDECIDED) {
      this.#cursor.toRestart(restart);
      this.#advanceTo(key, keyStart, keyEnd, sequence);
    } else {
      this.#cursor.toEntry(found, key, keyStart, keyEnd);
      this.#advance();
    }
  }

  /** To the last entry before (user key, sequence); no current entry when there is none in this block. */
  seekBefore(key: Uint8Array, keyStart: number, keyEnd: number, sequence: number): void {
    this.seek(key, keyStart, keyEnd, sequence);
    if (this.valid) this.prev();
    else this.last();
  }

  #attached(): Block {
    const block = this.#cursor.block;
    if (block === undefined) throw new EngineError(ErrorCode.Internal, 'block iterator has no block');
    return block;
  }

  #advance(): void {
    this.valid = false;
    if (this.#cursor.next()) this.#settle();
  }

  /** To the entry that ends at `limit`, through a forward pass from a restart point, which is remembered. */
  #goBefore(limit: number): void {
    this.valid = false;
    this.#runIndex = 0;
    if (limit === 0) return;
    const cursor = this.#cursor;
    const block = this.#attached();
    this.#run ??= new EntryRun();
    const run = this.#run;
    run.count = 0;
    cursor.toRestart(restartBefore(block, limit));
    while (cursor.nextOffset < limit && cursor.next()) {
      run.add(cursor.entryOffset, cursor.valueStart, cursor.valueEnd, cursor.keyBytes, cursor.keyEnd);
    }
    if (cursor.nextOffset !== limit)
      throw this.#damage(cursor.entryOffset, 'does not end where the next one begins');
    this.#runIndex = run.count - 1;
    this.#settle();
  }

  /** Makes the entry at the cursor the current one. */
  #settle(): void {
    this.valid = false;
    const cursor = this.#cursor;
    const userEnd = cursor.keyEnd - TRAILER_BYTES;
    if (userEnd < 0) throw this.#damage(cursor.entryOffset, 'has a key shorter than its trailer');
    const kind = readTrailerKind(cursor.keyBytes, userEnd);
    if (kind > ValueKind.Put) throw this.#damage(cursor.entryOffset, `is of unknown kind ${kind}`);
    const sequence = readTrailerSequence(cursor.keyBytes, userEnd);
    if (sequence > MAX_SEQUENCE) throw this.#attached().sequenceTooLarge(cursor.entryOffset);
    this.keyEnd = userEnd;
    this.sequence = sequence;
    this.kind = kind;
    this.valid = true;
  }

  #advanceTo(key: Uint8Array, keyStart: number, keyEnd: number, sequence: number): void {
    this.#advance();
    while (this.valid) {
      const order = compareRanges(this.#cursor.keyBytes, 0, this.keyEnd, key, keyStart, keyEnd);
      if (order > 0 || (order === 0 && this.sequence <= sequence)) return;
      this.#advance();
    }
  }

  #damage(entryOffset: number, what: string): EngineError {
    this.valid = false;
    return this.#cursor.damage(entryOffset, what);
  }
}
