/** `arena-level scan`: prints the entries of a range. */
import { KIB } from '@arena-level/common/base/limits';
import type { Store } from '../../db/store.ts';
import type { RangeBounds } from '../../iterator/key-range.ts';
import { DIRECTORY, integer, readArguments } from '../arguments.ts';
import { type CliIo, type Command, command, ExitCode, interruptedCode } from '../command.ts';
import { ENCODING_HELP, ENCODING_OPTIONS, type Encodings, encodingsOf } from '../encoding-options.ts';
import { jsonOf, textOf } from '../notation.ts';
import { Output } from '../output.ts';
import { RANGE_HELP, RANGE_OPTIONS, rangeOf } from '../range-options.ts';
import { readStore } from '../store-access.ts';
import { RangeProgress } from './range-progress.ts';

const HELP = `Usage: arena-level scan DIR [options]

Prints the entries of a range in the order of their keys: key, tab, value, one to a line.

  DIR                       directory of the store
${RANGE_HELP}
  --reverse                 from the last key to the first
  --limit N                 at most N entries
  --keys                    print keys alone
  --values                  print values alone
${ENCODING_HELP}
  --json                    one JSON object to a line: {"key": …, "value": …}

Examples:
  arena-level scan ./cities --prefix CH/ --limit 10
  arena-level scan ./cities --gte A --lt B --keys
  arena-level scan ./log --reverse --limit 1 --value-encoding json --json
  arena-level scan ./log --encoding hex | head
`;

const NO_LIMIT = String(Number.MAX_SAFE_INTEGER);
/** Entries and bytes that are asked for at a time. */
const BATCH = 1000;
const BATCH_BYTES = 256 * KIB;

const OPTIONS = {
  ...RANGE_OPTIONS,
  ...ENCODING_OPTIONS,
  reverse: { type: 'boolean', default: false },
  limit: { type: 'string', default: NO_LIMIT },
  keys: { type: 'boolean', default: false },
  values: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
} as const;

interface ScanOptions {
  readonly location: string;
  readonly range: RangeBounds;
  readonly reverse: boolean;
  readonly limit: number;
  readonly keys: boolean;
  readonly values: boolean;
  readonly encodings: Encodings;
  readonly json: boolean;
}

function parse(args: readonly string[]): ScanOptions {
  const { values: given, positionals } = readArguments(args, OPTIONS, [DIRECTORY]);
  const encodings = encodingsOf(given);
  const { reverse, keys, values, json } = given;
  const both = keys === values;
  return {
    location: positionals[0]!,
    range: rangeOf(given, encodings.keys),
    reverse,
    limit: integer('--limit', given.limit, 0, Number.MAX_SAFE_INTEGER),
    keys: keys || both,
    values: values || both,
    encodings,
    json,
  };
}

export const scanCommand: Command = command<ScanOptions>({
  name: 'scan',
  summary: 'print the entries of a range',
  help: HELP,
  parse,
  async run(options, io) {
    await readStore(options.location, (store) => scan(store, options, io));
    return io.interrupt.aborted ? interruptedCode(io) : ExitCode.Ok;
  },
});

async function scan(store: Store, options: ScanOptions, io: CliIo): Promise<void> {
  const { range, reverse, limit, values } = options;
  const iterator = store.iterator({ ...range, reverse, limit, values, highWaterMarkBytes: BATCH_BYTES });
  const output = new Output(io);
  // A line of progress between lines of output would be neither.
  const progress = new RangeProgress(store, range, reverse, {
    ...io,
    interactive: io.interactive && !io.stdoutIsTerminal,
  });
  let count = 0;
  try {
    while (!io.interrupt.aborted) {
      const entries = await iterator.nextv(BATCH);
      const last = entries.at(-1);
      if (last === undefined) break;
      for (const [key, value] of entries) output.line(lineOf(key!, value, options));
      count += entries.length;
      if (output.isFull) await output.flush();
      await progress.update(count, last[0]!);
    }
  } finally {
    progress.clear();
    iterator.close();
    await output.flush();
  }
}

function lineOf(
  key: Uint8Array,
  value: Uint8Array | undefined,
  { keys, values, encodings, json }: ScanOptions,
): string {
  const what = (): string => `the value of ${textOf(key, 'utf8', 'the key')}`;
  const write = json ? jsonOf : textOf;
  const parts: string[] = [];
  if (keys) {
    const text = write(key, encodings.keys, encodings.keys === 'json' ? 'a key' : '');
    parts.push(json ? `"key":${text}` : text);
  }
  if (values && value !== undefined) {
    const text = write(value, encodings.values, encodings.values === 'json' ? what() : '');
    parts.push(json ? `"value":${text}` : text);
  }
  return json ? `{${parts.join(',')}}` : parts.join('\t');
}
