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
  /** True when a person reads stdout as it is: then nothing binary goes there. */
  readonly stdoutIsTerminal: boolean;
  readonly clock: Clock;
  /** Fires when the command is to end what it does in good order: the user asks for it, or nobody reads stdout any more (its reason is then an OutputClosed). */
  readonly interrupt: AbortSignal;
}

export const ExitCode = { Ok: 0, Problem: 1, Usage: 2, Interrupted: 130 } as const;
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];

/** Whoever read our output has closed it (`… | head`): that has what it wanted. */
export class OutputClosed extends Error {
  override readonly name: string = 'OutputClosed';
}

/** The exit code of a command that `io.interrupt` ended. */
export function interruptedCode({ interrupt }: Pick<CliIo, 'interrupt'>): ExitCode {
  return interrupt.reason instanceof OutputClosed ? ExitCode.Ok : ExitCode.Interrupted;
}

export interface Command {
  readonly name: string;
  /** One line for the list of commands. */
  readonly summary: string;
  /** All of `arena-level help <name>`, examples included. */
  readonly help: string;
  /** Throws UsageError for a wrong command line. Does nothing. */
  check(args: readonly string[]): void;
  run(args: readonly string[], io: CliIo): Promise<ExitCode>;
}

export interface CommandParts<T> extends Pick<Command, 'name' | 'summary' | 'help'> {
  /** Throws UsageError. */
  parse(args: readonly string[]): T;
  run(options: T, io: CliIo): Promise<ExitCode>;
}

/** Arguments are read before anything is done. */
export function command<T>({ name, summary, help, parse, run }: CommandParts<T>): Command {
  return {
    name,
    summary,
    help,
    check: (args) => void parse(args),
    run: (args, io) => run(parse(args), io),
  };
}
