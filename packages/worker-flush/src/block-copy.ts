/**
 * Which blocks a compaction takes over as they are stored: those of which every entry is kept and nothing comes in
 * between, stored as the outputs are to be, and of a fair size.
 *
 * So that blocks stay as large as they are to be, however often a few entries come in between, as in a B-tree: a small
 * block is not ended before one that could be taken over, which is built anew behind it instead, and a block that would
 * end shortly before the end of its source is stretched up to there.
 */
import { BlockType } from '@arena-level/common/block/block-trailer';
import { equalRanges } from '@arena-level/common/bytes/compare';
import { ValueKind } from '@arena-level/common/key/value-kind';
import type { StoredBlock } from '@arena-level/common/table/stored-block';
import { Compression, type TableOptions } from '@arena-level/common/table/table-options';
import type { InputRun } from './input-run.ts';

/** A block has to have half the bytes of a built one, and at most twice as many unless it has a single entry. */
const MIN_SHARE = 0.5;
const MAX_SHARE = 2;
/** A built block may be so much larger than the options say in order to end where a block that is taken over begins. */
export const STRETCH_SHARE = 0.625;

/** Whether the batch of a run is a block that may be taken over, as far as the block itself tells. */
export function isCopyable(run: InputRun, options: TableOptions): boolean {
  return isAsBuilt(run, options) && hasPlainEntries(run) && run.hasSoundRestarts();
}

/** Whether the batch of a run is a whole block, of a size and stored in a way that the outputs may have. */
function isAsBuilt({ batch, count, isWholeBlock, window }: InputRun, options: TableOptions): boolean {
  const { compression, blockBytes } = options;
  const { length } = batch.contents;
  if (!isWholeBlock || length < blockBytes * MIN_SHARE) return false;
  if (length > blockBytes * MAX_SHARE && count > 1) return false;
  return window.type === (compression === Compression.Snappy ? BlockType.Snappy : BlockType.Raw);
}

/**
 * Index of the entry from which on the block of the run's batch has too few bytes left for a block of their own. A
 * built block that would end in there is stretched instead. The count of entries when there is no such entry.
 */
export function tailOf(run: InputRun, options: TableOptions): number {
  const { batch, count } = run;
  if (!isAsBuilt(run, options)) return count;
  const { valueEnds } = batch;
  const limit = valueEnds[count - 1]! - options.blockBytes * MIN_SHARE;
  let at = count;
  while (at > 1 && valueEnds[at - 2]! >= limit) at--;
  return at;
}

/** Whether a block may end with so many bytes, because one that is taken over follows: an empty one does not count. */
export function mayEndWith(openBlockBytes: number, { blockBytes }: TableOptions): boolean {
  return openBlockBytes === 0 || openBlockBytes >= blockBytes * MIN_SHARE;
}

/** The block of the run's batch. REQUIRES: it is copyable. */
export function storedBlock(run: InputRun): StoredBlock {
  const { batch, count, window } = run;
  const { sequences } = batch;
  let smallestSequence = sequences[0]!;
  let largestSequence = smallestSequence;
  for (let i = 1; i < count; i++) {
    const sequence = sequences[i]!;
    if (sequence < smallestSequence) smallestSequence = sequence;
    if (sequence > largestSequence) largestSequence = sequence;
  }
  return {
    bytes: window.stored,
    start: window.start,
    end: window.end,
    leaf: run.leaf(),
    entries: count,
    keys: batch.keys,
    keyStarts: batch.keyStarts,
    keyEnds: batch.keyEnds,
    smallestSequence,
    largestSequence,
  };
}

/** True when no entry is a tombstone and no user key has two versions: then none of them can be dropped by another. */
function hasPlainEntries({ batch, count }: InputRun): boolean {
  const { kinds, words, keys, keyStarts, keyEnds } = batch;
  for (let i = 0; i < count; i++) {
    if (kinds[i] !== ValueKind.Put) return false;
    if (i === 0 || words[2 * i] !== words[2 * i - 2] || words[2 * i + 1] !== words[2 * i - 1]) continue;
    if (equalRanges(keys, keyStarts[i]!, keyEnds[i]!, keys, keyStarts[i - 1]!, keyEnds[i - 1]!)) return false;
  }
  return true;
}
