/** What threads answer to the parts of a compaction, put together. */
import { EngineError, ErrorCode, hasCode, isEngineError } from '@arena-level/common/base/errors';
import type { CompactResponse } from '@arena-level/common/protocol/compaction-protocol';
import { fromWireError } from '@arena-level/common/protocol/wire-error';
import { fileName, tableFile, tempFile } from '@arena-level/common/storage/file-desc';
import type { CompactOutcome, FlushExecutor } from '../flush/flush-executor.ts';
import { passesByItself } from '../health/passing.ts';
import type { BuiltCompaction } from './compaction-commit.ts';
import type { CompactionCoordinatorModules } from './coordinator-parts.ts';
import type { RunningCompaction } from './running-compaction.ts';

export type Compacted = Extract<CompactResponse, { kind: 'compacted' }>;

/** Has all parts merged; one that comes to nothing stops the others. */
export function mergeParts(executor: FlushExecutor, { parts }: RunningCompaction): Promise<CompactOutcome[]> {
  return Promise.all(
    parts.map(async ({ job }) => {
      const outcome = await executor.compact(job);
      if (outcome.kind !== 'compacted') for (const { handle } of parts) handle.cancel();
      return outcome;
    }),
  );
}

/** The answers, if all parts have come to their end; throws what the first that failed has to say. */
export function requireCompacted(outcomes: readonly CompactOutcome[]): Compacted[] {
  for (const outcome of outcomes) if (outcome.kind === 'failed') throw fromWireError(outcome.error);
  return outcomes.map((outcome) => {
    if (outcome.kind === 'compacted') return outcome;
    throw new EngineError(
      ErrorCode.WorkerFailed,
      'a compaction was cancelled, and nobody had asked for that',
    );
  });
}

export function outputsOf(run: RunningCompaction, answers: readonly Compacted[]): BuiltCompaction {
  const parts = answers.map(({ tables, entries, dropped }, part) => ({
    job: run.parts[part]!.job,
    tables,
    entries,
    dropped,
  }));
  return { pick: run.pick, parts, numbers: new Map() };
}

/**
 * Removes what a compaction may have left that came to nothing, as far as that is possible; the next open removes the rest.
 * Outputs that have their names go when the manifest in force is known not to have them.
 */
export function removeLeftovers(
  { storage, obsolete, versions }: Pick<CompactionCoordinatorModules, 'storage' | 'obsolete' | 'versions'>,
  run: RunningCompaction,
): void {
  const { tables } = versions.liveFiles();
  for (const number of run.built?.numbers.values() ?? []) if (!tables.has(number)) obsolete.add(number);
  try {
    for (const { type, number } of storage.listNow()) {
      const isOurs = run.parts.some(
        ({ job: { tempNumbers } }) =>
          number >= tempNumbers.first && number < tempNumbers.first + tempNumbers.count,
      );
      if (type === 'temp' && isOurs) storage.removeNow(tempFile(number));
    }
  } catch {
    // What made the compaction fail is the error to report.
  }
}

/**
 * The number of the input without which compaction is to go on: that which an error says is damaged, or which could not be
 * read when it was tried again.
 */
export function inputToLeaveOut(
  { pick }: RunningCompaction,
  error: unknown,
  isRepeated: boolean,
): number | undefined {
  if (!isEngineError(error) || error.file === undefined) return undefined;
  const mayPass = !hasCode(error, ErrorCode.Corruption) && (!isRepeated || passesByItself(error));
  if (mayPass) return undefined;
  const inputs = pick.inputs.concat(pick.nextInputs);
  return inputs.find(({ number }) => fileName(tableFile(number)) === error.file)?.number;
}

export function nothingToDo(): EngineError {
  return new EngineError(ErrorCode.Internal, 'a compaction was asked for and there is nothing to compact');
}
