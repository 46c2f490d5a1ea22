/** Runs the micro benchmarks and prints medians with their ranges; see bench/README.md for the method. */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { type Group, type Measurement, measureGroup, type Report } from './measure.ts';
import { checksumGroups } from './micro/checksums.ts';
import { compactionGroup } from './micro/compaction.ts';
import { engineGroups } from './micro/engine.ts';
import { eventLoopReport } from './micro/event-loop.ts';
import { flushGroup, handOffGroup } from './micro/flush.ts';
import { journalGroup } from './micro/journal.ts';
import { memDbGroups } from './micro/memdb.ts';
import { orderingGroups } from './micro/ordering.ts';
import { peers } from './micro/peer.ts';
import { rotationGroup } from './micro/rotation.ts';
import { tableGroups } from './micro/tables.ts';
import { machine, machineText } from './support/machine.ts';
import { count, decimal, textTable } from './support/text-table.ts';

const GROUPS: readonly (Group | Report)[] = [
  ...memDbGroups,
  ...orderingGroups,
  ...checksumGroups,
  ...tableGroups,
  journalGroup,
  handOffGroup,
  flushGroup,
  compactionGroup,
  ...engineGroups,
  rotationGroup,
  eventLoopReport,
];

const HELP = `Usage: pnpm --filter @arena-level/bench micro [options] [part of a group's name ...]

  --repetitions N  samples of each case, taken in turns; default 5
  --warmups N      samples before those that count; default 1
  --json FILE      write all samples, with the machine
  --list           print the names of the groups
  --help

Figures of one group compare with each other; those of two runs only on the same quiet machine.
`;

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    options: {
      repetitions: { type: 'string', default: '5' },
      warmups: { type: 'string', default: '1' },
      json: { type: 'string' },
      list: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
    allowPositionals: true,
  });
  const wanted = positionals.filter((word) => word !== '--').map((word) => word.toLowerCase());
  const groups = GROUPS.filter(
    ({ name }) => wanted.length === 0 || wanted.some((word) => name.toLowerCase().includes(word)),
  );
  if (values.help) return print(HELP.trimEnd());
  if (values.list) return print(groups.map(({ name }) => name).join('\n'));
  if (groups.length === 0) return print(`no group's name contains '${wanted.join("' or '")}'; see --list`, 2);

  const where = machine();
  print(machineText(where));
  for (const name of (await peers()).missing) print(`${name} is not installed and left out`);
  const options = {
    repetitions: Math.max(1, Number(values.repetitions)),
    warmups: Math.max(0, Number(values.warmups)),
  };
  const measurements: Measurement[] = [];
  const reports: Record<string, unknown> = {};
  for (const group of groups) {
    if ('run' in group) {
      const { text, figures } = await group.run(options);
      reports[group.name] = figures;
      print(`\n${text}`);
      continue;
    }
    const measured = await measureGroup(group, options);
    measurements.push(...measured);
    print(`\n${groupTable(group, measured)}`);
  }
  if (values.json !== undefined) {
    writeFileSync(
      values.json,
      `${JSON.stringify({ machine: where, options, measurements, reports }, undefined, 2)}\n`,
    );
  }
  return 0;
}

function groupTable(group: Group, measured: readonly Measurement[]): string {
  const rows = measured.map(({ name, nsPerOperation, operationsPerSecond }) => [
    `  ${name}`,
    duration(nsPerOperation.median),
    `${duration(nsPerOperation.min)} to ${duration(nsPerOperation.max)}`,
    count(operationsPerSecond),
    `x${decimal(measured[0]!.nsPerOperation.median / nsPerOperation.median)}`,
  ]);
  return `${group.name}\n${textTable(['', `per ${group.operation}`, 'range', 'per second', 'speed'], rows)}`;
}

function duration(nanoseconds: number): string {
  if (nanoseconds < 1000) return `${decimal(nanoseconds)} ns`;
  return nanoseconds < 1e6 ? `${decimal(nanoseconds / 1000)} us` : `${decimal(nanoseconds / 1e6)} ms`;
}

function print(text: string, code = 0): number {
  process.stdout.write(`${text}\n`);
  return code;
}

process.exitCode = await main();
