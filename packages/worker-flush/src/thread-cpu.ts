interface ThreadCpuUsage {
  /** Microseconds. */
  readonly user: number;
  readonly system: number;
}

/** Newer than the oldest Node that the engine runs on. */
const { threadCpuUsage } = process as { readonly threadCpuUsage?: () => ThreadCpuUsage };

/** CPU time of this thread so far, in milliseconds; 0 where Node cannot tell. */
export function threadCpuMs(): number {
  if (threadCpuUsage === undefined) return 0;
  const { user, system } = threadCpuUsage.call(process);
  return (user + system) / 1000;
}
