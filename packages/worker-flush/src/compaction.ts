/**
 * A table compaction, done in small steps: merges runs of tables into new ones under temporary names, leaving out what
 * no reader can ask for. Blocking; whoever runs it decides when the next step is due.
 *
 * Of the versions of a user key, those are left out that a newer one at or below the drop horizon hides, and
 * tombstones at or below it that hide nothing deeper. All versions of a user key end up in one table.
 *
 * A step that throws has removed the files before it does. One owner.
 */
import type { Clock } from '@arena-level/common/base/clock';
import { invariant } from '@arena-level/common/base/invariant';
import {
  commonPrefixLength,
  compareBytes,
  EMPTY_BYTES,
  equalRanges,
} from '@arena-level/common/bytes/compare';
import { userKeyOf } from '@arena-level/common/key/internal-key';
import { ValueKind } from '@arena-level/common/key/value-kind';
import type { CompactedTable, CompactionJob } from '@arena-level/common/protocol/compaction-protocol';
import type { Storage } from '@arena-level/common/storage/storage';
import type { TableOptions } from '@arena-level/common/table/table-options';
import { isCopyable, mayEndWith, STRETCH_SHARE, storedBlock, tailOf } from './block-copy.ts';
import { GrandparentCuts } from './grandparent-cuts.ts';
import { InputRun } from './input-run.ts';
import { MergeTree } from './merge-tree.ts';
import { OutputTables } from './output-tables.ts';
import { RangesBelow } from './ranges-below.ts';

/** Bytes of keys and values in one step, and what an entry counts for besides. */
const STEP_BYTES = 8192;
const ENTRY_BYTES = 64;
/** What a block counts for that is taken over whole. */
const COPIED_BLOCK_BYTES = 1024;

/** What has come of a compaction; see `CompactResponse`. */
export interface CompactionOutcome {
  readonly tables: readonly CompactedTable[];
  readonly entries: number;
  readonly dropped: number;
  readonly bytesRead: number;
  readonly blocksCopied: number;
  readonly syncMs: number;
}

export class Compaction {
  readonly #options: TableOptions;
  readonly #dropHorizon: number;
  readonly #runs: readonly InputRun[];
  readonly #prefixLength: number;
  readonly #outputs: OutputTables;
  readonly #below: RangesBelow;
  readonly #cuts: GrandparentCuts;
  /** Runs that are at their first entry, of those to open; the tree when all are. */
  #opened = 0;
  #tree: MergeTree | undefined;
  /** True while what is left of the winner's batch sorts before all other runs. */
  #isAlone = false;
  /** User key and sequence number of the last entry that was seen, in a batch of its run. */
  #lastKeys: Uint8Array = EMPTY_BYTES;
  #lastStart = 0;
  #lastEnd = -1;
  #lastSequence = 0;
  #entries = 0;
  #dropped = 0;
  #blocksCopied = 0;
  #isDone = false;

  constructor(job: CompactionJob, storage: Storage, clock: Clock) {
    const prefix = commonPrefix(job);
    this.#prefixLength = prefix.length;
    this.#options = job.options;
    this.#dropHorizon = job.dropHorizon;
    this.#runs = job.runs.map((tables) => new InputRun(storage, tables, job, prefix));
    this.#outputs = new OutputTables(job, storage, clock);
    this.#below = new RangesBelow(job.below);
    this.#cuts = new GrandparentCuts(job.grandparents, job.maxGrandparentBytes);
  }

  /** Bytes of the input tables that are done: of adjacent subranges together, all of them in the end. */
  get bytesDone(): number {
    return this.#runs.reduce((sum, run) => sum + run.bytesDone, 0);
  }

  /** Milliseconds that syncs of outputs took so far. */
  get syncMs(): number {
    return this.#outputs.syncMs;
  }

  /** Does a bounded amount of work, but for the completion of a table and the opening of one. True when all is done. */
  step(): boolean {
    if (this.#isDone) return true;
    try {
      this.#isDone = this.#advance();
    } catch (error) {
      this.abort();
      throw error;
    }
    return this.#isDone;
  }

  /** REQUIRES: `step` has said that all is done. */
  result(): CompactionOutcome {
    invariant(this.#isDone, 'a compaction is done before its result is taken');
    return {
      tables: this.#outputs.tables,
      entries: this.#entries,
      dropped: this.#dropped,
      bytesRead: this.#runs.reduce((sum, run) => sum + run.bytesRead, 0),
      blocksCopied: this.#blocksCopied,
      syncMs: this.#outputs.syncMs,
    };
  }

  /** Closes all files and removes those written, complete ones included. */
  abort(): void {
    for (const run of this.#runs) run.close();
    this.#outputs.discard();
  }

  #advance(): boolean {
    const runs = this.#runs;
    if (this.#opened < runs.length) {
      runs[this.#opened++]!.first();
      return false;
    }
    if (runs.length > 0) {
      this.#tree ??= new MergeTree(runs, this.#prefixLength);
      if (!this.#merge(this.#tree)) return false;
    }
    this.#outputs.finish();
    return true;
  }

  /** Merges some entries. True when there are no more. */
  #merge(tree: MergeTree): boolean {
    for (let bytes = 0; bytes < STEP_BYTES; ) {
      const run = tree.winner;
      if (run.ended) return true;
      if (run.at === 0) {
        this.#isAlone = tree.winnerIsAlone();
        if (this.#isAlone && this.#fits(run)) {
          bytes += this.#copy(run);
          this.#isAlone = false;
          run.skipBatch();
          tree.replay();
          continue;
        }
        run.tailAt = tailOf(run, this.#options);
      }
      // What is left of this block stays with what is before it: the next block may be taken over whole.
      if (run.at === run.tailAt && tree.winnerIsAlone()) {
        this.#outputs.stretchBlock(this.#options.blockBytes * STRETCH_SHARE);
      }
      bytes += this.#take(run);
      const endsBatch = run.at + 1 === run.count;
      run.advance();
      if (endsBatch || !this.#isAlone) {
        this.#isAlone = false;
        tree.replay();
      }
    }
    return false;
  }

  /** Whether the block of the run's batch, which sorts before all other runs, can be taken over whole. */
  #fits(run: InputRun): boolean {
    const { keys, keyStarts, keyEnds } = run.batch;
    const last = run.count - 1;
    return (
      mayEndWith(this.#outputs.openBlockBytes, this.#options) &&
      isCopyable(run, this.#options) &&
      !this.#isLastKey(keys, keyStarts[0]!, keyEnds[0]!) &&
      !this.#cuts.isPassedBy(keys, keyStarts[last]!, keyEnds[last]!)
    );
  }

  /** Takes the block of the run's batch over. Returns what it counts for. */
  #copy(run: InputRun): number {
    const { batch, count } = run;
    const last = count - 1;
    this.#cutBefore(batch.keys, batch.keyStarts[0]!, batch.keyEnds[0]!);
    this.#outputs.builder().addBlock(storedBlock(run));
    this.#entries += count;
    this.#blocksCopied++;
    this.#keepLast(batch.keys, batch.keyStarts[last]!, batch.keyEnds[last]!, batch.sequences[last]!);
    return COPIED_BLOCK_BYTES;
  }

  #isLastKey(keys: Uint8Array, keyStart: number, keyEnd: number): boolean {
    return equalRanges(keys, keyStart, keyEnd, this.#lastKeys, this.#lastStart, this.#lastEnd);
  }

  #keepLast(keys: Uint8Array, keyStart: number, keyEnd: number, sequence: number): void {
    this.#lastKeys = keys;
    this.#lastStart = keyStart;
    this.#lastEnd = keyEnd;
    this.#lastSequence = sequence;
  }

  /** Takes the current entry over, or drops it. Returns what it counts for. */
  #take({ batch, at }: InputRun): number {
    const { keys } = batch;
    const start = batch.keyStarts[at]!;
    const end = batch.keyEnds[at]!;
    const sequence = batch.sequences[at]!;
    const kind = batch.kinds[at]!;
    this.#entries++;
    let isDropped = false;
    if (this.#isLastKey(keys, start, end)) {
      // The same version from an older run, or one that nobody can ask for.
      isDropped = this.#lastSequence === sequence || this.#lastSequence <= this.#dropHorizon;
    } else {
      this.#cutBefore(keys, start, end);
    }
    if (!isDropped && kind === ValueKind.Delete && sequence <= this.#dropHorizon) {
      isDropped = !this.#below.mayContain(keys, start, end);
    }
    this.#keepLast(keys, start, end, sequence);
    if (isDropped) {
      this.#dropped++;
      return ENTRY_BYTES;
    }
    const valueStart = batch.valueStarts[at]!;
    const valueEnd = batch.valueEnds[at]!;
    this.#outputs.builder().add(keys, start, end, sequence, kind, batch.contents, valueStart, valueEnd);
    return ENTRY_BYTES + end - start + valueEnd - valueStart;
  }

  /** Ends the current output if it has to end before a user key, the first version of which comes next. */
  #cutBefore(keys: Uint8Array, keyStart: number, keyEnd: number): void {
    const overlapsTooMuch = this.#cuts.cutsBefore(keys, keyStart, keyEnd);
    if ((overlapsTooMuch || this.#outputs.isFull) && this.#outputs.canCut) this.#outputs.finish();
  }
}

/** What all user keys of the inputs begin with. */
function commonPrefix(job: CompactionJob): Uint8Array {
  let smallest: Uint8Array | undefined;
  let largest: Uint8Array | undefined;
  for (const table of job.runs.flat()) {
    const first = userKeyOf(table.smallest);
    const last = userKeyOf(table.largest);
    if (smallest === undefined || compareBytes(first, smallest) < 0) smallest = first;
    if (largest === undefined || compareBytes(last, largest) > 0) largest = last;
  }
  if (smallest === undefined || largest === undefined) return EMPTY_BYTES;
  return smallest.slice(0, commonPrefixLength(smallest, 0, smallest.length, largest, 0, largest.length));
}
