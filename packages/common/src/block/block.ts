/**
 * The parsed contents of one block (format: `block-builder.ts`): immutable, shared by whoever holds it, freed by the
 * garbage collector. Restart offsets are checked here, once; entries are checked when they are decoded.
 * What point lookups add (`block-lookup.ts`) changes nothing that is to be seen.
 */
import { corruption, EngineError, ErrorCode } from '../base/errors.ts';
import { readU32LE } from '../bytes/endian.ts';

const WORD_BYTES = 4;

export class Block {
  readonly contents: Uint8Array<ArrayBuffer>;
  /** Entries end and restart offsets begin here. */
  readonly restartsOffset: number;
  /** At least 1. INVARIANT: offsets ascend from 0 and lie before `restartsOffset`, unless the block is empty. */
  readonly restartCount: number;
  /** Where the block was read, for messages. */
  readonly file: string;
  readonly offset: number;
  /** An `EntryIndex`, made when a key is looked up for the second time. */
  entryIndex: readonly number[] | undefined = undefined;
  wasSearched = false;

  constructor(contents: Uint8Array<ArrayBuffer>, file: string, offset: number) {
    this.contents = contents;
    this.file = file;
    this.offset = offset;
    const countOffset = contents.length - WORD_BYTES;
    if (countOffset < WORD_BYTES)
      throw this.damage(`block of ${contents.length} bytes has no restart points`);
    this.restartCount = readU32LE(contents, countOffset);
    this.restartsOffset = countOffset - this.restartCount * WORD_BYTES;
    if (this.restartCount === 0 || this.restartsOffset < 0) {
      throw this.damage(`block of ${contents.length} bytes states ${this.restartCount} restart points`);
    }
    this.#checkRestarts();
  }

  /** The same block over a copy of its contents. */
  withOwnContents(): Block {
    return new Block(this.contents.slice(), this.file, this.offset);
  }

  /** Offset of the entry at a restart point. REQUIRES: index < restartCount. */
  restart(index: number): number {
    return readU32LE(this.contents, this.restartsOffset + index * WORD_BYTES);
  }

  damage(message: string): EngineError {
    return corruption(message, this.file, this.offset);
  }

  /** Damage in the entry at `entryOffset` of the contents. `what`: behind "the entry". */
  entryDamage(entryOffset: number, what: string): EngineError {
    return this.damage(`entry at ${entryOffset} of the block ${what}`);
  }

  /** No damage: LevelDB goes further than numbers of ours do. */
  sequenceTooLarge(entryOffset: number): EngineError {
    const { file, offset } = this;
    return new EngineError(
      ErrorCode.NotSupported,
      `${file} at offset ${offset}: entry at ${entryOffset} of the block has a sequence number above 2^53 - 1`,
      { file, offset },
    );
  }

  #checkRestarts(): void {
    if (this.restart(0) !== 0) throw this.damage('first restart point of the block is not at its start');
    if (this.restartsOffset === 0 && this.restartCount > 1)
      throw this.damage('empty block has several restart points');
    for (let i = 1, before = 0; i < this.restartCount; i++) {
      const offset = this.restart(i);
      if (offset <= before || offset >= this.restartsOffset) {
        throw this.damage(`restart point ${i} of the block is out of place`);
      }
      before = offset;
    }
  }
}
