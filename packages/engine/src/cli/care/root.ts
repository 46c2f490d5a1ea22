/** `arena-level root`: prints the MasterRoot. */
import { DIRECTORY, readArguments } from '../arguments.ts';
import { type Command, command, ExitCode } from '../command.ts';
import { counted, formatCount } from '../format.ts';
import { readStore } from '../store-access.ts';

const HELP = `Usage: arena-level root DIR [options]

Prints the MasterRoot: the hash over all tables of the store. Two stores with the same MasterRoot have the same tables.
What is in journals only is not in it. Nothing is read but what the tables state; 'arena-level verify' reads all.

  DIR                       directory of the store; it may be open elsewhere
  --json                    print it as JSON

Examples:
  arena-level root ./cities
  arena-level root ./cities --json
`;

interface RootOptions {
  readonly location: string;
  readonly json: boolean;
}

function parse(args: readonly string[]): RootOptions {
  const { values, positionals } = readArguments(
    args,
    { json: { type: 'boolean', default: false } } as const,
    [DIRECTORY],
  );
  return { location: positionals[0]!, json: values.json };
}

export const rootCommand: Command = command<RootOptions>({
  name: 'root',
  summary: 'print the MasterRoot',
  help: HELP,
  parse,
  async run({ location, json }, { stdout }) {
    const { root, sequence, tables } = await readStore(location, (store) => store.masterRoot());
    const masterRoot = Buffer.from(root).toString('hex');
    stdout.write(
      json
        ? `${JSON.stringify({ masterRoot, sequence, tables }, undefined, 2)}\n`
        : `${masterRoot}  ${counted(tables, 'table')}, up to sequence number ${formatCount(sequence)}\n`,
    );
    return ExitCode.Ok;
  },
});
