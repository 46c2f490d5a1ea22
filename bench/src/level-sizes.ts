/**
 * What sizes of levels and tables cost, in a model of a store: a small write buffer, sizes as multiples of it, flushes and
 * compactions on this thread. Write amplification depends on the proportions alone, so it comes out the same on a busy machine.
 */
import { parseArgs } from 'node:util';
import { Prng } from '@arena-level/common/base/prng';
import { open, type StoreStats } from 'arena-level/engine';
import { type Entries, makeEntries, RECORD_BYTES } from './micro/entries.ts';
import { decimal, textTable } from './support/text-table.ts';
import { WorkFolder } from './support/work-folder.ts';

const HELP = `Usage: pnpm bench:levels [options]

Fills stores of different level and table sizes with random keys and overwrites them at random, and prints what was written
to tables per byte that was flushed. Sizes are multiples of the write buffer.

  --write-buffer KIB   default 512
  --data N             write buffers' worth of records; may be repeated; default 10 and 40
  --help
`;

/** Level 1, tables, multiplier and level-0 trigger. */
const CANDIDATES = [
  { level1: 16, table: 1, multiplier: 10, trigger: 4 },
  { level1: 8, table: 1, multiplier: 10, trigger: 4 },
  { level1: 4, table: 1, multiplier: 10, trigger: 4 },
  { level1: 4, table: 0.25, multiplier: 10, trigger: 4 },
  { level1: 4, table: 0.25, multiplier: 6, trigger: 4 },
  { level1: 4, table: 0.25, multiplier: 10, trigger: 8 },
  { level1: 2, table: 0.5, multiplier: 10, trigger: 4 },
  { level1: 0.3125, table: 0.0625, multiplier: 10, trigger: 4 },
] as const;
type Candidate = (typeof CANDIDATES)[number];

const BATCH = 500;

async function main(): Promise<void> {
  const { values } = parseArgs({
    args: process.argv.slice(2).filter((arg) => arg !== '--'),
    options: {
      'write-buffer': { type: 'string', default: '512' },
      data: { type: 'string', multiple: true, default: ['10', '40'] },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return;
  }
  const writeBufferBytes = Number(values['write-buffer']) * 1024;
  const folder = new WorkFolder(undefined);
  try {
    for (const buffers of values.data.map(Number)) {
      const entries = makeEntries('random', Math.floor((buffers * writeBufferBytes) / RECORD_BYTES));
      const rows: string[][] = [];
      for (const candidate of CANDIDATES) {
        rows.push(row(candidate, await measure(candidate, entries, writeBufferBytes, folder.newStore())));
      }
      const header = [
        'level 1',
        'tables',
        'multiplier',
        'trigger',
        'fill',
        'overwrite',
        'CPU, s',
        'on disk',
        'levels',
      ];
      process.stdout.write(`${buffers} write buffers of data\n${textTable(header, rows)}\n\n`);
    }
  } finally {
    folder.remove();
  }
}

interface Measured {
  /** Bytes written to tables per byte flushed. */
  readonly fill: number;
  readonly overwrite: number;
  readonly cpuSeconds: number;
  /** Bytes on disk per byte of records. */
  readonly diskShare: number;
  readonly tables: readonly number[];
}

async function measure(
  { level1, table, multiplier, trigger }: Candidate,
  entries: Entries,
  writeBufferBytes: number,
  location: string,
): Promise<Measured> {
  const cpu = process.cpuUsage();
  await using store = await open(location, {
    writeBufferSize: writeBufferBytes,
    flush: 'inline',
    level1Size: level1 * writeBufferBytes,
    maxFileSize: table * writeBufferBytes,
    levelSizeMultiplier: multiplier,
    level0CompactionTrigger: trigger,
  });
  const settle = async (): Promise<StoreStats> => {
    await store.flush();
    await store.settled();
    return store.stats();
  };
  const write = async (next: (at: number) => number): Promise<void> => {
    for (let first = 0; first < entries.count; first += BATCH) {
      const size = Math.min(BATCH, entries.count - first);
      await store.batch(
        Array.from({ length: size }, (_, at) => {
          const entry = next(first + at);
          return { type: 'put' as const, key: entries.keys[entry]!, value: entries.values[entry]! };
        }),
      );
    }
  };
  await write((at) => at);
  const filled = await settle();
  const prng = new Prng(1);
  await write(() => prng.below(entries.count));
  const after = await settle();
  const { user, system } = process.cpuUsage(cpu);
  const overwriteFlushed = after.flushes.bytes - filled.flushes.bytes;
  return {
    fill: filled.writeAmplification,
    overwrite: 1 + (compacted(after) - compacted(filled)) / overwriteFlushed,
    cpuSeconds: (user + system) / 1e6,
    diskShare: after.levels.reduce((sum, { bytes }) => sum + bytes, 0) / (entries.count * RECORD_BYTES),
    tables: after.levels.map(({ tables }) => tables),
  };
}

function compacted(stats: StoreStats): number {
  return stats.levels.reduce((sum, { bytesWritten }) => sum + bytesWritten, 0);
}

function row(candidate: Candidate, measured: Measured): string[] {
  return [
    String(candidate.level1),
    String(candidate.table),
    String(candidate.multiplier),
    String(candidate.trigger),
    decimal(measured.fill),
    decimal(measured.overwrite),
    decimal(measured.cpuSeconds),
    decimal(measured.diskShare),
    measured.tables.join(' / '),
  ];
}

await main();
