/** What tells this process apart from every other, and what can be learnt about others. Linux tells most. */
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

export interface ProcessFacts {
  readonly host: string;
  /** Stays when the machine is started anew, where it has such an id; else it is good for one boot. */
  readonly machine: string;
  /** One boot of one kernel; undefined where it cannot be told. */
  readonly boot: string | undefined;
  /** In which process ids are counted; undefined where there is one for all. */
  readonly pidNamespace: string | undefined;
  readonly pid: number;
  /** In clock ticks since the boot, so that a reused process id is recognised; undefined where it cannot be told. */
  readonly startTime: string | undefined;
}

let known: ProcessFacts | undefined;

export function thisProcess(): ProcessFacts {
  known ??= gather();
  return known;
}

function gather(): ProcessFacts {
  const boot = readLine('/proc/sys/kernel/random/boot_id');
  return {
    host: hostname(),
    machine: machineId() ?? boot ?? hostname(),
    boot,
    pidNamespace: linkOf('/proc/self/ns/pid'),
    pid: process.pid,
    startTime: processState('self')?.startTime,
  };
}

/** Images of containers may have an empty file, or one that says `uninitialized`. */
function machineId(): string | undefined {
  const id = readLine('/etc/machine-id');
  return id !== undefined && /^[0-9a-f]{32}$/.test(id) ? id : undefined;
}

export interface ProcessState {
  readonly startTime: string;
  /** It has ended, and only its parent has not yet noticed; its descriptors are closed. */
  readonly ended: boolean;
}

/** What /proc says about a process, or undefined where it says nothing. */
export function processState(pid: number | 'self'): ProcessState | undefined {
  const line = readLine(`/proc/${pid}/stat`);
  if (line === undefined) return undefined;
  // The second field is the program's name in parentheses and may hold anything. The third is the state, the 22nd
  // the start time.
  const fields = line.slice(line.lastIndexOf(')') + 2).split(' ');
  const startTime = fields[22 - 3];
  if (startTime === undefined) return undefined;
  return { startTime, ended: fields[0] === 'Z' || fields[0] === 'X' };
}

function readLine(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return undefined;
  }
}

function linkOf(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}
