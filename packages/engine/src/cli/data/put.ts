/** `arena-level put`: stores a value under a key. */
import { DIRECTORY, readOptions } from '../arguments.ts';
import { type CliIo, type Command, command, ExitCode, interruptedCode } from '../command.ts';
import { ENCODING_HELP, ENCODING_OPTIONS, type Encodings, encodingsOf } from '../encoding-options.ts';
import { UsageError } from '../errors.ts';
import { Source } from '../ingest/source.ts';
import { bytesOf, jsonOf } from '../notation.ts';
import { writeStore } from '../store-access.ts';

const HELP = `Usage: arena-level put DIR KEY VALUE [options]
       arena-level put DIR KEY --from FILE [options]

Stores a value under a key, replacing the one before. It survives a crash of the machine when the command has ended.

  DIR                       directory of the store
  KEY, VALUE                put -- before them when one begins with a dash
  --from FILE               the value is the contents of a file, as they are; '-' reads stdin
  --create                  create the store when there is none
${ENCODING_HELP}
  --json                    print {"key": …, "valueBytes": …, "sequence": …}; nothing is printed without it

Examples:
  arena-level put ./notes monday 'buy milk' --create
  arena-level put ./notes '\\x00\\xff' 00ff --value-encoding hex
  arena-level put ./notes picture --from picture.png
  date | arena-level put ./notes now --from -
  arena-level put ./notes -- -5 minus-five
`;

interface PutOptions {
  readonly location: string;
  readonly key: Uint8Array;
  readonly encodings: Encodings;
  /** Undefined: it comes from a file. */
  readonly value: Uint8Array | undefined;
  readonly from: string;
  readonly create: boolean;
  readonly json: boolean;
}

const OPTIONS = {
  ...ENCODING_OPTIONS,
  from: { type: 'string' },
  create: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
} as const;

function parse(args: readonly string[]): PutOptions {
  const { values, positionals } = readOptions(args, OPTIONS);
  const [location, keyText, valueText, extra] = positionals;
  if (location === undefined || location === '') throw new UsageError(`no DIR given: ${DIRECTORY.what}`);
  if (keyText === undefined) throw new UsageError('no KEY given: the key to store the value under');
  const { from, create, json } = values;
  if (from === undefined && valueText === undefined) throw new UsageError('no VALUE given, and no --from');
  const surplus = from === undefined ? extra : valueText;
  if (surplus !== undefined) throw new UsageError(`there is an argument too many: '${surplus}'`);
  const encodings = encodingsOf(values);
  return {
    location,
    key: bytesOf(keyText, encodings.keys, 'KEY'),
    encodings,
    value: valueText === undefined ? undefined : bytesOf(valueText, encodings.values, 'VALUE'),
    from: from ?? '',
    create,
    json,
  };
}

export const putCommand: Command = command<PutOptions>({
  name: 'put',
  summary: 'store a value under a key',
  help: HELP,
  parse,
  async run({ location, key, encodings, value, from, create, json }, io) {
    // Read before the store is opened: what cannot be read leaves no store behind.
    const contents = value ?? (await readValue(from, io));
    if (io.interrupt.aborted) return interruptedCode(io);
    const open = { flush: 'inline', createIfMissing: create } as const;
    const sequence = await writeStore(location, open, async (store) => {
      await store.put(key, contents, { sync: true });
      return store.stats().lastSequence;
    });
    if (json) {
      const keyText = jsonOf(key, encodings.keys, 'the key');
      io.stdout.write(`{"key":${keyText},"valueBytes":${contents.length},"sequence":${sequence}}\n`);
    }
    return ExitCode.Ok;
  },
});

async function readValue(from: string, { stdin, interrupt }: CliIo): Promise<Uint8Array> {
  const source = await Source.open(from, stdin, interrupt);
  try {
    const pieces: Uint8Array[] = [];
    for await (const piece of source.chunks()) pieces.push(piece);
    return Buffer.concat(pieces);
  } finally {
    source.close();
  }
}
