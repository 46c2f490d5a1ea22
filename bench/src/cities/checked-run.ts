import { decimal } from '../support/text-table.ts';
import type { WorkFolder } from '../support/work-folder.ts';
import { checkStore, type StoreCheck } from './check-store.ts';
import type { City } from './city-records.ts';
import type { CitiesOptions } from './options.ts';
import type { FlushMode, RunResult } from './run.ts';
import { runInChild } from './run-in-child.ts';
import { RunProgressPrinter } from './run-progress.ts';

export interface CheckedRun {
  readonly result: RunResult;
  readonly check: StoreCheck;
}

/** Ingests in a child, then opens the store here and compares it with the input; the store is removed. */
export async function checkedRun(
  mode: FlushMode,
  options: CitiesOptions,
  cities: readonly City[],
  folder: WorkFolder,
  interrupt: AbortSignal,
): Promise<CheckedRun> {
  const { records, batchRecords, writeBufferBytes } = options;
  const location = folder.newStore();
  const printer = new RunProgressPrinter(process.stderr, process.stderr.isTTY === true, mode, records);
  const request = { mode, location, records, batchRecords, writeBufferBytes };
  const result = await runInChild(request, (progress) => printer.update(progress), interrupt);
  printer.done(`ingested in ${decimal(result.settledMs / 1000)} s; checking`);
  const check = await checkStore(location, result, cities, options.samples, options.seed);
  folder.removeStore(location);
  return { result, check };
}
