import { fileURLToPath } from 'node:url';
import { runInChild } from '../support/child-run.ts';
import { decimal } from '../support/text-table.ts';
import type { WorkFolder } from '../support/work-folder.ts';
import { checkStore, type StoreCheck } from './check-store.ts';
import type { City } from './city-records.ts';
import type { CitiesOptions } from './options.ts';
import type { FlushMode, RunProgress, RunResult } from './run.ts';
import { RunProgressPrinter } from './run-progress.ts';

const CHILD: string = fileURLToPath(new URL('./child.js', import.meta.url));

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
  const result = await runInChild<RunResult, RunProgress>(CHILD, request, {
    label: `the ${mode} run`,
    interrupt,
    onProgress: (progress) => printer.update(progress),
  });
  printer.done(`ingested in ${decimal(result.settledMs / 1000)} s; checking`);
  const check = await checkStore(location, result, cities, options.samples, options.seed);
  folder.removeStore(location);
  return { result, check };
}
