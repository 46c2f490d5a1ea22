/**
 * Instructions of a process, all its threads and what V8 compiles in it included, counted by valgrind's callgrind: about
 * the same whatever else the machine does, at some thirty times the time. They say nothing of what waits for memory.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

const VALGRIND = 'valgrind';

/** How to start Node under the counter, which writes what it has counted to a file. */
export interface Launcher {
  readonly execPath: string;
  readonly execArgv: readonly string[];
}

/** Why instructions cannot be counted here; undefined: they can. */
export function whyNotCounted(command: string = VALGRIND): string | undefined {
  const { error, status } = spawnSync(command, ['--version']);
  return error === undefined && status === 0 ? undefined : `${command} is not installed`;
}

export function countingLauncher(log: string): Launcher {
  return {
    execPath: VALGRIND,
    execArgv: [
      '--tool=callgrind',
      // V8 writes code while it runs.
      '--smc-check=all-non-file',
      '--callgrind-out-file=/dev/null',
      `--log-file=${log}`,
      process.execPath,
    ],
  };
}

export function countedIn(log: string): number {
  return parseCount(readFileSync(log, 'utf8'));
}

export function parseCount(log: string): number {
  const text = /I\s+refs:\s+([\d,]+)/.exec(log)?.[1];
  if (text === undefined) throw new Error(`valgrind counted nothing:\n${log}`);
  return Number(text.replaceAll(',', ''));
}
