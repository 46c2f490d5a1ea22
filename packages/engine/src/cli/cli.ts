import { ErrorCode, hasCode } from '@arena-level/common/base/errors';
import { checkpointCommand } from './care/checkpoint.ts';
import { compactCommand } from './care/compact.ts';
import { doctorCommand } from './care/doctor.ts';
import { repairCommand } from './care/repair.ts';
import { rootCommand } from './care/root.ts';
import { statsCommand } from './care/stats.ts';
import { verifyCommand } from './care/verify.ts';
import { type CliIo, type Command, ExitCode, interruptedCode } from './command.ts';
import { countCommand } from './data/count.ts';
import { delCommand } from './data/del.ts';
import { getCommand } from './data/get.ts';
import { putCommand } from './data/put.ts';
import { scanCommand } from './data/scan.ts';
import { dumpCommand } from './dump/dump.ts';
import { describeError, UsageError } from './errors.ts';
import { ingestCommand } from './ingest.ts';
import { nearest } from './nearest.ts';

/** In the order of the help. */
export const COMMANDS: readonly Command[] = [
  ingestCommand,
  getCommand,
  putCommand,
  delCommand,
  scanCommand,
  countCommand,
  statsCommand,
  compactCommand,
  verifyCommand,
  rootCommand,
  checkpointCommand,
  doctorCommand,
  repairCommand,
  dumpCommand,
];

const HELP = `Usage: arena-level <command> [options]

Works on arena-level stores (directories with LevelDB files).

Commands:
${COMMANDS.map((command) => `  ${command.name.padEnd(12)}${command.summary}`).join('\n')}

  arena-level <command> --help   options and examples of a command
  arena-level --version          the version of this package

Commands that read (get, scan, count, stats, verify, root, doctor, dump) change nothing, and work beside a process that
has the store open. The others need it for themselves. Ctrl-C ends each in good order.

Exit codes: 0 done, 1 a problem (named on stderr), 2 wrong usage, 130 interrupted.

Examples:
  arena-level ingest cities.ndjson --db ./cities --key country --key name
  arena-level scan ./cities --prefix CH/ --limit 10
  arena-level doctor ./cities
`;

/** Runs one command line and returns its exit code. Never throws: every error becomes one line on stderr. */
export async function runCli(args: readonly string[], io: CliIo, version: string): Promise<ExitCode> {
  try {
    return await dispatch(args, io, version);
  } catch (error) {
    if (error instanceof UsageError) {
      io.stderr.write(`arena-level: ${oneLine(error.message)}; see 'arena-level ${helpFor(args)}'\n`);
      return ExitCode.Usage;
    }
    if (io.interrupt.aborted && hasCode(error, ErrorCode.Aborted)) {
      const code = interruptedCode(io);
      if (code !== ExitCode.Ok) io.stderr.write(`arena-level: interrupted: ${describeAborted(error)}\n`);
      return code;
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

function findCommand(name: string | undefined): Command | undefined {
  return COMMANDS.find((candidate) => candidate.name === name);
}

function commandNamed(name: string): Command {
  const command = findCommand(name);
  if (command !== undefined) return command;
  const meant = nearest(
    name,
    COMMANDS.map((candidate) => candidate.name),
  );
  throw new UsageError(`unknown command '${name}'${meant === undefined ? '' : `; did you mean '${meant}'?`}`);
}

/** What to type to read about what was wrong. */
function helpFor([first]: readonly string[]): string {
  const command = findCommand(first);
  return command === undefined ? '--help' : `help ${command.name}`;
}

function describeAborted(error: unknown): string {
  return (error as Error).message;
}

function oneLine(text: string): string {
  return text.replaceAll(/[\r\n]+/g, ' ');
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
