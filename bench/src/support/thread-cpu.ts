/**
 * CPU time of the calling thread alone. `process.cpuUsage` counts all threads of the process, so it cannot tell
 * what the event loop is kept busy with while a worker flushes.
 */
import { readFileSync } from 'node:fs';

export interface ThreadCpu {
  /** Nanoseconds of CPU so far. */
  read(): number;
  /** Where the number comes from, and whether it is of this thread only. */
  readonly source: string;
  readonly threadOnly: boolean;
}

const SCHEDSTAT = '/proc/thread-self/schedstat';

interface ProcessWithThreadCpu {
  threadCpuUsage?(): { readonly user: number; readonly system: number };
}

export function threadCpu(): ThreadCpu {
  if (readSchedstat() !== undefined) {
    return { read: () => readSchedstat() ?? 0, source: SCHEDSTAT, threadOnly: true };
  }
  const later = process as ProcessWithThreadCpu;
  if (later.threadCpuUsage !== undefined) {
    const read = (): number => {
      const { user, system } = later.threadCpuUsage!();
      return (user + system) * 1000;
    };
    return { read, source: 'process.threadCpuUsage', threadOnly: true };
  }
  const read = (): number => {
    const { user, system } = process.cpuUsage();
    return (user + system) * 1000;
  };
  return { read, source: 'process.cpuUsage (all threads: this system tells no more)', threadOnly: false };
}

/** The first number: time spent on the CPU, in nanoseconds. Undefined where the system has no such file. */
function readSchedstat(): number | undefined {
  try {
    return Number(readFileSync(SCHEDSTAT, 'latin1').split(' ')[0]);
  } catch {
    return undefined;
  }
}
