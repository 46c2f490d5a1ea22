import type { Command } from './command.ts';
import { runCommand } from './run-command.ts';

/** The first one is meant when none is named. */
export const COMMANDS: readonly Command[] = [runCommand];

export const HELP: string = `Usage: pnpm bench [command] [options]

${COMMANDS.map(({ about, name }) => `  ${name.padEnd(9)} ${about}`).join('\n')}

pnpm bench <command> --help says more. Without a command:

${runCommand.help}`;
