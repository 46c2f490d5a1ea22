/** `arena-level compact`: merges the tables of a range. */
import type { Store } from '../../db/store.ts';
import { DIRECTORY, integer, readArguments } from '../arguments.ts';
import { type CliIo, type Command, command, ExitCode } from '../command.ts';
import { ENCODING_OPTIONS, encodingsOf } from '../encoding-options.ts';
import { counted, formatBytes, formatDuration } from '../format.ts';
import { bytesOf } from '../notation.ts';
import { ProgressLine } from '../progress-line.ts';
import { writeStore } from '../store-access.ts';

const HELP = `Usage: arena-level compact DIR [options]

Merges everything, or a range of keys, into the deepest level that has any of it: what was deleted or replaced is gone
from the disk afterwards, and reads look into fewer tables. Ctrl-C ends it; what is done by then stays.

  DIR                       directory of the store; nobody else may have it open
  --gte KEY, --lte KEY      only keys from KEY on, or up to KEY
  --encoding E              how the keys are written: utf8 (default), hex, base64 or json; also --key-encoding
  --workers N               threads that merge, default 1
  --json                    print what was done as JSON

Examples:
  arena-level compact ./cities
  arena-level compact ./log --lte 2023-12-31 --workers 2
`;

const { encoding, 'key-encoding': keyEncoding } = ENCODING_OPTIONS;
const OPTIONS = {
  gte: { type: 'string' },
  lte: { type: 'string' },
  encoding,
  'key-encoding': keyEncoding,
  workers: { type: 'string', default: '1' },
  json: { type: 'boolean', default: false },
} as const;

interface CompactOptions {
  readonly location: string;
  readonly gte: Uint8Array | undefined;
  readonly lte: Uint8Array | undefined;
  readonly workers: number;
  readonly json: boolean;
}

interface Held {
  readonly tables: number;
  readonly bytes: number;
}

function parse(args: readonly string[]): CompactOptions {
  const { values, positionals } = readArguments(args, OPTIONS, [DIRECTORY]);
  const { keys } = encodingsOf(values);
  const bound = (name: 'gte' | 'lte'): Uint8Array | undefined => {
    const text = values[name];
    return text === undefined ? undefined : bytesOf(text, keys, `--${name}`);
  };
  return {
    location: positionals[0]!,
    gte: bound('gte'),
    lte: bound('lte'),
    workers: integer('--workers', values.workers, 1, 16),
    json: values.json,
  };
}

export const compactCommand: Command = command<CompactOptions>({
  name: 'compact',
  summary: 'merge tables: reads become faster, and what was deleted goes',
  help: HELP,
  parse,
  async run(options, io) {
    const { location, workers, json } = options;
    const startedAt = io.clock.now();
    // No compaction but the one that is asked for.
    const open = { autoCompaction: false, compactionWorkers: workers };
    const [before, after] = await writeStore(location, open, (store) => compact(store, options, io));
    const seconds = (io.clock.now() - startedAt) / 1000;
    io.stdout.write(
      json
        ? `${JSON.stringify({ before, after, seconds }, undefined, 2)}\n`
        : `Compacted in ${formatDuration(seconds * 1000)}: ${described(before)} → ${described(after)}\n`,
    );
    return ExitCode.Ok;
  },
});

async function compact(
  store: Store,
  { gte, lte }: CompactOptions,
  io: CliIo,
): Promise<[before: Held, after: Held]> {
  const before = heldBy(store);
  const line = ProgressLine.on(io);
  try {
    await store.compactRange(gte, lte, {
      signal: io.interrupt,
      onProgress: ({ bytesDone, bytesPlanned }) => line.updateBytes(bytesDone, bytesPlanned, 'merged'),
    });
  } finally {
    line.clear();
  }
  return [before, heldBy(store)];
}

function heldBy(store: Store): Held {
  const { levels } = store.stats();
  return {
    tables: levels.reduce((sum, { tables }) => sum + tables, 0),
    bytes: levels.reduce((sum, { bytes }) => sum + bytes, 0),
  };
}

function described({ tables, bytes }: Held): string {
  return `${counted(tables, 'table')} (${formatBytes(bytes)})`;
}
