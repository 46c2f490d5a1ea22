/** `pnpm bench scale`: what it costs as the store grows. */
import { engineNamed } from '../engines/all-engines.ts';
import type { ScaleReport } from '../report/bench-report.ts';
import type { ScalePoint } from '../scale/scale-point.ts';
import { withinHours } from '../scale/within-hours.ts';
import { count, decimal, textTable } from '../support/text-table.ts';
import {
  type Arguments,
  argumentsOf,
  COMMON_OPTIONS,
  checkOneBatch,
  type Defaults,
  OptionError,
  refusePositionals,
} from './arguments.ts';
import type { Command } from './command.ts';
import { reportHead, writeReports } from './reports.ts';
import type { Session } from './session.ts';

const DEFAULTS: Defaults = {
  records: 1_000_000,
  engines: ['arena-inline', 'arena'],
  batches: [1000],
  repeat: 1,
};
const GROWTH = 4;
const MIB = 2 ** 20;
const MS_PER_HOUR = 3_600_000;

export const scaleCommand: Command = {
  name: 'scale',
  about: 'cost as it grows: filling, reading, memory and opening at 1, 4, 16 and 64 million records',
  help: `Usage: pnpm bench scale [options]

Fills fresh stores of 1, 4, 16, … million records with keys in random order, reopens each, and reads from it.
A size is left out when the sizes before it say that it would not end within the hours given.

  --records N         the first size, default ${DEFAULTS.records}; each further one is ${GROWTH} times as large
  --max-records N     the last size at most, default 64000000
  --hours H           for everything together, default 1
  --engine NAME,...   default ${DEFAULTS.engines.join(',')}
  --batch N           default 1000       --repeat N    default 1
  --key-size, --value-size, --compressible, --write-buffer, --cache, --seed, --dir, --out
                      as \`pnpm bench --help\` has them

Examples:
  pnpm bench scale
  pnpm bench scale --max-records 4000000 --engine arena,classic-level,lmdb --repeat 3
`,
  options: [...COMMON_OPTIONS, 'records', 'max-records', 'hours'],
  prepare(line) {
    refusePositionals(line);
    const args = argumentsOf(line.values, DEFAULTS);
    checkOneBatch(args);
    const fleeting = args.engines.find((name) => engineNamed(name).lacks?.disk !== undefined);
    if (fleeting !== undefined) throw new OptionError(`'${fleeting}' has nothing to open again`);
    if (args.maxRecords < args.settings.records)
      throw new OptionError('--max-records is less than --records');
    return { dir: args.dir, measure: (session) => run(session, args) };
  },
};

async function run(session: Session, args: Arguments): Promise<void> {
  const { engines, missing } = await session.begin(args);
  const names = engines.map(({ name }) => name);
  const points: ScalePoint[] = [];
  const leftOut: { records: number; why: string }[] = [];
  const startMs = performance.now();
  let lastMs = 0;
  for (let records = args.settings.records; records <= args.maxRecords; records *= GROWTH) {
    const usedMs = performance.now() - startMs;
    if (!withinHours(usedMs, lastMs, GROWTH, args.hours * MS_PER_HOUR)) {
      leftOut.push({ records, why: `it would not end within --hours ${args.hours}` });
      continue;
    }
    const sizeStartMs = performance.now();
    points.push(...(await measureSize(session, args, names, records)));
    lastMs = performance.now() - sizeStartMs;
  }
  session.print(`\n${scaleTable(points)}`);
  for (const { records, why } of leftOut) session.print(`${count(records)} records: left out, ${why}`);
  session.print('');
  const report: ScaleReport = {
    ...reportHead(session, args, engines, missing),
    command: 'scale',
    points,
    leftOut,
  };
  writeReports(session, args.out, report);
}

async function measureSize(
  session: Session,
  { batches, repeat, seed, settings }: Arguments,
  names: readonly string[],
  records: number,
): Promise<ScalePoint[]> {
  const points: ScalePoint[] = [];
  session.progress.begin(names.length * repeat);
  for (let repetition = 0; repetition < repeat; repetition++) {
    for (const turn of names.keys()) {
      const engine = names[(turn + repetition) % names.length]!;
      const label = `${count(records)} records: ${engine}`;
      session.progress.next(label);
      const location = session.folder.newStore();
      const ofSize = { ...settings, records };
      const request = {
        engine,
        settings: ofSize,
        batchRecords: batches[0]!,
        seed: seed + repetition,
        location,
      };
      points.push(await session.run('scale', label, request));
      session.folder.removeStore(location);
    }
  }
  session.progress.end();
  return points;
}

function scaleTable(points: readonly ScalePoint[]): string {
  const header = [
    'records',
    'engine',
    'acknowledged/s',
    'settled/s',
    'gets/s',
    'open ms',
    'written per byte',
    'fill MiB',
    'read MiB',
    'disk MiB',
  ];
  const rows = points.map((point) => [
    count(point.records),
    point.engine,
    count((point.records * 1000) / point.filledMs),
    count((point.records * 1000) / point.settledMs),
    count(point.readsPerSecond),
    decimal(point.openMs),
    point.writeAmplification === undefined ? '' : decimal(point.writeAmplification),
    count(point.fillRssBytes / MIB),
    count(point.readRssBytes / MIB),
    count(point.diskBytes / MIB),
  ]);
  return textTable(header, rows);
}
