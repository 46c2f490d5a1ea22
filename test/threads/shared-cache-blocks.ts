/** Blocks whose contents follow from what they are, so that a byte of another one is noticed. */
import { Prng } from '@arena-level/common/base/prng';

export const PLACES = 20;
const BLOCKS_PER_TABLE = 10;
const MAX_BYTES = 16_000;

export interface HammerReport {
  readonly found: number;
  readonly absent: number;
  /** Places of blocks that were not what they should be. */
  readonly wrong: readonly number[];
}

export function placeOf(place: number): { readonly table: number; readonly block: number } {
  return { table: 100 + Math.floor(place / BLOCKS_PER_TABLE), block: place % BLOCKS_PER_TABLE };
}

export function contentsOf(place: number): Buffer {
  const prng = new Prng(place + 1);
  return Buffer.from(Uint8Array.from({ length: prng.below(MAX_BYTES) }, () => prng.below(256)));
}
