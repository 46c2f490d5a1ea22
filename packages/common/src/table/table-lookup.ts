/**
 * Looking one key up in a table: index, filter, one data block.
 *
 * The blocks come through a `BlockSource`, where a cache has its place. `peekFromTable` is the fast path: it
 * answers at once if the block is at hand. `getFromTable` also waits for it.
 *
 * A block may end in the middle of a key's versions, and an index key lie between two of them: then the search goes on in
 * the next block.
 */
import { type Steps, wait } from '../base/steps.ts';
import type { Block } from '../block/block.ts';
import { BEHIND_BLOCK, type BlockHit, findInBlock } from '../block/block-lookup.ts';
import { type BlockSource, type LookupSource, NOT_AT_HAND, type UnheldAnswer } from './block-source.ts';
import type { TableReader } from './table-reader.ts';

/** The answer needs a block that is not at hand. */
export const BLOCKED: unique symbol = Symbol('blocked');

/**
 * The newest version of the user key with a sequence number at most `sequence`, undefined when there is none.
 * `keyHash` is its `bloomHash`.
 *
 * A block that is at hand with its index answers as fast as the filter, and for good. One in shared memory takes longer than
 * that, so the filter comes first, unless this is the last table that may have the key: then it mostly has.
 */
export function peekFromTable(
  reader: TableReader,
  source: LookupSource,
  key: Uint8Array,
  keyStart: number,
  keyEnd: number,
  sequence: number,
  keyHash: number,
  isLast = false,
): BlockHit | undefined | typeof BLOCKED {
  let index = reader.findBlock(key, keyStart, keyEnd, sequence);
  while (index >= 0) {
    const cached = source.cached(reader, index);
    let hit: UnheldAnswer = NOT_AT_HAND;
    if (cached?.entryIndex !== undefined) hit = findInBlock(cached, key, keyStart, keyEnd, sequence);
    else if (isLast && cached === undefined) {
      hit = source.searchShared(reader, index, key, keyStart, keyEnd, sequence);
    }
    if (hit === NOT_AT_HAND) {
      if (!reader.mayContain(index, keyHash, key, keyStart, keyEnd)) return undefined;
      hit = searchBlock(reader, source, index, cached, key, keyStart, keyEnd, sequence);
      if (hit === NOT_AT_HAND) return BLOCKED;
    }
    if (hit !== BEHIND_BLOCK) return hit;
    if (!reader.splitsKey(index, key, keyStart, keyEnd)) return undefined;
    index++;
  }
  return undefined;
}

/** In the block that is at hand, or where it may be searched, or else in one that costs no wait. */
function searchBlock(
  reader: TableReader,
  source: LookupSource,
  index: number,
  cached: Block | undefined,
  key: Uint8Array,
  keyStart: number,
  keyEnd: number,
  sequence: number,
): UnheldAnswer {
  if (cached === undefined) {
    const found = source.searchInPlace(reader, index, key, keyStart, keyEnd, sequence);
    if (found !== NOT_AT_HAND) return found;
  }
  const block = cached ?? source.peek(reader, index);
  return block === undefined ? NOT_AT_HAND : findInBlock(block, key, keyStart, keyEnd, sequence);
}

/** As `peekFromTable`, and waits for the blocks that are not at hand. `key` must stay as it is meanwhile. */
export function* getFromTable(
  reader: TableReader,
  source: BlockSource,
  key: Uint8Array,
  keyStart: number,
  keyEnd: number,
  sequence: number,
  keyHash: number,
): Steps<BlockHit | undefined> {
  let index = reader.findBlock(key, keyStart, keyEnd, sequence);
  while (index >= 0 && reader.mayContain(index, keyHash, key, keyStart, keyEnd)) {
    const wanted = index;
    const block =
      source.peek(reader, wanted) ??
      (yield* wait(
        () => source.loadNow(reader, wanted),
        () => source.load(reader, wanted),
      ));
    const hit = findInBlock(block, key, keyStart, keyEnd, sequence);
    if (hit !== BEHIND_BLOCK) return hit;
    if (!reader.splitsKey(index, key, keyStart, keyEnd)) return undefined;
    index++;
  }
  return undefined;
}
