import type { Arguments, CommandLine, OptionName } from './arguments.ts';
import type { Session } from './session.ts';

export interface Command {
  readonly name: string;
  readonly about: string;
  readonly help: string;
  readonly options: readonly OptionName[];
  /** Checks everything that can be checked beforehand; throws OptionError. */
  prepare(line: CommandLine): PreparedCommand;
}

export interface PreparedCommand {
  readonly args: Pick<Arguments, 'dir'>;
  run(session: Session): Promise<void>;
}
