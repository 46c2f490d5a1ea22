/** Data blocks whose contents follow from what they are, so that a byte of another one is noticed. */
import { Prng } from '@arena-level/common/base/prng';
import { Block } from '@arena-level/common/block/block';
import { BlockBuilder } from '@arena-level/common/block/block-builder';

export const PLACES = 20;
const BLOCKS_PER_TABLE = 10;
/** Of all blocks; each lacks some of them. */
export const KEYS = 60;
const MOST_VALUE_BYTES = 250;
const RESTART_INTERVAL = 16;

export interface HammerReport {
  /** Blocks that were got. */
  readonly found: number;
  /** Answers of lookups, where the block was. */
  readonly answered: number;
  readonly absent: number;
  /** What was not as it should be. */
  readonly wrong: readonly string[];
}

export interface MadeBlock {
  readonly block: Block;
  /** By key, those that it has not undefined. */
  readonly values: readonly (string | undefined)[];
}

export function placeOf(place: number): { readonly table: number; readonly block: number } {
  return { table: 100 + Math.floor(place / BLOCKS_PER_TABLE), block: place % BLOCKS_PER_TABLE };
}

export function keyOf(number: number): Uint8Array {
  return Buffer.from(`key-${100 + number}`);
}

/** About 4 KiB. Every block has the last key, behind which an index cannot tell that there is none. */
export function makeBlock(place: number): MadeBlock {
  const prng = new Prng(place + 1);
  const builder = new BlockBuilder(RESTART_INTERVAL);
  const most = 1 + prng.below(MOST_VALUE_BYTES);
  const values = Array.from({ length: KEYS }, (_, number) => {
    if (number % PLACES === place && number !== KEYS - 1) return undefined;
    const value = `${place}/${number}/`.padEnd(8 + prng.below(most), String.fromCharCode(0x41 + place));
    const key = keyOf(number);
    builder.addEntry(key, 0, key.length, 1 + number, 1, Buffer.from(value), 0, value.length);
    return value;
  });
  builder.finish();
  const contents = builder.buffer.slice(builder.start, builder.end);
  return { block: new Block(contents, '000100.ldb', 0), values };
}
