/** `arena-level del`: deletes keys. */
import { DIRECTORY, readOptions } from '../arguments.ts';
import { type Command, command, ExitCode } from '../command.ts';
import { ENCODING_OPTIONS, encodingsOf } from '../encoding-options.ts';
import { UsageError } from '../errors.ts';
import { bytesOf, type Encoding, jsonOf } from '../notation.ts';
import { writeStore } from '../store-access.ts';

const HELP = `Usage: arena-level del DIR KEY [KEY ...] [options]

Deletes keys, all of them or none. One that is not there is no error.

  DIR                       directory of the store
  KEY                       put -- before the keys when one begins with a dash
  --encoding E              how the keys are written: utf8 (default), hex, base64 or json; also --key-encoding
  --json                    print {"keys": [ … ], "sequence": …}; nothing is printed without it

Examples:
  arena-level del ./notes monday tuesday
  arena-level del ./notes 00ff --encoding hex
`;

interface DelOptions {
  readonly location: string;
  readonly keys: readonly Uint8Array[];
  readonly encoding: Encoding;
  readonly json: boolean;
}

const { encoding, 'key-encoding': keyEncoding } = ENCODING_OPTIONS;
const OPTIONS = {
  encoding,
  'key-encoding': keyEncoding,
  json: { type: 'boolean', default: false },
} as const;

function parse(args: readonly string[]): DelOptions {
  const { values, positionals } = readOptions(args, OPTIONS);
  const [location, ...keys] = positionals;
  if (location === undefined || location === '') throw new UsageError(`no DIR given: ${DIRECTORY.what}`);
  if (keys.length === 0) throw new UsageError('no KEY given: the key to delete');
  const encoding = encodingsOf(values).keys;
  return { location, keys: keys.map((key) => bytesOf(key, encoding, 'KEY')), encoding, json: values.json };
}

export const delCommand: Command = command<DelOptions>({
  name: 'del',
  summary: 'delete keys',
  help: HELP,
  parse,
  async run({ location, keys, encoding, json }, { stdout }) {
    const sequence = await writeStore(location, { flush: 'inline' }, async (store) => {
      await store.batch(
        keys.map((key) => ({ type: 'del', key })),
        { sync: true },
      );
      return store.stats().lastSequence;
    });
    if (json) {
      const keyTexts = keys.map((key) => jsonOf(key, encoding, 'the key'));
      stdout.write(`{"keys":[${keyTexts.join(',')}],"sequence":${sequence}}\n`);
    }
    return ExitCode.Ok;
  },
});
