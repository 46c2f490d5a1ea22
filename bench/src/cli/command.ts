import type { CommandLine, OptionName } from './arguments.ts';
import type { Session } from './session.ts';

export interface Command {
  readonly name: string;
  readonly about: string;
  readonly help: string;
  readonly options: readonly OptionName[];
  /** Checks everything that can be checked beforehand; throws OptionError. */
  prepare(line: CommandLine): MeasuringCommand | ReadingCommand;
}

/** Runs engines: it gets a folder for their stores, removed with all that is in it. */
export interface MeasuringCommand {
  /** Where that folder lies; undefined: in the checkout. */
  readonly dir: string | undefined;
  measure(session: Session): Promise<void>;
}

/** Works on figures that are there already. */
export interface ReadingCommand {
  run(output: Pick<Session, 'print'>): Promise<void>;
}
