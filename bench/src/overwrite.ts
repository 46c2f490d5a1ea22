/**
 * Sustained random overwriting of a data set ten times the write buffer: every engine in turn, in fresh processes, the
 * clock stopping when everything is in tables and level 0 is below its trigger.
 */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { ENGINE_NAMES, type EngineName } from './overwrite/engines.ts';
import { overwriteTable } from './overwrite/report.ts';
import type { OverwriteRequest, OverwriteResult } from './overwrite/run.ts';
import { runInChild } from './support/child-run.ts';
import { machine, machineText } from './support/machine.ts';
import { count } from './support/text-table.ts';
import { WorkFolder } from './support/work-folder.ts';

const HELP = `Usage: pnpm bench:overwrite [options]

Fills a store with ten write buffers' worth of records (16-byte random keys, 100-byte values, batches of 1000), lets
it settle, and overwrites as many records at random. The clock stops when the store has settled again. Engines take
turns, each run in a process of its own with a fresh store.

  --write-buffer MIB  default 32
  --repeat N          rounds, medians are printed; default 3
  --engine NAME       only engines whose name contains NAME; may be repeated
  --seed N            default 1
  --dir DIR           where to put the stores; default .bench in the checkout. Removed at the end
  --json FILE         write all figures, with those of the machine
  --help
`;

const MIB = 2 ** 20;
const RECORD_BYTES = 116;
const BUFFERS = 10;
const CHILD: string = fileURLToPath(new URL('./overwrite/child.js', import.meta.url));

async function main(): Promise<number> {
  const { values } = parseArgs({
    args: process.argv.slice(2).filter((arg) => arg !== '--'),
    options: {
      'write-buffer': { type: 'string', default: '32' },
      repeat: { type: 'string', default: '3' },
      engine: { type: 'string', multiple: true },
      seed: { type: 'string', default: '1' },
      dir: { type: 'string' },
      json: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const writeBufferBytes = Number(values['write-buffer']) * MIB;
  const records = Math.floor((BUFFERS * writeBufferBytes) / RECORD_BYTES);
  const engines = ENGINE_NAMES.filter((name) => values.engine?.some((part) => name.includes(part)) ?? true);
  const where = machine();
  print(machineText(where));
  print(
    `${count(records)} records, overwritten ${count(records)} times at random, write buffers of ${values['write-buffer']} MiB\n`,
  );
  const folder = new WorkFolder(values.dir);
  const runs: OverwriteResult[] = [];
  try {
    for (let round = 0; round < Number(values.repeat); round++) {
      for (const engine of rotated(engines, round)) {
        const location = folder.newStore();
        const seed = Number(values.seed) + round;
        const request: OverwriteRequest = {
          engine,
          location,
          records,
          overwrites: records,
          writeBufferBytes,
          seed,
        };
        runs.push(
          await runInChild<OverwriteResult, never>(CHILD, request, {
            label: engine,
            execArgv: process.execArgv,
          }),
        );
        folder.removeStore(location);
        const { settledMs } = runs.at(-1)!;
        print(
          `  round ${round + 1}, ${engine}: ${count((records * 1000) / settledMs)} records/s until settled`,
        );
      }
    }
  } finally {
    folder.remove();
  }
  print(`\n${overwriteTable(runs)}\n`);
  if (values.json !== undefined) {
    writeFileSync(
      values.json,
      `${JSON.stringify({ machine: where, options: values, runs }, undefined, 2)}\n`,
    );
  }
  return 0;
}

function rotated(engines: readonly EngineName[], by: number): EngineName[] {
  return engines.map((_, at) => engines[(at + by) % engines.length]!);
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

process.exitCode = await main();
