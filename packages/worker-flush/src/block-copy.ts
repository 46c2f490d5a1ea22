/**
 * Which blocks a compaction takes over as they are stored: those of which every entry is kept and nothing comes in
 * between, stored as the outputs are to be, and of a fair size, so that small ones come together again.
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

/** Whether the batch of a run is a block that may be taken over, as far as the block itself tells. */
export function isCopyable(run: InputRun, { compression, blockBytes }: TableOptions): boolean {
  const { batch, count } = run;
  const { length } = batch.contents;
  if (!run.isWholeBlock || length < blockBytes * MIN_SHARE) return false;
  if (length > blockBytes * MAX_SHARE && count > 1) return false;
  const type = compression === Compression.Snappy ? BlockType.Snappy : BlockType.Raw;
  return run.window.type === type && hasPlainEntries(run) && run.hasSoundRestarts();
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
