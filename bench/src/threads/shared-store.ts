/** What the runs with several threads have in common. */
import { engineNamed } from '../engines/all-engines.ts';
import type { EngineSetup } from '../engines/engine.ts';
import { threadCpu } from '../support/thread-cpu.ts';
import type { DatasetShape } from '../workloads/dataset.ts';
import type { Settings } from '../workloads/workload.ts';
import type { ThreadOwner } from './bench-thread.ts';

export interface ThreadsRequest {
  readonly engine: string;
  readonly settings: Settings;
  readonly seed: number;
  readonly location: string;
}

/**
 * Opens a store that other threads can use, and closes it behind `use`. Threads that `use` leaves, because it failed, are
 * terminated. `program`: see `ThreadOwner`.
 */
export async function withSharedStore<T>(
  { engine, location, settings }: ThreadsRequest,
  program: ThreadOwner['program'],
  use: (owner: ThreadOwner) => Promise<T>,
): Promise<T> {
  const loaded = await engineNamed(engine).load();
  if (typeof loaded === 'string') throw new Error(loaded);
  const { cacheBytes, writeBufferBytes } = settings;
  const setup: EngineSetup = { location, cacheBytes, writeBufferBytes, sync: false, threads: true };
  const owner: ThreadOwner = {
    engine,
    setup,
    store: await loaded.open(setup),
    program,
    workers: new Set(),
  };
  try {
    return await use(owner);
  } finally {
    for (const worker of owner.workers) await worker.terminate();
    await owner.store.close();
  }
}

export function shapeOf({ compressible, keyBytes, valueBytes }: Settings): DatasetShape {
  return { compressible, keyBytes, valueBytes, order: 'random' };
}

/** What a stretch takes: time, and CPU of the calling thread and of all threads. */
export interface Spent {
  readonly elapsedMs: number;
  readonly ownerCpuMs: number;
  readonly processCpuMs: number;
}

export async function spentOn<T>(run: () => Promise<T>): Promise<Spent & { readonly result: T }> {
  const cpu = threadCpu();
  const cpuBefore = cpu.read();
  const processBefore = process.cpuUsage();
  const startMs = performance.now();
  const result = await run();
  const elapsedMs = performance.now() - startMs;
  const { system, user } = process.cpuUsage(processBefore);
  return {
    result,
    elapsedMs,
    ownerCpuMs: (cpu.read() - cpuBefore) / 1e6,
    processCpuMs: (user + system) / 1000,
  };
}
