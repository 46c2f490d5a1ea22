/** The benchmark: `pnpm bench`. */
import { OptionError, parseCommandLine } from './cli/arguments.ts';
import { COMMANDS, HELP } from './cli/commands.ts';
import { Session } from './cli/session.ts';
import { WorkFolder } from './support/work-folder.ts';

const interrupt = new AbortController();
let isMeasuring = false;

async function main(): Promise<number> {
  const args = process.argv.slice(2).filter((arg) => arg !== '--');
  const named = COMMANDS.find(({ name }) => name === args[0]);
  if (named === undefined && (args[0] === '--help' || args[0] === '-h' || args[0] === 'help')) {
    process.stdout.write(HELP);
    return 0;
  }
  const command = named ?? COMMANDS[0]!;
  const line = parseCommandLine(named === undefined ? args : args.slice(1), command.options);
  if (line.help) {
    process.stdout.write(command.help);
    return 0;
  }
  const prepared = command.prepare(line);
  if ('run' in prepared) {
    await prepared.run({ print: (text) => process.stdout.write(`${text}\n`) });
    return 0;
  }
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interrupt.abort());
  const folder = new WorkFolder(prepared.dir);
  isMeasuring = true;
  try {
    await prepared.measure(new Session(folder, interrupt.signal, process.stdout, process.stdout.isTTY));
    return 0;
  } catch (error) {
    if (!interrupt.signal.aborted) throw error;
    process.stderr.write('\ninterrupted\n');
    return 130;
  } finally {
    folder.remove();
  }
}

// Whoever has seen enough closes the pipe: `pnpm bench list | head`.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  // Stores and the process that measures must not outlive this one.
  if (isMeasuring) interrupt.abort();
  else process.exit();
});
try {
  process.exitCode = await main();
} catch (error) {
  const isUsage = error instanceof OptionError;
  process.stderr.write(
    `${error instanceof Error ? error.message : String(error)}\n${isUsage ? 'See --help.\n' : ''}`,
  );
  process.exitCode = isUsage ? 2 : 1;
}
