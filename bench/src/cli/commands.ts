import type { Command } from './command.ts';
import { compareCommand } from './compare-command.ts';
import { flushCommand } from './flush-command.ts';
import { guardCommand } from './guard-command.ts';
import { listCommand } from './list-command.ts';
import { reportCommand } from './report-command.ts';
import { runCommand } from './run-command.ts';
import { scaleCommand } from './scale-command.ts';
import { serverCommand } from './server-command.ts';
import { threadsCommand } from './threads-command.ts';

/** The first one is meant when none is named. */
export const COMMANDS: readonly Command[] = [
  runCommand,
  flushCommand,
  serverCommand,
  threadsCommand,
  reportCommand,
  scaleCommand,
  guardCommand,
  compareCommand,
  listCommand,
];

export const HELP: string = `Usage: pnpm bench [command] [options]

${COMMANDS.map(({ about, name }) => `  ${name.padEnd(9)} ${about}`).join('\n')}

pnpm bench <command> --help says more. Without a command:

${runCommand.help}`;
