/**
 * Merges the runs of an ingest into one, by the compaction of tables: of a key that several runs have, the newest stays.
 */
import { EngineError, ErrorCode } from '@arena-level/common/base/errors';
import { CompactionHandle } from '@arena-level/common/protocol/compaction-control';
import type { CompactedTable, CompactionJob } from '@arena-level/common/protocol/compaction-protocol';
import { fromWireError } from '@arena-level/common/protocol/wire-error';
import { tempFile } from '@arena-level/common/storage/file-desc';
import type { Storage } from '@arena-level/common/storage/storage';
import type { TableOptions } from '@arena-level/common/table/table-options';
import { splitPoints } from '../compaction/compaction-job.ts';
import type { IngestThreads } from './ingest-threads.ts';
import { inOrder, inputOf, type Run } from './runs.ts';
import type { TemporaryNumbers } from './temporary-numbers.ts';

/** Runs that are merged at a time: each holds a file open and some blocks in memory. */
const MAX_MERGED_RUNS = 64;
/** Fewer bytes per part are not worth another thread. */
const MIN_PART_BYTES: number = 4 * 1024 * 1024;

export interface MergeModules {
  readonly threads: IngestThreads;
  readonly numbers: TemporaryNumbers;
  readonly storage: Storage;
}

export interface MergePlan {
  /** How many threads may share the last merge. */
  readonly parts: number;
  /** Of all entries. */
  readonly sequence: number;
  readonly maxTableBytes: number;
  readonly options: TableOptions;
  readonly minPartBytes?: number;
}

/** Merges under way, so that they can be given up. */
export class RunMerge {
  readonly #modules: MergeModules;
  readonly #plan: MergePlan;
  readonly #handles = new Set<CompactionHandle>();
  #isCancelled = false;

  constructor(modules: MergeModules, plan: MergePlan) {
    this.#modules = modules;
    this.#plan = plan;
  }

  /** Tables that ascend and do not overlap, with all entries of the runs, oldest first. What went into them is removed. */
  async run(given: readonly Run[]): Promise<CompactedTable[]> {
    let runs = given;
    while (inOrder(runs) === undefined && runs.length > MAX_MERGED_RUNS) {
      const groups: (readonly Run[])[] = [];
      for (let at = 0; at < runs.length; at += MAX_MERGED_RUNS)
        groups.push(runs.slice(at, at + MAX_MERGED_RUNS));
      runs = await Promise.all(groups.map((group) => this.#merge(group, 1)));
    }
    return inOrder(runs) ?? (await this.#merge(runs, this.#plan.parts));
  }

  /** Threads stop as soon as they look; `run` rejects then. */
  cancel(): void {
    this.#isCancelled = true;
    for (const handle of this.#handles) handle.cancel();
  }

  async #merge(runs: readonly Run[], parts: number): Promise<CompactedTable[]> {
    const cuts = this.#cuts(runs, parts);
    const answers = Promise.all(
      Array.from({ length: cuts.length + 1 }, (_, part) => this.#part(runs, cuts[part - 1], cuts[part])),
    );
    const tables = (await answers).flat();
    for (const { tempNumber } of runs.flat()) this.#remove(tempNumber);
    return tables;
  }

  #cuts(runs: readonly Run[], parts: number): Uint8Array[] {
    const inputs = runs.flat().map(({ tempNumber, table }) => ({ ...table, number: tempNumber }));
    const bytes = bytesOf(runs);
    const worthwhile = Math.ceil(bytes / (this.#plan.minPartBytes ?? MIN_PART_BYTES));
    return splitPoints({ level: 1, inputs, nextInputs: [] }, Math.min(parts, worthwhile));
  }

  async #part(
    runs: readonly Run[],
    begin: Uint8Array | undefined,
    end: Uint8Array | undefined,
  ): Promise<readonly CompactedTable[]> {
    const { sequence, maxTableBytes, options } = this.#plan;
    const { threads, numbers } = this.#modules;
    let handle: CompactionHandle | undefined;
    const newJob = (): CompactionJob => {
      if (handle !== undefined) this.#handles.delete(handle);
      handle = this.#newHandle();
      return {
        runs: runs.map((run) => run.map(inputOf)).reverse(),
        ...(begin === undefined ? {} : { begin }),
        ...(end === undefined ? {} : { end }),
        below: [],
        grandparents: [],
        maxGrandparentBytes: Number.POSITIVE_INFINITY,
        dropHorizon: sequence,
        maxTableBytes,
        tempNumbers: numbers.take(bytesOf(runs)),
        options,
        ...handle.memory,
      };
    };
    const answer = await threads.merge(newJob);
    if (handle !== undefined) this.#handles.delete(handle);
    if (answer.kind === 'compacted') return answer.tables;
    if (answer.kind === 'failed') {
      this.cancel();
      throw fromWireError(answer.error);
    }
    throw new EngineError(ErrorCode.Aborted, 'the merge was given up');
  }

  #newHandle(): CompactionHandle {
    const handle = new CompactionHandle();
    if (this.#isCancelled) handle.cancel();
    this.#handles.add(handle);
    return handle;
  }

  #remove(tempNumber: number): void {
    try {
      this.#modules.storage.removeNow(tempFile(tempNumber));
    } catch {
      // Removed at the end of the ingest, or by the next open.
    }
  }
}

function bytesOf(runs: readonly Run[]): number {
  return runs.flat().reduce((sum, { table }) => sum + table.size, 0);
}
