/** `arena-level stats`: how a store stands, by its files. */
import { FileType } from '@arena-level/common/storage/file-desc';
import { NodeStorage } from '@arena-level/common/storage/node-storage';
import { lookAtHolder } from '../../lock/look-at-holder.ts';
import type { StoreStats } from '../../public/stats.ts';
import { DIRECTORY, readArguments } from '../arguments.ts';
import { alignColumns } from '../columns.ts';
import { type Command, command, ExitCode } from '../command.ts';
import { counted, formatBytes, formatCount } from '../format.ts';
import { readStore } from '../store-access.ts';

const HELP = `Usage: arena-level stats DIR [options]

Shows how a store stands: its levels, journals and sequence number, and who has it open. What a process has done since
it opened the store (stalls, cache hits, write amplification) only that process knows: Store.stats().

  DIR                       directory of the store
  --json                    print it as JSON, sizes in bytes

Examples:
  arena-level stats ./cities
  arena-level stats ./cities --json
`;

/** What `--json` prints. Sizes are bytes. */
export interface StatsReport {
  readonly location: string;
  /** In words; null when nobody is known to have it open. */
  readonly openBy: string | null;
  readonly levels: readonly { readonly level: number; readonly tables: number; readonly bytes: number }[];
  readonly tables: number;
  readonly tableBytes: number;
  readonly journals: number;
  readonly journalBytes: number;
  /** Writes that are in journals only. */
  readonly journalEntries: number;
  readonly lastSequence: number;
  readonly files: number;
  readonly bytes: number;
}

interface StatsOptions {
  readonly location: string;
  readonly json: boolean;
}

function parse(args: readonly string[]): StatsOptions {
  const { values, positionals } = readArguments(
    args,
    { json: { type: 'boolean', default: false } } as const,
    [DIRECTORY],
  );
  return { location: positionals[0]!, json: values.json };
}

export const statsCommand: Command = command<StatsOptions>({
  name: 'stats',
  summary: 'show levels, tables, journals and sequence number',
  help: HELP,
  parse,
  async run({ location, json }, { stdout }) {
    const stats = await readStore(location, async (store) => reportOf(store.location, store.stats()));
    stdout.write(json ? `${JSON.stringify(stats, undefined, 2)}\n` : statsText(stats));
    return ExitCode.Ok;
  },
});

function reportOf(location: string, { levels, memtables, lastSequence }: StoreStats): StatsReport {
  const files = filesOf(location);
  const journals = files.filter(({ type }) => type === FileType.Journal);
  const sum = (list: readonly { readonly bytes: number }[]): number =>
    list.reduce((total, { bytes }) => total + bytes, 0);
  return {
    location,
    openBy: lookAtHolder(location) ?? null,
    levels: levels.map(({ tables, bytes }, level) => ({ level, tables, bytes })),
    tables: levels.reduce((total, { tables }) => total + tables, 0),
    tableBytes: sum(levels),
    journals: journals.length,
    journalBytes: sum(journals),
    journalEntries: memtables.entries,
    lastSequence,
    files: files.length,
    bytes: sum(files),
  };
}

function filesOf(location: string): { readonly type: FileType; readonly bytes: number }[] {
  const storage = new NodeStorage(location);
  try {
    return storage.listNow().map((file) => ({ type: file.type, bytes: storage.sizeNow(file) ?? 0 }));
  } finally {
    storage.closeNow();
  }
}

export function statsText(stats: StatsReport): string {
  const { levels, tables, tableBytes, journals, journalBytes, journalEntries } = stats;
  const used = levels.filter((level) => level.tables > 0);
  const rows = [
    ['level', 'tables', 'bytes'],
    ...used.map((level) => [String(level.level), formatCount(level.tables), formatBytes(level.bytes)]),
    ['all', formatCount(tables), formatBytes(tableBytes)],
  ];
  const facts = [
    [
      'journals',
      `${formatCount(journals)} (${formatBytes(journalBytes)}), ${counted(journalEntries, 'write')} not in tables yet`,
    ],
    ['sequence', `${formatCount(stats.lastSequence)} is the last number`],
    ['on disk', `${formatBytes(stats.bytes)} in ${counted(stats.files, 'file')}`],
    ['open', stats.openBy === null ? 'by nobody' : `by ${stats.openBy}`],
  ];
  return `${[
    stats.location,
    '',
    ...alignColumns(rows, ['right', 'right', 'right']),
    '',
    ...alignColumns(facts, ['left', 'left']),
  ].join('\n')}\n`;
}
