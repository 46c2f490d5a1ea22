import { type CliIo, type Command, ExitCode } from './command.ts';
import { describeError, UsageError } from './errors.ts';
import { ingestCommand } from './ingest.ts';

const COMMANDS: readonly Command[] = [ingestCommand];

const HELP = `Usage: arena-level <command> [options]

Works on arena-level stores (directories with LevelDB files).

Commands:
${COMMANDS.map((command) => `  ${command.name.padEnd(10)}${command.summary}`).join('\n')}

  arena-level <command> --help   options and examples of a command
  arena-level --version          the version of this package

Exit codes: 0 done, 1 a problem (named on stderr), 2 wrong usage, 130 interrupted.
`;

/** Runs one command line and returns its exit code. Never throws: every error becomes one line on stderr. */
export async function runCli(args: readonly string[], io: CliIo, version: string): Promise<ExitCode> {
  try {
    return await dispatch(args, io, version);
  } catch (error) {
    if (error instanceof UsageError) {
      io.stderr.write(`arena-level: ${error.message}\nSee 'arena-level --help'.\n`);
      return ExitCode.Usage;
    }
    io.stderr.write(`arena-level: ${describeError(error)}\n`);
    return ExitCode.Problem;
  }
}

async function dispatch(args: readonly string[], io: CliIo, version: string): Promise<ExitCode> {
  const [first, ...rest] = args;
  if (first === undefined) throw new UsageError('no command given');
  if (first === '--version' || first === '-v') return print(io, `${version}\n`);
  if (first === '--help' || first === '-h') return print(io, HELP);
  if (first === 'help') return print(io, rest[0] === undefined ? HELP : commandNamed(rest[0]).help);
  if (first.startsWith('-')) throw new UsageError(`unknown option '${first}'`);
  const command = commandNamed(first);
  if (asksForHelp(rest)) return print(io, command.help);
  return command.run(rest, io);
}

function commandNamed(name: string): Command {
  const command = COMMANDS.find((candidate) => candidate.name === name);
  if (command === undefined) {
    throw new UsageError(
      `unknown command '${name}'; there is ${COMMANDS.map((c) => `'${c.name}'`).join(', ')}`,
    );
  }
  return command;
}

/** `--help` anywhere before a lone `--` wins over whatever else is wrong with the line. */
function asksForHelp(args: readonly string[]): boolean {
  const end = args.indexOf('--');
  return (end < 0 ? args : args.slice(0, end)).some((arg) => arg === '--help' || arg === '-h');
}

function print(io: CliIo, text: string): ExitCode {
  io.stdout.write(text);
  return ExitCode.Ok;
}
