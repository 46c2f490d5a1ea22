/** `arena-level count`: counts the keys of a range. */
import { KIB } from '@arena-level/common/base/limits';
import type { Store } from '../../db/store.ts';
import type { RangeBounds } from '../../iterator/key-range.ts';
import { DIRECTORY, readArguments } from '../arguments.ts';
import { type CliIo, type Command, command, ExitCode, interruptedCode } from '../command.ts';
import { ENCODING_OPTIONS, encodingsOf } from '../encoding-options.ts';
import { RANGE_HELP, RANGE_OPTIONS, rangeOf } from '../range-options.ts';
import { readStore } from '../store-access.ts';
import { RangeProgress } from './range-progress.ts';

const HELP = `Usage: arena-level count DIR [options]

Counts the keys of a range, by reading them.

  DIR                       directory of the store
${RANGE_HELP}
  --encoding E              how the keys are written: utf8 (default), hex, base64 or json; also --key-encoding
  --json                    print {"count": …}

Examples:
  arena-level count ./cities
  arena-level count ./cities --prefix CH/
  arena-level count ./log --gte 2024-01 --lt 2024-02 --json
`;

/** Keys and bytes that are asked for at a time. */
const BATCH = 5000;
const BATCH_BYTES = 256 * KIB;

const { encoding, 'key-encoding': keyEncoding } = ENCODING_OPTIONS;
const OPTIONS = {
  ...RANGE_OPTIONS,
  encoding,
  'key-encoding': keyEncoding,
  json: { type: 'boolean', default: false },
} as const;

interface CountOptions {
  readonly location: string;
  readonly range: RangeBounds;
  readonly json: boolean;
}

function parse(args: readonly string[]): CountOptions {
  const { values, positionals } = readArguments(args, OPTIONS, [DIRECTORY]);
  return {
    location: positionals[0]!,
    range: rangeOf(values, encodingsOf(values).keys),
    json: values.json,
  };
}

export const countCommand: Command = command<CountOptions>({
  name: 'count',
  summary: 'count the keys of a range',
  help: HELP,
  parse,
  async run({ location, range, json }, io) {
    const count = await readStore(location, (store) => countKeys(store, range, io));
    // A number that is not that of the range would be taken for it.
    if (io.interrupt.aborted) return interruptedCode(io);
    io.stdout.write(json ? `{"count":${count}}\n` : `${count}\n`);
    return ExitCode.Ok;
  },
});

async function countKeys(store: Store, range: RangeBounds, io: CliIo): Promise<number> {
  const iterator = store.iterator({ ...range, values: false, highWaterMarkBytes: BATCH_BYTES });
  const progress = new RangeProgress(store, range, false, io);
  let count = 0;
  try {
    while (!io.interrupt.aborted) {
      const entries = await iterator.nextv(BATCH);
      const last = entries.at(-1);
      if (last === undefined) break;
      count += entries.length;
      await progress.update(count, last[0]!);
    }
    return count;
  } finally {
    progress.clear();
    iterator.close();
  }
}
