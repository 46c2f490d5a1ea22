/** `arena-level get`: prints the value of a key. */
import { DIRECTORY, readArguments } from '../arguments.ts';
import { type Command, command, ExitCode } from '../command.ts';
import { ENCODING_HELP, ENCODING_OPTIONS, type Encodings, encodingsOf } from '../encoding-options.ts';
import { CommandError, UsageError } from '../errors.ts';
import { bytesOf, isPlainText, jsonOf, textOf } from '../notation.ts';
import { readStore } from '../store-access.ts';

const HELP = `Usage: arena-level get DIR KEY [options]

Prints the value of a key. Exit code 1 when there is no such key.

  DIR                       directory of the store
  KEY                       the key
${ENCODING_HELP}
  --json                    print {"key": …, "value": …}
  --raw                     print the bytes of the value as they are, without a newline
  --force                   with --raw: also to a terminal when they are not text

Examples:
  arena-level get ./cities CH/Bern
  arena-level get ./cities CH/Bern --value-encoding json --json
  arena-level get ./log '\\x00\\x01' --raw > value.bin
  arena-level get ./log 0001 --key-encoding hex --value-encoding base64
`;

interface GetOptions {
  readonly location: string;
  readonly key: Uint8Array;
  readonly encodings: Encodings;
  readonly json: boolean;
  readonly raw: boolean;
  readonly force: boolean;
}

const KEY = { name: 'KEY', what: 'the key to look up' };

const OPTIONS = {
  ...ENCODING_OPTIONS,
  json: { type: 'boolean', default: false },
  raw: { type: 'boolean', default: false },
  force: { type: 'boolean', default: false },
} as const;

function parse(args: readonly string[]): GetOptions {
  const { values, positionals } = readArguments(args, OPTIONS, [DIRECTORY, KEY]);
  const { json, raw, force } = values;
  if (json && raw) throw new UsageError('--json and --raw exclude each other');
  const encodings = encodingsOf(values);
  const key = bytesOf(positionals[1]!, encodings.keys, 'KEY');
  return { location: positionals[0]!, key, encodings, json, raw, force };
}

export const getCommand: Command = command<GetOptions>({
  name: 'get',
  summary: 'print the value of a key',
  help: HELP,
  parse,
  async run({ location, key, encodings, json, raw, force }, { stdout, stdoutIsTerminal }) {
    const value = await readStore(location, (store) => store.get(key));
    const keyText = textOf(key, encodings.keys, 'the key');
    if (value === undefined) throw new CommandError(`there is no key ${keyText} in ${location}`);
    if (raw) {
      if (stdoutIsTerminal && !force && !isPlainText(value)) {
        throw new CommandError(
          `the value of ${keyText} is not text, and would go to the terminal; redirect it, or add --force`,
        );
      }
      stdout.write(value);
      return ExitCode.Ok;
    }
    const what = `the value of ${keyText}`;
    stdout.write(
      json
        ? `{"key":${jsonOf(key, encodings.keys, 'the key')},"value":${jsonOf(value, encodings.values, what)}}\n`
        : `${textOf(value, encodings.values, what)}\n`,
    );
    return ExitCode.Ok;
  },
});
