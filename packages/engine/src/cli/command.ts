import type { Readable, Writable } from 'node:stream';
import type { Clock } from '@arena-level/common/base/clock';

/** What a command may touch of the process: injected, so that tests run commands in-process. */
export interface CliIo {
  readonly stdin: Readable;
  readonly stdout: Writable;
  readonly stderr: Writable;
  /** True when stderr is a terminal: only then progress is drawn. */
  readonly interactive: boolean;
  /** Columns of that terminal; 0 when it does not tell. */
  readonly columns: number;
  readonly clock: Clock;
  /** Fires when the user asks to stop: the command ends what it does in good order. */
  readonly interrupt: AbortSignal;
}

export const ExitCode = { Ok: 0, Problem: 1, Usage: 2, Interrupted: 130 } as const;
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];

export interface Command {
  readonly name: string;
  /** One line for the list of commands. */
  readonly summary: string;
  /** All of `arena-level help <name>`. */
  readonly help: string;
  run(args: readonly string[], io: CliIo): Promise<ExitCode>;
}
